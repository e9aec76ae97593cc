"""What a night takes from earlier ones: the runs that it repeats, the baselines' own first, and its history."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from benchmarks.inputs.earlier import (
    earlier_nights,
    exact_lane,
    recorded_run,
    reusable_run,
    why_not_reusable,
    with_tonight,
)
from benchmarks.inputs.inputs import Inputs
from benchmarks.records.exact import Exact
from benchmarks.records.night_folder import BaselineMark, NightFolder, NightRecord
from cifar_models.results.environment import describe_environment
from cifar_models.results.run import Run
from cifar_models.results.run_files import write_run
from cifar_models.results.source_code import Code, describe_code
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


def test_a_night_that_writes_baselines_reuses_runs_of_the_baseline_and_of_nights_with_today_s_code(
    tmp_path: Path,
) -> None:
    inputs = make_inputs(tmp_path / "baselines.json", baselines=passing_baselines(), reason="more", reuse_runs=True)
    other_code = dataclasses.replace(_run(2), code=Code("c0ffee", "sha256:other"))
    for seed in (0, 1):
        write_run(inputs.settings.records, dataclasses.replace(_run(seed), code=Code("c0ffee", "sha256:other")))
    _night(inputs, STARTED, other_code, dataclasses.replace(_run(3), code=describe_code()))
    found = {seed: reusable_run(inputs, PLAIN, seed, tonight=None) for seed in range(5)}
    assert {seed for seed, run in found.items() if run} == {1, 3}  # the first seed is always trained
    inputs.settings = dataclasses.replace(inputs.settings, reuse_runs=False)
    assert reusable_run(inputs, PLAIN, 1, tonight=None) is None


def test_recorded_runs_are_not_reusable_unless_the_first_seed_repeats_its_digits(inputs: Inputs) -> None:
    assert "found no recorded run with these conditions" in why_not_reusable(inputs, _run(), tonight=None)
    write_run(inputs.settings.records, _run())
    assert why_not_reusable(inputs, _run(), tonight=None) == ""
    changed = dataclasses.replace(_run(), curves=dataclasses.replace(_run().curves, loss=[5.0, 1.0]))
    assert why_not_reusable(inputs, changed, tonight=None) == (
        "seed 0: found differs since epoch 1: loss 5, +4 from the recorded run, expected the digits of the recorded "
        "run; today's code does not repeat the recorded runs, so leave out --reuse-runs"
    )


def test_the_history_ends_with_tonight_and_its_baseline(inputs: Inputs) -> None:
    _night(inputs, "2026-01-30T02:00:00+00:00", _run(7))
    _night(inputs, "2026-02-01T02:00:00+00:00", _run(8))
    _night(inputs, STARTED, _run(9))  # tonight's own, which was interrupted after its verdicts
    earlier = earlier_nights(inputs, STARTED)
    history = with_tonight(earlier, inputs, STARTED, {PLAIN: [_run(9)]}, {})[PLAIN]
    assert len(earlier[PLAIN]) == 1, "which serves further looks"
    assert [(night.started[:10], night.seeds) for night in history] == [("2026-01-30", [7]), ("2026-01-31", [9])]
    assert history[-1].mark == BaselineMark.of(inputs.baseline_for(PLAIN))
