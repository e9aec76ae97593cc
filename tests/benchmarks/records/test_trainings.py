"""What a night holds of a training that ended twice."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from benchmarks.records.trainings import Outcome, Training, same_numbers, settle
from cifar_models.results.run import Curves
from tests.factories import FINGERPRINTS, make_run

pytestmark = pytest.mark.unit

RUN = make_run(epochs=3)
TRAINED, RESUMED = Training("simple_cnn", 0, Outcome.TRAINED, RUN), Training("simple_cnn", 0, Outcome.RESUMED, RUN)
DIVERGED, OUT_OF_MEMORY, DIED = (
    Training("simple_cnn", 0, outcome) for outcome in (Outcome.DIVERGED, Outcome.OUT_OF_MEMORY, Outcome.WORKER_DIED)
)
OTHER = dataclasses.replace(TRAINED, run=make_run(epochs=3, accuracy=0.6))


@pytest.mark.parametrize(
    ("first", "second", "settled"),
    [
        (TRAINED, TRAINED, TRAINED),
        (RESUMED, TRAINED, RESUMED),
        (OUT_OF_MEMORY, TRAINED, TRAINED),
        (TRAINED, OUT_OF_MEMORY, TRAINED),
        (TRAINED, DIED, TRAINED),
        (DIED, OUT_OF_MEMORY, DIED),
        (DIVERGED, DIVERGED, DIVERGED),
        (OUT_OF_MEMORY, DIVERGED, DIVERGED),
        (DIVERGED, DIED, DIVERGED),
    ],
)
def test_a_result_stands_where_the_other_attempt_gave_none(
    first: Training, second: Training, settled: Training
) -> None:
    assert settle(first, second) is settled


@pytest.mark.parametrize(
    ("first", "second"), [(TRAINED, OTHER), (OTHER, TRAINED), (DIVERGED, TRAINED), (TRAINED, DIVERGED)]
)
def test_two_different_results_are_none(first: Training, second: Training) -> None:
    settled = settle(first, second)
    assert (settled.outcome, settled.run) == (Outcome.DIFFERENT, None)
    for third in (TRAINED, OTHER, DIVERGED, DIED):
        assert settle(settled, third) is settled
        assert settle(third, settled) is settled


def _curves(epoch: int) -> Curves:
    values = {field.name: list(getattr(RUN.curves, field.name)) for field in dataclasses.fields(Curves)}
    values["val_loss"][epoch - 1] += 1e-15
    return Curves(**values)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"curves": _curves(2)}, "the curves differ from epoch 2"),
        ({"curves": make_run(epochs=2).curves}, "the curves differ from epoch"),
        (
            {"evaluation": make_run(confusion=((4, 0), (1, 3))).evaluation},
            "the curves are equal, the evaluations differ",
        ),
        (
            {"fingerprints": dataclasses.replace(FINGERPRINTS, data="sha256:other")},
            "from other data, weights or protocol",
        ),
    ],
)
def test_runs_differ_by_any_number_and_that_is_said(other: dict[str, Any], said: str) -> None:
    run = dataclasses.replace(RUN, **other)
    assert not same_numbers(RUN, run)
    assert said in settle(TRAINED, dataclasses.replace(TRAINED, run=run)).detail


@pytest.mark.parametrize(
    "other", [{"started": None}, {"peak_memory": None}, {"timings": make_run().timings}, {"code": None}]
)
def test_when_and_how_fast_a_run_ran_makes_no_other_run_of_it(other: dict[str, Any]) -> None:
    assert same_numbers(RUN, dataclasses.replace(RUN, **other))
