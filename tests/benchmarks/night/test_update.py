"""What a night that sets baselines leaves in the file and beside it."""

from __future__ import annotations

import dataclasses
import datetime
import errno
import threading
from pathlib import Path

import pytest

from benchmarks.baselines import baselines_file
from benchmarks.baselines.baseline import BaselineError, Baselines
from benchmarks.baselines.baselines_file import read_baselines, updating, write_baselines
from benchmarks.night import update as update_module
from benchmarks.night.night import Night
from benchmarks.night.update import update_baselines
from benchmarks.records.trainings import Outcome, Training
from tests.benchmarks.night.nights import make_night, make_trainings
from tests.factories import make_baseline

pytestmark = pytest.mark.unit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "baselines.json"


def _night(path: Path, *trainings: Training, seeds: int = 3) -> Night:
    return make_night(path, *trainings, seeds=seeds, max_seeds=seeds, reason="new")


def test_an_update_adds_to_what_the_file_holds_when_it_is_written(path: Path) -> None:
    old = make_baseline(reason="old")
    write_baselines(path, {"simple_cnn": {"synthetic": {"measured": old}}, "kept": {"cifar10": {"measured": old}}})
    night = _night(path, *make_trainings("simple_cnn"), *make_trainings("vgg16_frozen"))
    after, left_out = update_baselines(night)
    assert left_out == {}
    assert read_baselines(path) == after
    assert after["kept"] == {"cifar10": {"measured": old}}
    assert after["simple_cnn"]["synthetic"] == {"measured": old}
    assert after["simple_cnn"]["cifar10"]["measured"].reason == "new"
    assert after["vgg16_frozen"]["cifar10"]["measured"].seeds == [0, 1, 2]


def test_an_update_keeps_the_records_of_its_runs_and_of_no_other_seed(path: Path) -> None:
    folder = path.parent / "baseline_runs"
    night = _night(path, *make_trainings("simple_cnn"), *make_trainings("vgg16_frozen", accuracies=(0.7,)))
    update_baselines(night)
    assert {file.name for file in folder.iterdir()} == {f"simple_cnn.synthetic.seed{seed}.json" for seed in range(3)}


@pytest.mark.parametrize(
    ("row", "seeds"),
    [(Training("simple_cnn", 3, Outcome.DIVERGED), 4), (Training("simple_cnn", 3, Outcome.NO_WEIGHTS), 4), (None, 4)],
)
def test_an_experiment_of_which_a_seed_is_missing_is_left_out(path: Path, row: Training | None, seeds: int) -> None:
    # Three runs would do for a baseline, but the night was to have four.
    others = make_trainings("other", accuracies=(0.7,) * 4)
    night = _night(path, *make_trainings("simple_cnn"), *([row] if row else []), *others, seeds=seeds)
    after, left_out = update_baselines(night)
    assert left_out == {"simple_cnn": "not every seed gave a run"}
    assert list(after) == list(read_baselines(path)) == ["other"]


def test_an_experiment_whose_runs_make_no_baseline_is_left_out_with_the_reason(path: Path) -> None:
    night = _night(path, *make_trainings("simple_cnn", accuracies=(0.1, 0.75, 0.75)), *make_trainings("other"))
    after, left_out = update_baselines(night)
    assert list(after) == ["other"]
    assert left_out["simple_cnn"].startswith("accuracy: found [0.1, 0.75, 0.75], expected values so close")


def test_runs_of_several_kinds_of_machine_make_no_baseline(path: Path) -> None:
    trainings = make_trainings("simple_cnn")
    run = trainings[-1].run
    assert run is not None
    elsewhere = dataclasses.replace(run.environment, processor="another")
    trainings[-1] = dataclasses.replace(trainings[-1], run=dataclasses.replace(run, environment=elsewhere))
    _, left_out = update_baselines(_night(path, *trainings))
    assert left_out["simple_cnn"].startswith("found runs of several kinds of machine (CPU on ")
    assert left_out["simple_cnn"].endswith("expected one, because a baseline describes one machine")
    assert not path.exists() or "simple_cnn" not in read_baselines(path)


def test_a_night_that_has_nothing_to_write_writes_nothing(path: Path) -> None:
    assert update_baselines(_night(path, Training("simple_cnn", 0, Outcome.NO_WEIGHTS)))[0] == {}
    assert update_baselines(_night(path)) == ({}, {})
    assert not path.exists()


def test_a_file_that_was_broken_in_the_meantime_is_not_written_over(path: Path) -> None:
    path.write_text("{", encoding="utf-8")
    with pytest.raises(BaselineError, match="found no JSON"):
        update_baselines(_night(path, *make_trainings("simple_cnn")))
    assert path.read_text(encoding="utf-8") == "{"


def test_two_updates_at_once_lose_neither_s_entries(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    updates = [_night(path, *make_trainings(name)) for name in ("simple_cnn", "vgg16_frozen")]
    second = threading.Thread(target=update_baselines, args=(updates[1],))

    def in_the_middle(path: Path, baselines: Baselines) -> None:
        if not second.ident:
            second.start()
            second.join(timeout=0.3)  # as long as it takes to write, were it not for the lock
        write_baselines(path, baselines)

    monkeypatch.setattr(update_module, "write_baselines", in_the_middle)
    update_baselines(updates[0])
    second.join()
    assert sorted(read_baselines(path)) == ["simple_cnn", "vgg16_frozen"]
    assert len(list((path.parent / "baseline_runs").iterdir())) == 6


@pytest.mark.parametrize("fails", ["write_run", "write_baselines"])
def test_an_update_that_cannot_be_written_leaves_the_former_baseline_and_its_records(
    path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    update_baselines(_night(path, *make_trainings("simple_cnn", accuracies=(0.6,) * 4), seeds=4))
    folder = path.parent / "baseline_runs"
    before = {file: file.read_bytes() for file in [path, *folder.iterdir()]}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(update_module, fails, full)
    with pytest.raises(OSError, match="No space left"):
        update_baselines(_night(path, *make_trainings("simple_cnn")))
    assert {file: file.read_bytes() for file in [path, *folder.iterdir()]} == before


def test_an_update_that_waits_in_vain_for_another_says_so_and_writes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines_file, "LOCK_SECONDS", 0.01)
    with updating(path), pytest.raises(BaselineError) as caught:
        update_baselines(_night(path, *make_trainings("simple_cnn")))
    assert str(caught.value) == (
        f"{path}: found it locked by another update for 0.01 seconds (the lock is {path.parent}/.baselines.json.lock), "
        "expected the update to end; check that process"
    )
    assert not path.exists()
    assert not (path.parent / "baseline_runs").exists()


def test_an_update_removes_what_a_killed_one_has_left(path: Path) -> None:
    folder = path.parent / "baseline_runs"
    folder.mkdir()
    left = [path.parent / ".baselines.json.x1y2.tmp", folder / ".simple_cnn.synthetic.seed0.json.x1y2.tmp"]
    for file in left:
        file.write_text("{", encoding="utf-8")
    update_baselines(_night(path, *make_trainings("simple_cnn")))
    assert not [file for file in left if file.exists()]


def test_the_day_is_that_in_utc(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Clock:
            local = datetime.timezone(datetime.timedelta(hours=-10))
            return cls(2026, 1, 31, 20, tzinfo=local).astimezone(tz)  # on 1 February in UTC

    monkeypatch.setattr(datetime, "datetime", Clock)
    after, _ = update_baselines(_night(path, *make_trainings("simple_cnn")))
    assert after["simple_cnn"]["cifar10"]["measured"].recorded == "2026-02-01"
