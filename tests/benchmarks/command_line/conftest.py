"""What the tests of ``compare`` and ``bisect`` share."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmarks.sides.projects import Project
from tests.cifar_models.command_line.conftest import Command, Ended


@pytest.fixture
def in_the_project(
    project: Project, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str], Command]:
    """Return a function from a command's name to what runs it in the tiny repository of the test's module.

    Each run must leave the repository as it was, and no worktree behind.
    """
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.chdir(project.folder)

    def of(name: str) -> Command:
        def run(*words: object) -> Ended:
            before = project.state
            ended = command(name, *words)
            assert project.state == before
            assert list(temporary.iterdir()) == []
            return ended

        return run

    return of
