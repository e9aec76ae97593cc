"""The table that a session of the sensitivity tier ends with: what was broken, and what caught it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from tabulate import tabulate

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


class Row(NamedTuple):
    """One regression or broken library under one tier; ``failed`` is how many of the tier's tests did."""

    regression: str
    tier: str
    caught_by: str
    failed: int
    seconds: float


ROWS: pytest.StashKey[list[Row]] = pytest.StashKey()


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> list[Row]:
    """The rows so far."""
    return request.config.stash.setdefault(ROWS, [])


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    if rows := config.stash.get(ROWS, []):
        terminalreporter.write_sep("=", "what was broken, and what caught it")
        headers = ["regression", "tier", "caught by", "failed", "seconds"]
        terminalreporter.write_line(tabulate(rows, headers, tablefmt="github", floatfmt=".0f"))
