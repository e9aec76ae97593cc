"""Output that every console can show, whatever its encoding."""

from __future__ import annotations

import codecs
import io
import sys

_HANDLER = "cifar_models.plain"
_PLAIN = {"±": "+/-", "…": "..."}


def show_on_any_console() -> None:
    """Write what standard output and standard error cannot encode in ASCII instead of raising an error.

    Signs have a plain form, such as ``+/-``; any other character, such as one in a path, is escaped.
    """
    codecs.register_error(_HANDLER, _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(_PLAIN.get(each) or each.encode("ascii", "backslashreplace").decode() for each in found), error.end
