"""The generated parts of README.md and docs/: they stand between two marks and are never typed in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

_BEGIN, _END = "<!-- {}: written by python -m benchmarks readme -->\n", "<!-- end of {} -->\n"
_NAME = re.compile(_BEGIN.format("(.*?)"))


def documents(root: Path) -> list[Path]:
    """Return the repository's documents: those at its top, and all in docs/."""
    return [*sorted(root.glob("*.md")), *sorted(root.glob("docs/**/*.md"))]


def refresh(text: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """Return a document with each generated part as it is today.

    Args:
        text: of the document.
        parts: by name, what renders the part.

    Raises:
        ValueError: a mark without its end, or of an unknown part.
    """
    for name in _NAME.findall(text):
        begin, end = _BEGIN.format(name), _END.format(name)
        before, _, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if name not in parts or not closed:
            raise ValueError(f"found the mark {begin!r}, expected one of {', '.join(parts)} and {end!r} behind it")
        text = f"{before}{begin}\n{parts[name]()}\n\n{end}{after}"
    return text
