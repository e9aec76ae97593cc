"""What all tests share."""

from __future__ import annotations

import gc

# Imports leave next to no garbage, and each collection would walk over all that they have made so far.
gc.disable()


def pytest_collection_finish() -> None:
    """Collect garbage from here on: rarely, as traced graphs are many objects, and without what imports have made."""
    gc.freeze()
    gc.set_threshold(100_000)
    gc.enable()
