"""What a point of accuracy is in loss: straight curves, whose slope is known, and curves that do not tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.statistics.exchange import nats_per_point

pytestmark = pytest.mark.unit

RECORDS = Path(__file__).parents[3] / "baseline_runs"


def _loss(accuracy: list[float], nats: float) -> list[float]:
    return [3.0 - 100 * nats * value for value in accuracy]


@given(
    nats=st.floats(0.001, 0.1),
    accuracy=st.lists(st.integers(1, 99), min_size=3, max_size=10, unique=True).map(sorted),
)
@settings(max_examples=30)
def test_the_slope_of_a_straight_line_is_found(nats: float, accuracy: list[int]) -> None:
    curve = [value / 100 for value in accuracy]
    assert nats_per_point([curve], [_loss(curve, nats)]) == pytest.approx(nats)


def test_what_a_model_learns_by_heart_after_the_lowest_loss_does_not_count() -> None:
    accuracy = [0.5, 0.55, 0.6, 0.62, 0.63]
    loss = [*_loss(accuracy[:3], 0.02), 2.5, 3.0]
    assert nats_per_point([accuracy], [loss]) == pytest.approx(0.02)


def test_early_epochs_far_from_the_best_do_not_count() -> None:
    accuracy = [0.1, 0.3, 0.5, 0.55, 0.6]
    loss = [9.0, 4.0, *_loss(accuracy[2:], 0.02)]
    assert nats_per_point([accuracy], [loss]) == pytest.approx(0.02)


def test_the_curves_of_several_runs_count_by_their_mean_as_far_as_all_go() -> None:
    first, second = [0.5, 0.55, 0.6], [0.52, 0.57, 0.62, 0.9]
    assert nats_per_point([first, second], [_loss(first, 0.02), [*_loss(second[:3], 0.02), 0.0]]) == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("accuracy", "loss"),
    [
        pytest.param([0.5, 0.6], [1.0, 0.9], id="two epochs"),
        pytest.param([0.5, 0.6, 0.7], [0.9, 1.0, 1.1], id="a loss that rises from the start"),
        pytest.param([0.7, 0.65, 0.6], [1.0, 0.9, 0.8], id="a loss that falls with the accuracy"),
        pytest.param([0.5, 0.5, 0.5], [1.0, 0.9, 0.8], id="an accuracy that stands still"),
    ],
)
def test_curves_that_do_not_tell_give_none(accuracy: list[float], loss: list[float]) -> None:
    assert nats_per_point([accuracy], [loss]) is None


@pytest.mark.parametrize(("accuracy", "loss"), [([], []), ([[0.5, 0.6, 0.7]], []), ([[0.5, 0.6, 0.7]], [[1.0, 0.9]])])
def test_curves_that_do_not_belong_together_are_refused(accuracy: list[list[float]], loss: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="expected one of each for every run, with the same number of epochs"):
        nats_per_point(accuracy, loss)


@pytest.mark.parametrize("experiment", ["simple_cnn", "vgg16_frozen", "improved_cnn", "resnet50_finetuned"])
def test_recorded_runs_put_a_point_between_a_hundredth_and_a_tenth_of_a_nat(experiment: str) -> None:
    records = [json.loads(path.read_text()) for path in RECORDS.glob(f"{experiment}.synthetic.*.json")]
    curves = [record["curves"] for record in records]
    found = nats_per_point([each["val_accuracy"] for each in curves], [each["val_loss"] for each in curves])
    assert found is not None
    assert 0.01 < found < 0.1
