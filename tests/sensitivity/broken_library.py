"""A pytest plugin that breaks a library for a whole session: ``pytest -p tests.sensitivity.broken_library``.

The environment variable ``BREAK_LIBRARY`` holds the name of one of ``library_breakages.BREAKAGES``. It reaches the
workers of pytest-xdist too.
"""

from __future__ import annotations

import os

import pytest

from tests.sensitivity.library_breakages import BREAKAGES

VARIABLE = "BREAK_LIBRARY"


def break_library() -> None:
    """Apply the breakage that the environment names, for as long as the process lives.

    Raises:
        pytest.UsageError: it names none.
    """
    name = os.environ.get(VARIABLE)
    chosen = [breakage for breakage in BREAKAGES if breakage.name == name]
    if not chosen:
        raise pytest.UsageError(
            f"{VARIABLE}: found {name!r}, expected one of: {', '.join(breakage.name for breakage in BREAKAGES)}"
        )
    chosen[0].apply(pytest.MonkeyPatch())


if VARIABLE in os.environ:
    # In any hook it would be too late: other plugins may have imported a library's functions by name by then.
    break_library()


def pytest_configure() -> None:
    """Refuse a session in which nothing is broken.

    Raises:
        pytest.UsageError: the variable is not set.
    """
    if VARIABLE not in os.environ:
        raise pytest.UsageError(f"{VARIABLE}: found no such environment variable, expected the name of a breakage")
