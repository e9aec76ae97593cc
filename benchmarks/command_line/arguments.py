"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import datetime
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from cifar_models.command_line.arguments import add_data_options, require_tensorflow
from cifar_models.command_line.errors import CommandError
from cifar_models.command_line.output import say
from cifar_models.storage.files import user_path, write_whole


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Declare which experiments to train, on which data, and on which device, as the options of a night do."""
    parser.add_argument(
        "-k", dest="keyword", metavar="EXPRESSION", help="train the experiments that pytest's -k selects by their names"
    )
    add_data_options(parser.add_argument)


def require_usable(arguments: argparse.Namespace) -> None:
    """Check that the folders of ``add_training_options`` exist, and that Keras can use TensorFlow.

    Raises:
        CommandError: a folder does not exist, or an environment variable sets another backend or limits trainings.
    """
    require_tensorflow()
    for option, path in (("--data-dir", arguments.data_dir), ("--weights-dir", arguments.weights_dir)):
        if path is not None and not path.is_dir():
            raise CommandError(f"{option}: found no folder {path}, expected one")


def add_environment_options(parser: argparse.ArgumentParser) -> None:
    """Declare an environment to build."""
    parser.add_argument(
        "--requirement",
        action="append",
        default=[],
        metavar="SPEC",
        help="a package of another environment, such as 'tensorflow==2.20.*'; repeatable",
    )
    parser.add_argument(
        "-r",
        "--requirements-file",
        action="append",
        default=[],
        type=user_path,
        metavar="FILE",
        help="a requirements file of another environment; repeatable",
    )
    parser.add_argument(
        "--python", type=_python, metavar="VERSION", help="the Python of another environment, such as 3.13"
    )


def add_baselines(parser: argparse.ArgumentParser, default: str = "baselines.json") -> None:
    """Declare the baselines file."""
    parser.add_argument(
        "--baselines",
        type=user_path,
        default=Path(default),
        metavar="FILE",
        help="the baselines file (default: %(default)s)",
    )


def add_reason(parser: argparse.ArgumentParser) -> None:
    """Declare the reason for a change of baselines, which must not be empty."""
    parser.add_argument(
        "--reason", type=_text, required=True, metavar="TEXT", help="why the baselines change; stored with them"
    )


def add_limit_and_output_options(parser: argparse.ArgumentParser, folder: Path) -> None:
    """Declare how long to train, and where the records and the summary go."""
    parser.add_argument(
        "--minutes",
        type=partial(number_between, low=0, high=math.inf),
        metavar="M",
        help="do not start a training that would end later than M minutes from now",
    )
    parser.add_argument(
        "--output",
        type=user_path,
        default=folder,
        metavar="DIR",
        help="folder in which each comparison or search gets a folder (default: %(default)s)",
    )
    parser.add_argument(
        "--summary", type=user_path, metavar="FILE", help="also write the results as Markdown, for a pull request"
    )


def write_summary(file: Path, text: str) -> bool:
    """Write a summary in Markdown, and say where it is or why not; return whether it is written."""
    try:
        write_whole(file, text)
    except OSError as error:
        say(f"summary: could not be written: {error}")
        return False
    say(f"summary: {file}")
    return True


@contextmanager
def error_in_summary(file: Path | None, title: str) -> Iterator[None]:
    """Write an error that ends the command into its summary too, below a title."""
    try:
        yield
    except CommandError as error:
        if file is not None:
            from benchmarks.report.markdown import as_markdown

            write_summary(file, f"## {title}\n\n{as_markdown(str(error))}\n")
        raise


def today() -> datetime.date:
    """Return today's date in UTC."""
    return datetime.datetime.now(tz=datetime.UTC).date()


def whole_number(text: str, least: int = 1) -> int:
    """Parse a whole number that is not smaller than ``least``."""
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number, {least} or more")
    return int(text)


def number_between(text: str, low: float, high: float) -> float:
    """Parse a number that lies between two others."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low < number < high:
        most = "" if math.isinf(high) else f" and below {high:g}"
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a number above {low:g}{most}")
    return number


def _python(text: str) -> str:
    version = re.match(r"3\.(\d+)", text)
    if version and int(version[1]) < 11:  # a side starts with -P, which older ones do not know
        raise argparse.ArgumentTypeError(f"found {text}, expected 3.11 or newer")
    return text


def _text(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected why the baselines change")
    return text.strip()
