"""The command line as a user sees it: status, standard output, standard error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from cifar_models.command_line.main import main

Main = Callable[[list[str]], int]


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    status: int
    output: str
    error: str


Command = Callable[..., Ended]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return what runs a command in this process."""
    return command_of(main, capsys)


def command_of(main: Main, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return what runs a command of a program in this process."""

    def run(*words: object) -> Ended:
        try:
            status = main([str(word) for word in words])
        except SystemExit as error:  # from argparse
            status = int(str(error.code))
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return run
