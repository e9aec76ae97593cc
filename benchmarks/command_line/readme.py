"""``readme``: the generated parts of README.md and docs/, written from baselines and recorded nights."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.command_line.arguments import add_baselines, add_command
from cifar_models.command_line.errors import user_errors
from cifar_models.command_line.output import say

REPRODUCTION = Path("docs/explanation/the-published-table.md")
"""The page with a figure, which is written beside it."""


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "readme",
        run,
        summary="write the generated parts of README.md and docs/",
        description="Write the tables and example outputs of README.md and docs/, from the baselines and the nights in "
        "docs/examples/. A unit test fails while a document is out of date.",
        example="",
    )
    add_baselines(parser)


def run(arguments: argparse.Namespace) -> None:
    """Rewrite the documents whose generated parts have changed, and print their names.

    Raises:
        CommandError: baselines, nights or documents that cannot be read or written, or marks without an end.
    """
    from benchmarks.baselines.baselines_file import read_baselines
    from benchmarks.records.night_folder import RECORDS
    from benchmarks.report.documents import documents, refresh
    from benchmarks.report.reproduction import FIGURE, official_runs, png
    from cifar_models.storage.files import write_whole

    with user_errors(ValueError, OSError):
        parts = parts_of(Path(), arguments.baselines)
        texts = {path: path.read_text(encoding="utf-8") for path in documents(Path())}
        changed = {path: new for path, old in texts.items() if (new := refresh(old, parts)) != old}
        for path, text in changed.items():
            write_whole(path, text)
            say(f"wrote {path}")
        if REPRODUCTION in changed or not (REPRODUCTION.parent / FIGURE).exists():
            baselines = read_baselines(arguments.baselines)
            picture = png(official_runs(baselines, arguments.baselines.parent / RECORDS))
            write_whole(REPRODUCTION.parent / FIGURE, picture)
            say(f"wrote {REPRODUCTION.parent / FIGURE}")


def parts_of(root: Path, baselines_path: Path) -> dict[str, Callable[[], str]]:
    """Return what renders each generated part, by the name in its marks.

    Args:
        root: the repository's folder.
        baselines_path: the baselines file, with the records of its runs beside it.

    Raises:
        BaselineError: no baselines that can be read.
    """
    from benchmarks.baselines.baselines_file import read_baselines
    from benchmarks.night import plan
    from benchmarks.night.settings import Settings
    from benchmarks.report import reproduction
    from benchmarks.report.documents import exact_lane_of, failures_of, measured_tables, verdicts_of

    baselines = read_baselines(baselines_path)
    settings = Settings(baselines_path=baselines_path, run_dir=Path("runs"), options="--dataset synthetic")
    green, red = (root / "docs" / "examples" / name for name in ("green-night", "red-night"))

    def failures() -> str:
        return failures_of(red, baselines, settings.records, settings.update_command("simple_cnn"))

    official = reproduction.official_runs(baselines, settings.records)
    return {
        "published-table": lambda: reproduction.distances(official),
        "published-figure": lambda: reproduction.figure(official),
        "published-curves": lambda: reproduction.curves_by_epoch(official),
        "published-classes": lambda: reproduction.classes(official),
        "published-conditions": lambda: reproduction.conditions(official),
        "published-trials": lambda: reproduction.trials(root / "docs" / "trials" / "published.jsonl"),
        "numbers": lambda: measured_tables(baselines, ["cifar10", "cifar10-unofficial"]),
        "synthetic": lambda: measured_tables(baselines, ["synthetic"]),
        "plan": lambda: _output(plan.render(baselines, dataset="synthetic", points=3)),
        "green-night": lambda: _output(exact_lane_of(green), verdicts_of(green)),
        "green-night-begin": lambda: _output(verdicts_of(green, experiments=2)),
        "red-night": lambda: _output(failures(), exact_lane_of(red), verdicts_of(red)),
    }


def _output(*texts: str) -> str:
    return "\n".join(("```", "\n\n".join(texts), "```"))
