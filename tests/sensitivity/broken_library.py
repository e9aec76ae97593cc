"""A pytest plugin that breaks a library before any test is collected: ``pytest -p tests.sensitivity.broken_library``.

The environment variable ``BREAK_LIBRARY`` holds the name of one of ``library_breakages.BREAKAGES``. It reaches the
workers of pytest-xdist too.
"""

from __future__ import annotations

import os

import pytest

from tests.sensitivity.library_breakages import BREAKAGES

VARIABLE = "BREAK_LIBRARY"


def pytest_configure() -> None:
    """Apply the breakage, for as long as the process lives.

    Raises:
        pytest.UsageError: the variable names none.
    """
    name = os.environ.get(VARIABLE)
    chosen = [breakage for breakage in BREAKAGES if breakage.name == name]
    if not chosen:
        raise pytest.UsageError(
            f"{VARIABLE}: found {name!r}, expected one of: {', '.join(breakage.name for breakage in BREAKAGES)}"
        )
    chosen[0].apply(pytest.MonkeyPatch())
