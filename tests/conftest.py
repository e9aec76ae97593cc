"""What all tests share."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """Spare each garbage collection the walk over what TensorFlow and Keras have imported: it stays to the end."""
    gc.freeze()
