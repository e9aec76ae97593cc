"""What a night takes from earlier ones: the runs that it repeats, the baselines' own first, and its history."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from benchmarks.night.earlier import exact_lane, history_up_to, recorded_run
from benchmarks.night.inputs import Inputs
from benchmarks.records.exact import Exact
from benchmarks.records.night_folder import BaselineMark, NightFolder, NightRecord
from cifar_models.results.environment import describe_environment
from cifar_models.results.run import Run
from cifar_models.results.run_files import write_run
from tests.benchmarks.night.nights import CIFAR10, PLAIN, fingerprints_of, make_inputs, passing_baselines
from tests.factories import make_run

pytestmark = pytest.mark.unit

STARTED = "2026-01-31T02:00:00+00:00"


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return make_inputs(tmp_path / "baselines.json", baselines=passing_baselines())


def _run(seed: int = 0, *, environment: dict[str, Any] | None = None, **values: Any) -> Run:
    """Return a run as tonight's conditions give it, but for these."""
    here = dataclasses.replace(describe_environment(), **(environment or {}))
    run = make_run(PLAIN, seed, dataset="cifar10", fingerprints=fingerprints_of(PLAIN), **values)
    return dataclasses.replace(run, environment=here)


def _night(inputs: Inputs, started: str, *runs: Run) -> NightFolder:
    folder = NightFolder.start(inputs.settings.run_dir, NightRecord("cifar10", CIFAR10.fingerprint, started, started))
    for run in runs:
        write_run(folder.path, run)
    folder.close()
    return folder


def test_the_baseline_s_own_run_comes_before_those_of_nights_and_the_newest_night_s_next(inputs: Inputs) -> None:
    assert recorded_run(inputs, PLAIN, 0, tonight=None) is None
    for day, gap in ((1, 0.11), (2, 0.12)):
        _night(inputs, f"2026-01-0{day}T02:00:00+00:00", _run(gap=gap))
    found = recorded_run(inputs, PLAIN, 0, tonight=None)
    assert found == _run(gap=0.12)
    write_run(inputs.settings.records, _run(gap=0.10))
    assert recorded_run(inputs, PLAIN, 0, tonight=None) == _run(gap=0.10)
    assert recorded_run(inputs, PLAIN, 1, tonight=None) is None


def test_tonight_s_own_record_other_conditions_and_damage_are_passed_over(inputs: Inputs) -> None:
    tonight = _night(inputs, STARTED, _run())
    assert recorded_run(inputs, PLAIN, 0, tonight=tonight) is None
    write_run(inputs.settings.records, _run(environment={"processor": "another"}))
    assert recorded_run(inputs, PLAIN, 0, tonight=tonight) is None
    file = write_run(inputs.settings.records, _run())
    assert recorded_run(inputs, PLAIN, 0, tonight=tonight) == _run()
    file.write_text("{", encoding="utf-8")
    assert recorded_run(inputs, PLAIN, 0, tonight=tonight) is None


def test_each_run_is_held_against_the_recorded_one_of_its_seed(inputs: Inputs) -> None:
    for seed in (0, 1):
        write_run(inputs.settings.records, _run(seed))
    changed = dataclasses.replace(_run(), curves=dataclasses.replace(_run().curves, loss=[5.0, 1.0]))
    first = _run().curves.loss[0]
    assert exact_lane(inputs, [changed, _run(1), _run(2)], tonight=None) == [
        Exact(PLAIN, 0, 1, "loss", first, 5.0),
        Exact(PLAIN, 1),
    ]


def test_the_history_ends_with_tonight_and_its_baseline(inputs: Inputs) -> None:
    _night(inputs, "2026-01-30T02:00:00+00:00", _run(7))
    _night(inputs, "2026-02-01T02:00:00+00:00", _run(8))
    history = history_up_to(inputs, STARTED, {PLAIN: [_run(9)]})[PLAIN]
    assert [(night.started[:10], night.seeds) for night in history] == [("2026-01-30", [7]), ("2026-01-31", [9])]
    assert history[-1].mark == BaselineMark.of(inputs.baseline_for(PLAIN))
