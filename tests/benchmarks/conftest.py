"""What tests of several rooms share."""

from __future__ import annotations

import pytest

from benchmarks.command_line.main import main
from tests.benchmarks.sessions import bench
from tests.cifar_models.command_line.conftest import Command, command_of


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return what runs a command of ``python -m benchmarks`` in this process."""
    return command_of(main, capsys)


__all__ = ["bench", "command"]
