"""Write the generated parts of README.md and docs/.

Write the tables and example outputs of README.md and docs/ from the baselines and the nights in docs/examples/. A unit
test fails while a document is out of date.

Example:
  python -m benchmarks readme
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks.command_line.arguments import add_baselines
from cifar_models.command_line.errors import user_errors
from cifar_models.command_line.output import say

EXPLANATION = Path("docs/explanation")
"""The folder of the pages with a figure, which is written beside them."""
INPUT_SIZES = Path("docs/trials/input_sizes")
"""The folder with the records of trainings with other input sizes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_baselines(parser)


def run(arguments: argparse.Namespace) -> None:
    """Rewrite the documents whose generated parts have changed, and print their names.

    Raises:
        CommandError: baselines, nights or documents cannot be read or written, or a part has no end mark.
    """
    from benchmarks.documents.documents import documents, refresh
    from cifar_models.storage.files import write_whole

    with user_errors(ValueError, OSError):
        parts, figures = generated(Path(), arguments.baselines)
        texts = {path: path.read_text(encoding="utf-8") for path in documents(Path())}
        changed = {path: new for path, old in texts.items() if (new := refresh(old, parts)) != old}
        # Figures first: a figure is drawn if its page changes, so a page that is up to date has its figure.
        for page, (name, draw) in figures.items():
            path = EXPLANATION / name
            if (EXPLANATION / page in changed or not path.exists()) and (picture := draw()):
                write_whole(path, picture)
                say(f"wrote {path}")
        for path, text in changed.items():
            write_whole(path, text)
            say(f"wrote {path}")


def generated(
    root: Path, baselines_path: Path
) -> tuple[dict[str, Callable[[], str]], dict[str, tuple[str, Callable[[], bytes | None]]]]:
    """Return what renders the generated parts and figures.

    Args:
        root: the repository's folder.
        baselines_path: the baselines file; the records of its runs are beside it.

    Returns:
        The function that renders each part, by the name in its marks. And by page, the name of its figure, and the
        function that draws it as PNG or returns None.

    Raises:
        BaselineError: the baselines cannot be read.
    """
    from benchmarks.baselines.baselines_file import read_baselines
    from benchmarks.documents import reproduction, transfer_learning
    from benchmarks.documents.documents import exact_lane_of, failures_of, measured_tables, sight_of, verdicts_of
    from benchmarks.inputs.settings import Settings
    from benchmarks.night import plan

    baselines = read_baselines(baselines_path)
    settings = Settings(baselines_path=baselines_path, run_dir=Path("runs"), options="--dataset synthetic")
    green, red = (root / "docs" / "examples" / name for name in ("green-night", "red-night"))

    def failures() -> str:
        return failures_of(red, baselines, settings.records, settings.update_command("simple_cnn"))

    official = reproduction.official_runs(baselines, settings.records)
    matched = transfer_learning.matched_runs(baselines, settings.records, root / INPUT_SIZES)
    parts: dict[str, Callable[[], str]] = {
        "published-table": lambda: reproduction.distances(official),
        "published-figure": lambda: reproduction.figure(official),
        "published-curves": lambda: reproduction.curves_by_epoch(official),
        "published-classes": lambda: reproduction.classes(official),
        "published-conditions": lambda: reproduction.conditions(official),
        "published-trials": lambda: reproduction.trials(root / "docs" / "trials" / "published.jsonl"),
        "input-sizes": lambda: transfer_learning.sizes_table(matched),
        "input-sizes-figure": lambda: transfer_learning.figure(matched),
        "optimism": lambda: transfer_learning.optimism_table(baselines, settings.records),
        "numbers": lambda: measured_tables(baselines, ["cifar10"]),
        "synthetic": lambda: measured_tables(baselines, ["synthetic"]),
        "plan": lambda: _output(plan.render(baselines, dataset="synthetic", points=3)),
        "plan-official": lambda: _output(plan.render(baselines, dataset="cifar10", points=1)),
        "sight": lambda: sight_of(green, baselines),
        "green-night": lambda: _output(exact_lane_of(green), verdicts_of(green)),
        "green-night-begin": lambda: _output(verdicts_of(green, experiments=2)),
        "red-night": lambda: _output(failures(), exact_lane_of(red), verdicts_of(red)),
    }
    figures: dict[str, tuple[str, Callable[[], bytes | None]]] = {
        "the-published-table.md": (reproduction.FIGURE, lambda: reproduction.png(official)),
        "why-transfer-learning-lost.md": (transfer_learning.FIGURE, lambda: transfer_learning.png(matched)),
    }
    return parts, figures


def _output(*texts: str) -> str:
    return "\n".join(("```", "\n\n".join(texts), "```"))
