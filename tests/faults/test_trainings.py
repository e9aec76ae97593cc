"""A training that fails: its experiment is not judged, and the rest of the night goes on."""

from __future__ import annotations

import re

import pytest

from benchmarks.records.night_folder import read_night
from tests.faults.nights import TRAININGS, House

pytestmark = pytest.mark.faults


def test_one_that_diverges(house: House) -> None:
    ended = house.run(trainings={"simple_cnn 1": "diverge"})
    assert ended.status == 1, ended.output
    assert ended.outcomes == {name: "diverged" if name == "simple_cnn 1" else "trained" for name in TRAININGS}
    said = r"^simple_cnn seed 1: found a (validation )?loss of (nan|inf) by .*epoch \d+.*; check the learning rate"
    assert re.search(said, ended.output, re.MULTILINE), ended.output
    words = {cells[-1] for (name, _), cells in ended.table("verdicts,").items() if name == "simple_cnn"}
    assert words == {"not judged: not every training gave a run (seed 1: diverged)"}
    assert ended.words - words == {"pass"}
    assert house.kept() == [name for name in TRAININGS if name != "simple_cnn 1"]
    assert read_night(house.night).ended is not None, "it would diverge again"


def test_two_that_run_out_of_memory(house: House) -> None:
    ended = house.run(trainings={"simple_cnn 1": "exhaust numpy", "improved_cnn 0": "exhaust tensorflow"})
    assert ended.status == 125, ended.output
    failed = ["simple_cnn 1", "improved_cnn 0"]
    assert ended.outcomes == {name: "out of memory" if name in failed else "trained" for name in TRAININGS}
    for name in failed:
        (line,) = [line for line in ended.lines if line.startswith(f"{name.replace(' ', ' seed ')}: out of memory (")]
        assert line.endswith("); free memory or train fewer at a time, then run with --resume")
    assert house.kept() == [name for name in TRAININGS if name not in failed]
    house.resume(anew=failed)
