"""The options that say what to train on are the same for argparse and for pytest; records are found or refused."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from cifar_models.command_line.arguments import add_data_options, records_in
from cifar_models.command_line.errors import CommandError

pytestmark = pytest.mark.unit


def test_argparse_and_pytest_read_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    commands, tests = argparse.ArgumentParser(), pytest.Parser(_ispytest=True)
    add_data_options(commands.add_argument)
    add_data_options(tests.getgroup("data").addoption)
    given = ["--dataset=synthetic", "--data-dir=~/images", "--weights-dir=/weights", "--gpu"]
    expected = {"dataset": "synthetic", "data_dir": tmp_path / "images", "weights_dir": Path("/weights"), "gpu": True}
    assert vars(commands.parse_args(given)) == expected
    assert expected.items() <= vars(tests.parse(given)).items()
    defaults = {"dataset": "cifar10", "data_dir": None, "weights_dir": None, "gpu": False}
    assert vars(commands.parse_args([])) == defaults
    assert defaults.items() <= vars(tests.parse([])).items()


def test_a_record_whose_path_cannot_be_looked_up_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(CommandError, match="circle"):
        records_in([tmp_path / "circle"])
    with pytest.raises(CommandError, match="File name too long"):
        records_in([tmp_path / ("a" * 300)])
