"""Loads the suite's pytest plugins, here and not as installed plugins, so that they affect only this checkout."""

from __future__ import annotations

import pytest

pytest_plugins = ["benchmarks.plugin", "tests.golden.plugin", "pytester"]


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Require pytest-benchmark, whose options pyproject.toml sets.

    Raises:
        pytest.UsageError: ``-p no:benchmark`` was given.
    """
    if pluginmanager.is_blocked("benchmark"):
        raise pytest.UsageError("-p no:benchmark: found pytest-benchmark blocked, expected it; omit this option")
