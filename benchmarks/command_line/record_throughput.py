"""Write baselines of speeds.

Write the speeds that `pytest -m throughput --benchmark-autosave` saved, one file a repetition. Other speeds do not
change.

Example:
  python -m benchmarks record-throughput --reason 'TensorFlow 2.22' .benchmarks/*/*.json
"""

from __future__ import annotations

import argparse

from benchmarks.command_line.arguments import add_baselines, add_reason, today
from benchmarks.throughput.speeds import FILE
from cifar_models.command_line.errors import user_errors
from cifar_models.command_line.output import say
from cifar_models.storage.files import user_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "results", nargs="+", type=user_path, metavar="RESULT", help="a file that pytest-benchmark saved"
    )
    add_reason(parser)
    add_baselines(parser, default=FILE)


def run(arguments: argparse.Namespace) -> None:
    """Write the speeds, and print the old and the new value of each.

    Raises:
        CommandError: a file cannot be read or written, or there are too few repetitions.
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
