"""The output of commands: text, tables, and files that do not replace others by accident."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_models.command_line.errors import CommandError
from cifar_models.storage.files import user_path

if TYPE_CHECKING:
    from cifar_models.figures.style import Panel

DEFAULT_FOLDER = Path("runs")


def say(text: str = "", end: str = "\n") -> None:
    """Write and flush text."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


def table(lines: Sequence[Sequence[str]], headers: Sequence[str], style: str = "simple") -> str:
    """Return a table of text cells in one of tabulate's styles, without reformatting numbers."""
    from tabulate import tabulate

    return str(tabulate(lines, headers, tablefmt=style, disable_numparse=True))


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options for the command's files."""
    parser.add_argument(
        "--output",
        type=user_path,
        default=DEFAULT_FOLDER,
        metavar="DIR",
        help="folder for the files, created if necessary (default: %(default)s)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")


def prepare_folder(folder: Path, files: Iterable[str], *, overwrite: bool) -> None:
    """Create a folder and check that the files can be written into it, before the work begins.

    Raises:
        CommandError: the folder cannot be created or written, or one of the files exists.
    """
    with writing():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    there = [name for name in files if (folder / name).exists()]
    if there and not overwrite:
        raise CommandError(
            f"{folder}: found {', '.join(there)}, expected no such file; use --overwrite to replace it, or choose "
            f"another folder with --output"
        )


@contextmanager
def writing(state: str = "") -> Iterator[None]:
    """Convert an error of writing into the folder to CommandError; ``state`` is what the user must know about it."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"--output: {state}{error}; expected a folder that can be written") from None


def write_figures(folder: Path, figures: Mapping[str, Sequence[Panel]], state: str = "") -> None:
    """Write figures as PNG files with these names, and print their paths.

    Raises:
        CommandError: the folder cannot be written; ``state`` is as in ``writing``.
    """
    from cifar_models.figures.style import to_png
    from cifar_models.storage.files import write_whole

    for name, panels in figures.items():
        with writing(state):
            write_whole(folder / name, to_png(panels))
        say(f"wrote {folder / name}")
