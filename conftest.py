"""Loads the suite's pytest plugins: here and not as an installed plugin, so that they act in this checkout alone."""

from __future__ import annotations

import pytest

pytest_plugins = ["benchmarks.plugin", "tests.golden.plugin", "pytester"]


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Refuse a session without pytest-benchmark, whose options pyproject.toml sets.

    Raises:
        pytest.UsageError: ``-p no:benchmark`` was given.
    """
    if pluginmanager.is_blocked("benchmark"):
        raise pytest.UsageError("-p no:benchmark: found pytest-benchmark blocked, expected it; leave that option out")
