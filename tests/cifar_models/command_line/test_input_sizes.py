"""``input-sizes`` prints and draws recorded runs by their input size."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from cifar_models.figures import style
from cifar_models.results.run import Run
from cifar_models.results.run_files import write_run
from tests.cifar_models.command_line.conftest import Command
from tests.factories import make_run

pytestmark = pytest.mark.integration


def _run(name: str, backbone: str | None, size: int, seed: int = 0, accuracy: float = 0.75) -> Run:
    protocol = {"normalization": "unit_scale", "backbone": backbone, "input_size": size}
    return dataclasses.replace(make_run(name, seed, accuracy=accuracy), protocol=protocol)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(style, "to_png", lambda _: b"png")
    for run in (
        _run("vgg16_frozen", "vgg16", 32, accuracy=0.125),
        _run("vgg16_matched+64px", "vgg16", 64),
        _run("vgg16_matched+64px", "vgg16", 64, seed=1, accuracy=0.5),
        _run("simple_cnn", None, 32, accuracy=0.25),
    ):
        write_run(tmp_path / "runs", run)
    return tmp_path / "runs"


def test_each_size_has_a_line_and_both_figures_are_written(command: Command, runs: Path, tmp_path: Path) -> None:
    ended = command("input-sizes", runs, "--output", tmp_path / "figures")
    assert (ended.status, ended.error) == (0, "")
    rows = [re.split(r" {2,}", line) for line in ended.output.partition("\n\n")[0].splitlines()[2:]]
    assert rows == [
        ["vgg16_frozen", "unit_scale", "32 px", "0", "0.1250", "1.5"],
        ["vgg16_matched", "unit_scale", "64 px", "0, 1", "0.6250 ± 0.1768", "1.5"],
        ["simple_cnn", "unit_scale", "32 px", "0", "0.2500", "1.5"],
    ]
    names = {"input_sizes.accuracy.png", "input_sizes.minutes.png"}
    assert {path.name for path in (tmp_path / "figures").iterdir()} == names
    again = command("input-sizes", runs, "--output", tmp_path / "figures")
    assert again.status == 2
    assert "found input_sizes.accuracy.png, input_sizes.minutes.png, expected no such file" in again.error


@pytest.mark.parametrize("name", ["simple_cnn.synthetic.seed0.json", "nothing.json"])
def test_what_cannot_be_drawn_is_one_line_and_writes_nothing(
    command: Command, runs: Path, tmp_path: Path, name: str
) -> None:
    ended = command("input-sizes", runs / name, "--output", tmp_path / "figures")
    assert ended.status == 2
    assert ended.error.startswith("python -m cifar_models: ")
    assert ended.error.count("\n") == 1
    assert not (tmp_path / "figures").exists()
