"""Remove old nights; nothing else removes any.

Print which nights are older than the newest N, or remove them with --remove. Nights that are running, and folders
without a readable record, are kept.

Example:
  python -m benchmarks prune --keep 90
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.command_line.arguments import whole_number
from cifar_models.command_line.errors import CommandError
from cifar_models.command_line.output import say
from cifar_models.storage.files import user_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--keep", type=whole_number, required=True, metavar="N", help="number of newest nights to keep")
    parser.add_argument(
        "--run-dir",
        type=user_path,
        default=Path("runs"),
        metavar="DIR",
        help="the folder of nights (default: %(default)s)",
    )
    parser.add_argument("--remove", action="store_true", help="remove the nights; without it they are only listed")


def run(arguments: argparse.Namespace) -> None:
    """Print a line for each night that is removed or would be.

    Raises:
        CommandError: the folder does not exist, or a night cannot be removed.
    """
    from benchmarks.records.prune import prune

    if not arguments.run_dir.is_dir():
        raise CommandError(f"--run-dir: found no folder {arguments.run_dir}, expected one of nights")
    try:
        for line in prune(arguments.run_dir, keep=arguments.keep, remove=arguments.remove):
            say(line)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandError(f"{error}; expected nights that can be removed") from None
