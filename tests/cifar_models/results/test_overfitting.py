"""What curves say about overfitting: the numbers are theirs, and the words follow from the numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from cifar_models.results.overfitting import WIDTH, describe_overfitting
from cifar_models.results.run import Curves, Run
from tests.factories import make_run

pytestmark = pytest.mark.unit


def _run(
    *,
    accuracy: Sequence[float] = (0.5, 0.6, 0.9, 0.95),
    val_accuracy: Sequence[float] = (0.5, 0.75, 0.6, 0.75),
    loss: Sequence[float] = (4.0, 3.0, 2.0, 1.0),
    val_loss: Sequence[float] = (2.0, 1.5, 1.75, 2.5),
    protocol: dict[str, Any] | None = None,
) -> Run:
    curves = Curves(list(loss), list(accuracy), list(val_loss), list(val_accuracy))
    return dataclasses.replace(make_run(), curves=curves, protocol={"epochs": 10} if protocol is None else protocol)


def _words(run: Run) -> str:
    return " ".join(describe_overfitting(run).split())


def test_the_best_epoch_and_the_gap_are_the_run_s() -> None:
    words = _words(_run())
    assert "gap of the last epoch +0.2000 (train accuracy 0.9500, validation accuracy 0.7500)" in words
    assert "best epoch 2 of 4 (validation accuracy 0.7500), whose weights are kept" in words
    assert "lowest validation loss epoch 2 (1.5000; 2.5000 in the last epoch)" in words


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        ({"epochs": 10}, "end of training early stopping, after 4 of at most 10 epochs"),
        ({"epochs": 4}, "end of training after all 4 epochs of the protocol"),
        ({}, "end of training after 4 epochs"),
    ],
)
def test_it_is_said_what_ended_the_training(protocol: dict[str, Any], words: str) -> None:
    assert words in _words(_run(protocol=protocol))


def test_chance_is_half_of_the_binomial_interval_of_the_validation_accuracy() -> None:
    # 8 evaluation images (4 of each class), 6 of them right in the last epoch.
    assert f"within ±{1.96 * (0.75 * 0.25 / 8) ** 0.5:.4f}, which" in _words(_run())


def test_a_gap_that_the_choice_of_images_may_make_is_no_overfitting() -> None:
    assert "is within ±0.3001, which the choice of evaluation images alone can cause" in _words(_run())


def test_a_larger_gap_is_what_was_learnt_of_the_training_images_alone() -> None:
    words = _words(_run(val_accuracy=[0.1, 0.2, 0.2, 0.2]))
    assert "is right on 75.0 in 100 more training images than new images" in words


def test_a_model_that_does_better_on_new_images_does_not_overfit() -> None:
    words = _words(_run(accuracy=[0.1] * 4))
    assert "did better on the evaluation images than on the training images" in words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Since epoch 2 validation loss has risen from 1.5000 to 2.5000 while train loss fell from 3.0000 to 1.0"),
        ({"loss": (4, 3, 2, 3)}, "Since epoch 2 neither loss has fallen"),
        ({"val_loss": (4, 3, 2, 1)}, "was lowest in the last epoch: more epochs may still help"),
        ({"val_loss": (4, 3, 1, 2)}, "was lowest in the last epoch but one: a single rise may be chance"),
    ],
)
def test_the_losses_say_where_the_training_stood_at_its_end(changes: dict[str, Any], words: str) -> None:
    assert words in _words(_run(**changes))


def test_one_epoch_shows_no_trend() -> None:
    assert "One epoch shows no trend." in _words(_run(accuracy=[1], val_accuracy=[1], loss=[1], val_loss=[1]))


def test_the_words_fit_a_terminal() -> None:
    assert all(len(line) <= WIDTH + 10 for line in describe_overfitting(_run()).splitlines())
