"""The nights on disk as series: what a slow drift is seen by."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from benchmarks.records.history import METRICS, RECENT_NIGHTS, baseline_changes, read_history, recent_drift
from benchmarks.records.night_folder import BaselineMark, NightFolder, NightRecord, nights
from benchmarks.records.selection import Selection
from cifar_models.results.run import Timings
from cifar_models.results.run_files import write_run
from tests.factories import DRIFT, make_run, make_verdict

pytestmark = pytest.mark.unit

FIRST = BaselineMark("measured", "2026-01-01", "the first", "sha256:first")
SECOND = BaselineMark("measured", "2026-01-03", "another optimizer", "sha256:second")
LAST = "2026-01-31T02:00:00+00:00"


def _write_night(
    run_dir: Path,
    day: int,
    *,
    accuracy: float = 0.7,
    mark: BaselineMark | None = FIRST,
    dataset: str = "synthetic",
    names: tuple[str, ...] = ("simple_cnn",),
) -> None:
    judged = names if mark else ()
    record = NightRecord(
        dataset=dataset,
        data="sha256:data",
        started=f"2026-01-{day:02}T02:00:00+00:00",
        ended=f"2026-01-{day:02}T03:00:00+00:00",
        verdicts=[
            make_verdict(metric, experiment=name, baseline=0.72, today=accuracy)
            for name in judged
            for metric in ("accuracy", "classes")
        ],
        baselines={name: mark for name in judged if mark},
    )
    folder = NightFolder.start(run_dir, record)
    for name in names:
        for seed, seconds in enumerate((20.0, 40.0)):
            run = make_run(name, seed, accuracy=accuracy, dataset=dataset, timings=Timings(99.0, seconds), epochs=4)
            write_run(folder.path, run)
    folder.close()


def test_each_experiment_has_its_nights_in_order(tmp_path: Path) -> None:
    _write_night(tmp_path, 2, accuracy=0.6, names=("simple_cnn", "vgg16_frozen"))
    _write_night(tmp_path, 1, accuracy=0.5)
    history = read_history(tmp_path, "synthetic", until=LAST)
    assert list(history) == ["simple_cnn", "vgg16_frozen"]
    assert [night.started[:10] for night in history["simple_cnn"]] == ["2026-01-01", "2026-01-02"]
    last = history["simple_cnn"][-1]
    assert tuple(last.values) == METRICS
    assert last.values["accuracy"] == [0.6, 0.6]
    assert last.values["seconds an epoch"] == [5.0, 10.0]
    assert last.baseline == {"accuracy": 0.72}
    assert last.mark == FIRST


def test_nights_on_other_data_and_later_ones_are_another_story(tmp_path: Path) -> None:
    _write_night(tmp_path, 1, dataset="cifar10")
    _write_night(tmp_path, 2)
    _write_night(tmp_path, 3)
    history = read_history(tmp_path, "synthetic", until="2026-01-02T02:00:00+00:00")
    assert [night.started[8:10] for night in history["simple_cnn"]] == ["02"]


def test_without_nights_there_is_no_history(tmp_path: Path) -> None:
    assert read_history(tmp_path / "none", "synthetic", until=LAST) == {}


def test_a_baseline_s_change_is_marked_once_and_an_unjudged_night_is_none(tmp_path: Path) -> None:
    for day, mark in enumerate((None, FIRST, FIRST, None, SECOND, SECOND, FIRST), start=1):
        _write_night(tmp_path, day, mark=mark)
    changes = baseline_changes(read_history(tmp_path, "synthetic", until=LAST)["simple_cnn"])
    assert [(change.night, change.mark) for change in changes] == [(1, FIRST), (4, SECOND), (6, FIRST)]


def test_the_drift_is_that_of_the_last_nights_with_the_last_baseline(tmp_path: Path) -> None:
    _write_night(tmp_path, 1, accuracy=0.1)
    for day in range(2, RECENT_NIGHTS + 4):
        _write_night(tmp_path, day, accuracy=0.7 - day / 100, mark=SECOND)
    drift = recent_drift(read_history(tmp_path, "synthetic", until=LAST)["simple_cnn"], "accuracy")
    assert drift is not None
    assert drift.nights == RECENT_NIGHTS
    assert drift.mean == pytest.approx(0.7 - (RECENT_NIGHTS + 3 + 4) / 2 / 100)
    assert drift.difference == pytest.approx(drift.mean - 0.72)


@pytest.mark.parametrize("marks", [(FIRST,), (FIRST, SECOND), (None, None)])
def test_fewer_than_two_nights_are_no_drift(tmp_path: Path, marks: tuple[BaselineMark | None, ...]) -> None:
    for day, mark in enumerate(marks, start=1):
        _write_night(tmp_path, day, mark=mark)
    assert recent_drift(read_history(tmp_path, "synthetic", until=LAST)["simple_cnn"], "accuracy") is None


def test_a_run_for_the_exact_lane_alone_is_no_part_of_the_history(tmp_path: Path) -> None:
    selection = Selection({"simple_cnn": [0, 1000, 1001]}, ["simple_cnn"])
    folder = NightFolder.start(tmp_path, NightRecord("synthetic", "sha256:data", LAST, LAST, selection=selection))
    for seed in selection.trainings["simple_cnn"]:
        write_run(folder.path, make_run(seed=seed))
    folder.close()
    assert [night.seeds for night in read_history(tmp_path, "synthetic", until=LAST)["simple_cnn"]] == [[1000, 1001]]


def test_a_night_that_failed_by_a_drift_failed(tmp_path: Path) -> None:
    _write_night(tmp_path, 1)
    ((path, night),) = nights(tmp_path)
    assert not read_history(tmp_path, "synthetic", until=LAST)["simple_cnn"][0].failed
    drift = dataclasses.replace(DRIFT, experiment="simple_cnn")
    folder = NightFolder.take(path)
    assert folder is not None
    folder.write_record(dataclasses.replace(night, drifts=[drift]))
    folder.close()
    assert read_history(tmp_path, "synthetic", until=LAST)["simple_cnn"][0].failed
