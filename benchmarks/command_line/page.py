"""``page``: the page of a kept night, made again."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.command_line.arguments import add_baselines, add_command
from cifar_models.command_line.errors import user_errors
from cifar_models.command_line.output import say
from cifar_models.storage.files import user_path


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "page",
        run,
        summary="make the page of a kept night again",
        description="Make the page of a kept night again, from its records and the baselines.",
        example="runs/2026-01-31T02-00-00Z",
    )
    parser.add_argument("night", type=user_path, metavar="NIGHT_FOLDER", help="the folder of one night")
    parser.add_argument(
        "--report-dir", type=user_path, metavar="DIR", help="where to write the page (default: NIGHT_FOLDER)"
    )
    add_baselines(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write the page and print where it is.

    Raises:
        CommandError: a folder that is no night, baselines that cannot be read, or a page that cannot be written.
    """
    from benchmarks.baselines.baseline import BaselineError
    from benchmarks.baselines.baselines_file import read_baselines
    from benchmarks.records.night_folder import RECORDS, NightError
    from benchmarks.report.page import write_page

    with user_errors(BaselineError, NightError, OSError):
        path = write_page(
            arguments.night,
            read_baselines(arguments.baselines),
            arguments.baselines.parent / RECORDS,
            arguments.report_dir or arguments.night,
        )
    say(f"report: {path}")
