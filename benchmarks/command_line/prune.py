"""``prune``: old nights removed from a folder of nights."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.command_line.arguments import add_command, whole_number
from cifar_models.command_line.errors import CommandError
from cifar_models.command_line.output import say
from cifar_models.storage.files import user_path


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "prune",
        run,
        summary="remove old nights; nothing else ever does",
        description="Print which nights are older than the newest N, or remove them with --remove. Running nights and "
        "folders without a readable record stay.",
        example="--keep 90",
    )
    parser.add_argument(
        "--keep", type=whole_number, required=True, metavar="N", help="how many of the newest nights stay"
    )
    parser.add_argument(
        "--run-dir",
        type=user_path,
        default=Path("runs"),
        metavar="DIR",
        help="the folder of nights (default: %(default)s)",
    )
    parser.add_argument("--remove", action="store_true", help="remove them; without it they are only named")


def run(arguments: argparse.Namespace) -> None:
    """Prune, and print a line for each night that goes.

    Raises:
        CommandError: no folder of nights, or a night that cannot be removed.
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
