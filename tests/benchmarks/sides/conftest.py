"""What the tests of comparisons share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.sides.projects import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A tiny repository with one commit, ``main``."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)
