"""Makes output readable on every console, whatever its encoding."""

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
    """Write characters that standard output or error cannot encode in ASCII: ± as ``+/-``, others escaped."""
    codecs.register_error(_HANDLER, _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


@contextmanager
def standard_error_hidden() -> Iterator[None]:
    """Discard what Python and the libraries that it loads write to standard error.

    While TensorFlow is imported, it writes lines before it reads the variable with the log level.
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
