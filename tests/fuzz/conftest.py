"""What the fuzz tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.watch import Watch


@pytest.fixture(scope="session")
def watch() -> Watch:
    """Watches over a reading."""
    return Watch()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples, of which there are many."""
    return tmp_path_factory.mktemp("fuzzed")
