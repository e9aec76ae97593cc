"""The exact lane: runs of equal conditions are identical to the last digit, or differ since an epoch."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.records.exact import Exact, compare_exactly, why_not_comparable
from cifar_models.results.environment import THREADS, THREADS_VARIABLE
from cifar_models.results.run import Curves, Run
from tests.factories import make_run

pytestmark = pytest.mark.unit


def _run(seed: int = 0) -> Run:
    run = make_run(seed=seed, accuracy=0.7, loss=0.9, epochs=4)
    return replace(run, environment=replace(run.environment, settings={"threads": "2"}))


def _with_curve(name: str, epoch: int, value: float) -> Run:
    run = _run()
    values = list(getattr(run.curves, name))
    values[epoch - 1] = value
    return replace(run, curves=replace(run.curves, **{name: values}))


def _shorter(run: Run) -> Run:
    curves = {name: getattr(run.curves, name)[:-1] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    return replace(run, curves=Curves(**curves))


def test_the_same_run_is_identical_whenever_and_however_fast_it_trained() -> None:
    again = replace(_run(), started="2026-01-01T00:00:00+00:00", timings=replace(_run().timings, training=1.0))
    found = compare_exactly(again, _run())
    assert found == Exact("simple_cnn", 0)
    assert found.identical
    assert str(found) == "identical"


@pytest.mark.parametrize("name", ["loss", "accuracy", "val_loss", "val_accuracy"])
@pytest.mark.parametrize("epoch", [1, 3, 4])
def test_the_last_digit_of_any_value_of_any_epoch_counts(name: str, epoch: int) -> None:
    before = getattr(_run().curves, name)[epoch - 1]
    today = math.nextafter(before, 2.0)
    found = compare_exactly(_with_curve(name, epoch, today), _run())
    assert found == Exact("simple_cnn", 0, epoch, name, before, today)
    assert not found.identical
    assert f"differs since epoch {epoch}: {name} " in str(found)


def test_the_first_epoch_comes_first() -> None:
    today = _with_curve("val_loss", 2, 0.5)
    today = replace(today, curves=replace(today.curves, loss=[1.0, 1.0, 0.1, 0.1]))
    found = compare_exactly(today, _run())
    assert (found.epoch, found.what) == (2, "val_loss")
    assert str(found) == "differs since epoch 2: val_loss 0.5, -0.5 from the recorded run"


def test_an_early_stop_at_another_epoch_differs_from_that_epoch_on() -> None:
    found = compare_exactly(_shorter(_run()), _run())
    assert (found.epoch, found.what, found.recorded, found.today) == (4, "loss", 1.0, None)
    assert str(found) == "differs since epoch 4: loss 1 recorded, none today"
    assert compare_exactly(_run(), _shorter(_run())).epoch == 4


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"accuracy": 0.7000001}, "evaluation accuracy"),
        ({"loss": 0.9000001}, "evaluation loss"),
        ({"confusion": [[3, 1], [2, 2]]}, "confusion matrix"),
    ],
)
def test_an_evaluation_that_differs_after_equal_epochs_is_found(changes: dict[str, Any], what: str) -> None:
    today = replace(_run(), evaluation=replace(_run().evaluation, **changes))
    found = compare_exactly(today, _run())
    assert (found.epoch, found.what) == (None, what)
    assert str(found).startswith(f"differs after the last epoch: {what} ")


def test_a_record_from_before_the_loss_is_compared_by_the_rest() -> None:
    old = replace(_run(), evaluation=replace(_run().evaluation, loss=None))
    assert compare_exactly(_run(), old).identical


def _elsewhere(**changes: Any) -> Run:
    return replace(_run(), environment=replace(_run().environment, **changes))


@pytest.mark.parametrize(
    ("other", "why"),
    [
        pytest.param(_run(seed=1), "another seed: 0, recorded 1", id="seed"),
        pytest.param(replace(_run(), experiment="vgg16_frozen"), "another experiment", id="experiment"),
        *(
            pytest.param(
                replace(_run(), fingerprints=replace(_run().fingerprints, **{name: "sha256:other"})),
                f"another {name}",
                id=name,
            )
            for name in ("data", "weights", "protocol")
        ),
        pytest.param(_elsewhere(packages={"keras": "3.9.0"}), "another packages", id="versions"),
        pytest.param(_elsewhere(python="3.12.0"), "another python", id="Python"),
        pytest.param(_elsewhere(processor="another"), "another processor", id="processor"),
        pytest.param(_elsewhere(device="a GPU"), "another device", id="device"),
        pytest.param(_elsewhere(settings={"threads": "1"}), "another settings: ", id="threads"),
        pytest.param(_elsewhere(cores=64), "another settings: ", id="a thread for each of other cores"),
        pytest.param(_elsewhere(settings=None), "another settings: ", id="settings not recorded"),
    ],
)
def test_runs_under_other_conditions_are_not_compared(other: Run, why: str) -> None:
    assert why_not_comparable(_run(), other).startswith(why)
    with pytest.raises(ValueError, match="expected runs of the same conditions"):
        compare_exactly(_run(), other)


def test_a_worker_with_some_of_the_cores_and_as_many_threads_has_the_same_conditions() -> None:
    alone = _elsewhere(settings={THREADS: "0"}, cores=4)
    worker = _elsewhere(settings={THREADS: "0", THREADS_VARIABLE: "4"}, cores=2)
    assert why_not_comparable(worker, alone) == ""


def test_runs_whose_settings_nobody_recorded_are_not_compared() -> None:
    old = _elsewhere(settings=None)
    assert why_not_comparable(old, old) == "settings not recorded"
