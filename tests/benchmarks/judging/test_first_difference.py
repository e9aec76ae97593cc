"""Since which epoch curves part: the first from which on the mean stays outside, on one side."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks.judging.first_difference import first_epoch_apart, first_epochs_apart
from cifar_models.results.run import Curves, Run
from tests.factories import make_run

pytestmark = pytest.mark.unit

BASELINE = ((0.4, 0.5, 0.6, 0.7), (0.5, 0.6, 0.7, 0.8))


@pytest.mark.parametrize(
    ("today", "epoch"),
    [
        ((0.45, 0.55, 0.65, 0.75), None),  # inside throughout
        ((0.4, 0.6, 0.6, 0.8), None),  # on the range's edge is inside
        ((0.45, 0.55, 0.5, 0.6), 3),
        ((0.3, 0.55, 0.5, 0.6), 3),  # outside once before, and back again
        ((0.3, 0.4, 0.5, 0.6), 1),
        ((0.3, 0.4, 0.5, 0.75), None),  # back at the last
        ((0.3, 0.4, 0.8, 0.9), 3),  # from below to above: since then on this side
        ((0.45, 0.55, 0.65, 0.9), 4),  # above is outside as well
    ],
)
def test_the_first_epoch_from_which_on_it_stays_outside(today: tuple[float, ...], epoch: int | None) -> None:
    assert first_epoch_apart(BASELINE, [today]) == epoch


def test_it_is_the_mean_of_the_runs_that_counts() -> None:
    assert first_epoch_apart(BASELINE, [(0.0, 0.0, 0.0, 0.0), (0.9, 1.1, 1.3, 1.5)]) is None
    assert first_epoch_apart(BASELINE, [(0.0, 0.0, 0.0, 0.0), (0.9, 1.1, 1.1, 1.1)]) == 3


def test_only_epochs_that_every_run_trained_are_compared() -> None:
    assert first_epoch_apart(BASELINE, [(0.45, 0.55, 0.1, 0.1), (0.45, 0.55)]) is None
    assert first_epoch_apart([*BASELINE, (0.4,)], [(0.3, 0.55, 0.65, 0.75)]) == 1


@pytest.mark.parametrize(("baseline", "today"), [((), ((0.5,),)), (((0.5,),), ())])
def test_without_runs_nothing_parts(
    baseline: tuple[tuple[float, ...], ...], today: tuple[tuple[float, ...], ...]
) -> None:
    assert first_epoch_apart(baseline, today) is None


def test_of_the_four_curves_the_earliest_comes_first() -> None:
    def run(**changed: list[float]) -> Run:
        same = Curves(loss=[1.0] * 3, accuracy=[0.5] * 3, val_loss=[1.0] * 3, val_accuracy=[0.5] * 3)
        return dataclasses.replace(make_run(), curves=dataclasses.replace(same, **changed))

    today = run(val_accuracy=[0.5, 0.5, 0.4], loss=[1.0, 2.0, 2.0])
    assert list(first_epochs_apart([run()], [today]).items()) == [
        ("loss", 2),
        ("val_accuracy", 3),
        ("accuracy", None),
        ("val_loss", None),
    ]
