"""What several commands declare alike."""

from __future__ import annotations

import argparse
import datetime
import textwrap
from pathlib import Path
from typing import Any

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


def _text(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected why the baselines change")
    return text.strip()
