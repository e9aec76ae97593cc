"""``record-throughput``: baselines of speeds from the results that pytest-benchmark saved."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.command_line.arguments import add_baselines, add_command, add_reason, today
from benchmarks.throughput.speeds import FILE
from cifar_models.command_line.errors import user_errors
from cifar_models.command_line.output import say
from cifar_models.storage.files import user_path


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "record-throughput",
        run,
        summary="write baselines of speeds",
        description="Write the speeds that `pytest -m throughput --benchmark-autosave` saved, one file a repetition. "
        "Other speeds stay as they are.",
        example="--reason 'TensorFlow 2.22' .benchmarks/*/*.json",
    )
    parser.add_argument(
        "results",
        nargs="+",
        type=user_path,
        metavar="RESULT",
        help="a file that pytest-benchmark saved, one a repetition",
    )
    add_reason(parser)
    add_baselines(parser, default=FILE)


def run(arguments: argparse.Namespace) -> None:
    """Write the speeds, and print each as it was and as it is.

    Raises:
        CommandError: results or baselines that cannot be read, too few repetitions, or a file that cannot be written.
    """
    from benchmarks.baselines.baselines_file import updating
    from benchmarks.throughput.speeds import read_saved, read_throughput, record_speeds, write_throughput

    with user_errors(ValueError, OSError):
        saved = read_saved(arguments.results)
        with updating(arguments.baselines):
            throughput = read_throughput(arguments.baselines) if arguments.baselines.exists() else {}
            lines = record_speeds(throughput, saved, reason=arguments.reason, day=today())
            write_throughput(arguments.baselines, throughput)
    say("\n".join(lines))
