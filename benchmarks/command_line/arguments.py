"""What several commands declare alike."""

from __future__ import annotations

import argparse
import datetime
import math
import textwrap
from pathlib import Path
from typing import Any

from cifar_models.datasets import DATASETS
from cifar_models.storage.files import user_path


def add_command(commands: Any, name: str, run: Any, *, summary: str, description: str, example: str) -> Any:
    """Declare a command with an example below its help, and return its parser."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=textwrap.fill(description, 80),
        epilog=f"example:\n  python -m benchmarks {name} {example}".rstrip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Declare what to train, on what, and with which environment: options of a night, and those of one side."""
    parser.add_argument(
        "-k", dest="keyword", metavar="EXPRESSION", help="train the experiments that pytest's -k selects by their names"
    )
    parser.add_argument(
        "--dataset",
        choices=DATASETS,
        default=DATASETS[0],
        help="what to train on: the CIFAR-10 files, or the package's own images (default: %(default)s)",
    )
    parser.add_argument(
        "--data-dir",
        type=user_path,
        metavar="DIR",
        help="folder with the CIFAR-10 files (default: Keras's cache, then its download)",
    )
    parser.add_argument(
        "--weights-dir",
        type=user_path,
        metavar="DIR",
        help="folder with Keras's ImageNet weight files (default: Keras's cache, then its download)",
    )
    parser.add_argument("--gpu", action="store_true", help="train on the GPU; without it GPUs are hidden")


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
    parser.add_argument("--python", metavar="VERSION", help="the Python of another environment, such as 3.13")


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
    """Declare why baselines change: some text, without which the file would be refused when it is read."""
    parser.add_argument(
        "--reason", type=_text, required=True, metavar="TEXT", help="why the baselines change, kept with them"
    )


def today() -> datetime.date:
    """Return the day, in UTC."""
    return datetime.datetime.now(tz=datetime.UTC).date()


def whole_number(text: str, least: int = 1) -> int:
    """Parse a whole number that is at least so large."""
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


def _text(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected why the baselines change")
    return text.strip()
