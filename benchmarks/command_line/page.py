"""Make the page of a recorded night again, from its records and the baselines.

Example:
  python -m benchmarks page runs/2026-01-31T02-00-00Z
"""

from __future__ import annotations

import argparse

from benchmarks.command_line.arguments import add_baselines
from cifar_models.command_line.errors import user_errors
from cifar_models.command_line.output import say
from cifar_models.storage.files import user_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("night", type=user_path, metavar="NIGHT_FOLDER", help="the folder of one night")
    parser.add_argument(
        "--report-dir", type=user_path, metavar="DIR", help="where to write the page (default: NIGHT_FOLDER)"
    )
    add_baselines(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write the page and print its path.

    Raises:
        CommandError: the folder is not a night's, the baselines cannot be read, or the page cannot be written.
    """
    from benchmarks.baselines.baseline import BaselineError
    from benchmarks.baselines.baselines_file import read_baselines
    from benchmarks.records.night_folder import NightError, records_of
    from benchmarks.report.page import write_page

    with user_errors(BaselineError, NightError, OSError):
        path = write_page(
            arguments.night,
            read_baselines(arguments.baselines),
            records_of(arguments.baselines),
            arguments.report_dir or arguments.night,
        )
    say(f"report: {path}")
