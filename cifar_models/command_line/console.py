"""Output that every console can show, whatever its encoding."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def standard_error_hidden() -> Iterator[None]:
    """Hide what is written to standard error meanwhile, by libraries below Python too.

    TensorFlow writes some lines while it is imported, before it reads the variable that says what it logs. Errors are
    raised and are not hidden.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(_PLAIN.get(each) or each.encode("ascii", "backslashreplace").decode() for each in found), error.end
