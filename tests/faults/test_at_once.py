"""Two at once in one place: neither waits for the other's trainings, and neither loses a thing."""

from __future__ import annotations

import pytest

from benchmarks.baselines.baselines_file import read_baselines
from benchmarks.records.night_folder import nights, read_night
from tests.faults.nights import NAMES, TRAININGS, House

pytestmark = pytest.mark.faults


def test_two_nights_in_one_folder(interrupted: House) -> None:
    going_on = interrupted.start("--resume", trainings={"improved_cnn 0": "pause"}).paused("improved_cnn 0")
    (first, _), *_ = nights(interrupted.run_dir)
    # Another one that wants to go on with the same night finds it taken, and starts its own.
    ended = interrupted.run("--resume")
    assert ended.status == 0, ended.output
    assert ended.trained == TRAININGS
    note = f"{interrupted.run_dir}: found no interrupted night on this data with these seeds, started a new one"
    assert note in ended.lines
    assert going_on.go("improved_cnn 0").wait().status == 0
    (_, _), (second, _) = nights(interrupted.run_dir)
    for night in (first, second):
        assert interrupted.kept(night) == TRAININGS
        assert read_night(night).ended is not None


def test_three_nights_that_start_in_one_second(house: House) -> None:
    # The clock stands still for all three, so that they want the same name.
    sessions = [house.start(clock="2026-01-31T02:00:00+00:00") for _ in range(3)]
    for session in sessions:
        ended = session.wait()
        assert ended.status == 0, ended.output
    folders = sorted(path.name for path in house.run_dir.iterdir())
    assert folders == [f"2026-01-31T02-00-00Z{number}" for number in ("", "-2", "-3")]
    for folder in folders:
        assert house.kept(house.run_dir / folder) == TRAININGS


def test_two_updates_of_the_baselines(house: House) -> None:
    update = ("--update-baselines", "--reason=because", "-k")
    second = house.start(*update, NAMES[1], trainings={"improved_cnn 2": "pause"}).paused("improved_cnn 2")
    first = house.start(*update, NAMES[0], rename="pause", renamed="baselines.json").paused("baselines.json")
    second.go("improved_cnn 2")
    second.until(lambda: len(list(house.run_dir.rglob("improved_cnn*.json"))) == 3)  # and now it waits for the first
    first.go("baselines.json")
    for session in (first, second):
        ended = session.wait()
        assert ended.status == 125, ended.output
        assert "this run judged nothing and wrote" in ended.output
    written = read_baselines(house.baselines)
    for name in NAMES:
        assert written[name]["synthetic"]["measured"].reason == "because"
    assert len(list((house.path / "baseline_runs").glob("*.json"))) == 6
