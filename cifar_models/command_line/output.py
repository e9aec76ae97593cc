"""What commands write: text on standard output, and files that replace none unasked."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_models.command_line.errors import CommandError
from cifar_models.storage.files import user_path

if TYPE_CHECKING:
    from cifar_models.figures.style import Panel

DEFAULT_FOLDER = Path("runs")


def say(text: str = "") -> None:
    """Write a line, or several, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def table(lines: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    """Return a table of cells that are text already."""
    from tabulate import tabulate

    return str(tabulate(lines, headers, tablefmt="simple", disable_numparse=True))


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Declare where a command's files go."""
    parser.add_argument(
        "--output",
        type=user_path,
        default=DEFAULT_FOLDER,
        metavar="DIR",
        help="folder for what is written, created if it is absent (default: %(default)s)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there already")


def prepare_folder(folder: Path, files: Iterable[str], *, overwrite: bool) -> None:
    """Make a folder, and make sure that the files can be written into it: before a training, not after it.

    Raises:
        CommandError: the folder cannot be made or written, or one of the files is there already.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CommandError(f"--output: {error}; expected a folder that can be written") from None
    there = [name for name in files if (folder / name).exists()]
    if there and not overwrite:
        raise CommandError(
            f"{folder}: found {', '.join(there)} there already, expected no such file; give --overwrite to replace it, "
            f"or another folder with --output"
        )


def write_figures(folder: Path, figures: Mapping[str, Sequence[Panel]]) -> None:
    """Write figures as PNG files of these names, and say where they went.

    Raises:
        OSError: the folder cannot be written.
    """
    from cifar_models.figures.style import to_png
    from cifar_models.storage.files import write_whole

    for name, panels in figures.items():
        write_whole(folder / name, to_png(panels))
        say(f"wrote {folder / name}")
