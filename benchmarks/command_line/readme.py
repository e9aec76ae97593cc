"""``readme``: the README's tables of numbers, written from the baselines."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.command_line.arguments import add_baselines, add_command
from cifar_models.command_line.errors import user_errors

README = Path("README.md")


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "readme",
        run,
        summary="write the README's tables of numbers",
        description="Write the numbers of the baselines between the two marks in README.md. A unit test fails while "
        "they differ.",
        example="",
    )
    add_baselines(parser)


def run(arguments: argparse.Namespace) -> None:
    """Rewrite the numbers.

    Raises:
        CommandError: baselines or a README that cannot be read, or a README without the marks.
    """
    from benchmarks.baselines.baselines import read_baselines
    from benchmarks.report.readme import render, replace_numbers
    from cifar_models.storage.files import write_whole

    with user_errors(ValueError, OSError):
        numbers = render(read_baselines(arguments.baselines))
        write_whole(README, replace_numbers(README.read_text(encoding="utf-8"), numbers))
