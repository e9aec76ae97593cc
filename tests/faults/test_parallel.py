"""Nights of several real processes give the same results as one, even if some of them die."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from tests.faults.nights import TRAININGS, Ended, House

pytestmark = pytest.mark.faults

TWO = ("-p", "xdist", "-n", "2")
WORKERS = pytest.mark.parametrize(
    "workers", [TWO, ("-p", "xdist", "--dist=load", "--tx=2*popen")], ids=["-n 2", "--tx 2*popen"]
)
UPDATE = ("--update-baselines", "--reason=because")
NOT_JUDGED = "not judged: not every training gave a run (seed 1: its worker died)"
DIED = (
    "simple_cnn seed 1: its worker died, killed or out of memory; the other workers continue; find the cause, then run "
    "with --resume to train it"
)


def _files(house: House) -> dict[str, str]:
    """Return what an update has written, without what says that a worker has a part of the cores."""
    records = (house.path / "baseline_runs").glob("*.json")
    share = re.compile(r'^ *"(cores|TF_NUM_INTRAOP_THREADS)": .*\n', re.MULTILINE)
    return {file.name: share.sub("", file.read_text(encoding="utf-8")) for file in (house.baselines, *records)}


@pytest.fixture(scope="module")
def updated_alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    house = House(tmp_path_factory.mktemp("updated"))
    ended = house.run(*UPDATE)
    assert ended.status == 125, ended.output
    return _files(house)


@WORKERS
def test_an_update_writes_what_one_process_writes(
    house: House, updated_alone: dict[str, str], workers: tuple[str, ...]
) -> None:
    ended = house.run(*workers, *UPDATE)
    assert ended.status == 125, ended.output
    assert sorted(ended.trained) == sorted(TRAININGS)
    assert _files(house) == updated_alone
    assert house.kept() == TRAININGS


def _raise_the_baseline(house: House) -> None:
    """Have one experiment's accuracy be a regression."""
    content = json.loads(house.baselines.read_text(encoding="utf-8"))
    accuracy = content["baselines"]["simple_cnn"]["synthetic"]["measured"]["metrics"]["accuracy"]
    accuracy["values"] = [value + 0.05 for value in accuracy["values"]]
    house.baselines.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture(scope="module")
def judged_alone(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    house = House(tmp_path_factory.mktemp("judged"))
    _raise_the_baseline(house)
    ended = house.run()
    assert ended.status == 1, ended.output
    assert ended.words == {"regression", "pass"}
    return ended


def test_verdicts_are_those_of_one_process(house: House, judged_alone: Ended) -> None:
    _raise_the_baseline(house)
    ended = house.run(*TWO)
    assert ended.verdicts == judged_alone.verdicts
    assert ended.outcomes == judged_alone.outcomes
    assert ended.status == 1, ended.output


def test_a_worker_that_dies_in_a_training_loses_that_one_alone(house: House) -> None:
    ended = house.run(*TWO, trainings={"simple_cnn 1": "die"})
    assert ended.status == 125, ended.output
    assert ended.outcomes == {name: "its worker died" if name == "simple_cnn 1" else "trained" for name in TRAININGS}
    assert DIED in ended.lines
    assert NOT_JUDGED.replace("not judged:", "simple_cnn: not judged,") in ended.lines
    assert ended.words == {NOT_JUDGED, "pass"}
    assert house.kept() == [name for name in TRAININGS if name != "simple_cnn 1"]
    house.resume(anew=["simple_cnn 1"])


def test_the_only_worker_that_dies_and_is_not_replaced(house: House) -> None:
    ended = house.run("-p", "xdist", "-n", "1", "--max-worker-restart=0", trainings={"simple_cnn 1": "die"})
    assert ended.status == 125, ended.output
    assert ended.outcomes == {"simple_cnn 0": "trained", "simple_cnn 1": "its worker died"}
    assert DIED in ended.lines
    assert ended.words == {NOT_JUDGED, "not judged: the session ended early"}
    assert house.kept() == TRAININGS[:1]
    house.resume(anew=TRAININGS[1:])


def test_the_controller_that_is_killed_keeps_what_was_trained(house: House) -> None:
    session = house.start(*TWO, trainings={"simple_cnn 2": "pause"}).paused("simple_cnn 2")
    session.until(house.kept)
    session.kill().go("simple_cnn 2")  # for a worker only ends with its training
    assert session.wait().status == -signal.SIGKILL
    kept = house.kept()
    assert "simple_cnn 2" not in kept
    again = house.run("-p", "xdist", "-n", "1", "--resume")
    assert again.status == 0, again.output
    assert sorted(again.trained) == sorted(set(TRAININGS) - set(kept))
    assert house.kept() == TRAININGS


def test_each_worker_has_a_gpu_of_its_own_and_one_that_replaces_another_has_that_one_s(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    session = house.start(
        *TWO, "-p", "tests.faults.gpus", "--gpu", trainings={"simple_cnn 0": "die", "simple_cnn 2": "pause"}
    )
    session.until((session.signals / "gpus gw2").exists)
    ended = session.go("simple_cnn 2").wait()
    gpus = {file.name.split()[1]: _text(file) for file in session.signals.glob("gpus *")}
    dead = re.findall(r"\[(\w+)\] node down", ended.output)
    assert len(dead) == 1, ended.output
    assert gpus == {"gw0": "4", "gw1": "7", "gw2": gpus[dead[0]]}, ended.output


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
