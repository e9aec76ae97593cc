"""What all tests share."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

GOLDEN = Path(__file__).with_name("golden")

# Imports leave next to no garbage, and each collection would walk over all that they have made so far.
gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: workers of pytest-xdist then share out small tests, and end together."""
    items.sort(key=lambda item: GOLDEN not in item.path.parents)


def pytest_collection_finish() -> None:
    """Collect garbage from here on: rarely, as traced graphs are many objects, and without what imports have made."""
    gc.freeze()
    gc.set_threshold(100_000)
    gc.enable()
