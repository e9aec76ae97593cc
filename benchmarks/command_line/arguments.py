"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from cifar_models.storage.files import user_path


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


def today() -> datetime.date:
    """Return today's date in UTC."""
    return datetime.datetime.now(tz=datetime.UTC).date()


def whole_number(text: str, least: int = 1) -> int:
    """Parse a whole number that is not smaller than ``least``."""
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number, {least} or more")
    return int(text)


def _text(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected why the baselines change")
    return text.strip()
