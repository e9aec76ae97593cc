"""Judge a night that was trained in shards.

Judge the shards that `pytest -m benchmark --shard K/N` trained as one night: print the verdicts, write the night's
folder and page, and exit with the status of a night. If the shards trained with --update-baselines, write the baselines
instead.

Example:
  python -m benchmarks judge runs/shards --junitxml night.xml
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable
from pathlib import Path

from benchmarks.command_line.arguments import add_baselines
from cifar_models.command_line.errors import CommandError, user_errors
from cifar_models.command_line.output import say
from cifar_models.storage.files import user_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "folders",
        nargs="+",
        type=user_path,
        metavar="DIR",
        help="the folder of a shard, or a folder that contains such folders; give all shards of one night",
    )
    parser.add_argument(
        "--run-dir",
        type=user_path,
        default=Path("runs"),
        metavar="DIR",
        help="the folder of nights in which this night gets a folder (default: %(default)s)",
    )
    parser.add_argument(
        "--report-dir", type=user_path, metavar="DIR", help="folder for the page (default: the night's folder)"
    )
    parser.add_argument("--junitxml", type=user_path, metavar="FILE", help="also write the results as a JUnit file")
    add_baselines(parser)


def run(arguments: argparse.Namespace) -> int:
    """Judge, print the results, and return the exit status of the night.

    Raises:
        CommandError: the shards are not all shards of one night, or the baselines or the folder of nights cannot be
            used.
    """
    from benchmarks.baselines.baseline import BaselineError
    from benchmarks.night.summary import sections
    from benchmarks.shards.judging import further_seeds, join, judge, machines
    from benchmarks.shards.kept_shards import ShardError, read_shards

    with user_errors(BaselineError, ShardError):
        shards = read_shards(arguments.folders)
        try:
            night = join(
                shards,
                baselines_path=arguments.baselines,
                run_dir=arguments.run_dir,
                report_dir=arguments.report_dir,
            )
        except OSError as error:
            raise CommandError(
                f"--run-dir: found {error}, expected a folder that can be written; the shards have not changed"
            ) from None
    judgement = judge(night, junit_file=arguments.junitxml)
    _section("shards", [f"{len(shards)} shards of the night of {night.started}", *machines(shards)])
    if failures := [failure for name in night.selection.verdicts if (failure := night.answer(name))]:
        _section("failures", failures)
    for title, blocks in sections(night, said=judgement.said, update=judgement.update):
        _section(title, blocks)
    if further := further_seeds(night):
        _section("further seeds", further)
    return judgement.status


def _section(title: str, blocks: Iterable[str]) -> None:
    width = shutil.get_terminal_size().columns
    say(f"{f' {title} ':=^{width}}")
    for block in blocks:
        say(block)
