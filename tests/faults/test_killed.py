"""A night that is killed: its runs are kept, and --resume continues it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from benchmarks.baselines.baselines_file import read_baselines
from benchmarks.records.night_folder import nights, read_night
from tests.faults.nights import NAMES, TRAININGS, House

pytestmark = pytest.mark.faults

UPDATE = ("--update-baselines", "--reason=because")


def _leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob(".*.tmp"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_in_the_middle_of_an_epoch(house: House, number: signal.Signals) -> None:
    ended = house.start(trainings={"simple_cnn 2": "pause"}).paused("simple_cnn 2").kill(number).wait()
    assert ended.status == -number
    assert house.kept() == TRAININGS[:2]
    assert read_night(house.night).ended is None
    again = house.resume(anew=TRAININGS[2:])
    assert f"runs: {house.night}, resumed with 2 of its runs" in again.lines
    assert list(again.outcomes.values()) == ["taken from the interrupted night"] * 2 + ["trained"] * 4


def test_between_two_trainings(house: House) -> None:
    ended = house.run(between="simple_cnn-seed1")
    assert ended.status == -signal.SIGKILL
    assert house.kept() == ended.trained == TRAININGS[:2]
    house.resume(anew=TRAININGS[2:])


@pytest.mark.parametrize(("when", "kept"), [("before", 3), ("after", 4)])
def test_while_a_record_is_renamed(house: House, when: str, kept: int) -> None:
    ended = house.run(rename=when, renamed="improved_cnn.synthetic.seed0.json")
    assert ended.status == -signal.SIGKILL
    assert house.kept() == TRAININGS[:kept]
    assert len(_leftovers(house.run_dir)) == (when == "before")
    house.resume(anew=TRAININGS[kept:])
    assert _leftovers(house.run_dir) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_while_a_night_begins(house: House, when: str) -> None:
    ended = house.run(rename=when, renamed="night.json")
    assert ended.status == -signal.SIGKILL
    assert ended.trained == []
    assert len(list(nights(house.run_dir))) == (when == "after")
    house.resume(anew=TRAININGS)


@pytest.mark.parametrize("when", ["before", "after"])
def test_while_a_night_records_what_it_came_to(interrupted: House, when: str) -> None:
    ended = interrupted.run("--resume", rename=when, renamed="night.json")
    assert ended.status == -signal.SIGKILL
    assert interrupted.kept() == TRAININGS
    if when == "before":
        interrupted.resume(anew=[])
    else:
        record = read_night(interrupted.night)
        assert record.ended is not None
        assert {verdict.word for verdict in record.verdicts} == {"pass"}


def test_while_the_page_is_renamed(house: House) -> None:
    ended = house.run(page=True, rename="before", renamed="report.html")
    assert ended.status == -signal.SIGKILL
    assert house.kept() == TRAININGS
    assert read_night(house.night).ended is not None
    assert not (house.night / "report.html").exists()


@pytest.mark.parametrize("when", ["before", "after"])
def test_while_the_baselines_are_renamed(house: House, when: str) -> None:
    before = house.baselines.read_text(encoding="utf-8")
    ended = house.run(*UPDATE, rename=when, renamed="baselines.json")
    assert ended.status == -signal.SIGKILL
    assert (house.baselines.read_text(encoding="utf-8") == before) == (when == "before")
    read_baselines(house.baselines)
    assert house.kept() == TRAININGS
    again = house.run("--resume", *UPDATE)
    assert again.status == 125, again.output
    assert again.trained == []
    assert _leftovers(house.path) == []
    written = read_baselines(house.baselines)
    for name in NAMES:
        assert written[name]["synthetic"]["measured"].reason == "because"
    assert len(list((house.path / "baseline_runs").glob("*.json"))) == len(TRAININGS)


def test_by_ctrl_c(house: House) -> None:
    ended = house.start(trainings={"simple_cnn 2": "pause"}).paused("simple_cnn 2").kill_all(signal.SIGINT).wait()
    assert ended.status == pytest.ExitCode.INTERRUPTED
    assert ended.outcomes == {"simple_cnn 0": "trained", "simple_cnn 1": "trained"}
    assert ended.words == {"not judged: the session ended early"}, ended.output
    assert f"{house.night}: unfinished, --resume continues it" in ended.lines
    assert house.kept() == TRAININGS[:2]
    house.resume(anew=TRAININGS[2:])


def test_by_ctrl_c_while_a_record_is_renamed(house: House) -> None:
    record = "improved_cnn.synthetic.seed0.json"
    ended = house.start(rename="pause", renamed=record).paused(record).kill_all(signal.SIGINT).wait()
    assert ended.status == pytest.ExitCode.INTERRUPTED
    assert house.kept() == TRAININGS[:4]
    assert _leftovers(house.run_dir) == []
    house.resume(anew=TRAININGS[4:])


def test_a_killed_night_holds_up_no_other(interrupted: House) -> None:
    ended = interrupted.run()
    assert ended.status == 0, ended.output
    assert ended.trained == TRAININGS
    (killed, _), (new, _) = nights(interrupted.run_dir)
    assert interrupted.kept(killed) == TRAININGS[:2]
    assert interrupted.kept(new) == TRAININGS
