"""What curves say about overfitting: the numbers are theirs, and the words follow from the numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from cifar_models.results.overfitting import WIDTH, analyse_overfitting, describe_overfitting
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


def test_the_best_epoch_is_the_first_with_the_best_of_what_early_stopping_watched() -> None:
    assert analyse_overfitting(_run()).best_epoch == 2
    watching_loss = {"epochs": 10, "early_stopping_monitor": "val_loss"}
    assert analyse_overfitting(_run(val_loss=[2, 1.5, 1.25, 2], protocol=watching_loss)).best_epoch == 3


def test_the_gap_is_the_run_s() -> None:
    run = _run()
    assert analyse_overfitting(run).gap == run.gap == pytest.approx(0.2)
    assert "gap of the last epoch +0.2000 (train accuracy 0.9500, validation accuracy 0.7500)" in _words(run)


@pytest.mark.parametrize(
    ("protocol", "stopped", "words"),
    [
        ({"epochs": 10}, True, "ended by early stopping, after 4 of at most 10 epochs"),
        ({"epochs": 4}, False, "ended by all 4 epochs of the protocol"),
        ({}, False, "ended by after 4 epochs"),
    ],
)
def test_it_is_said_what_ended_the_training(protocol: dict[str, Any], stopped: bool, words: str) -> None:
    run = _run(protocol=protocol)
    assert analyse_overfitting(run).stopped_early is stopped
    assert words in _words(run)


def test_chance_is_half_of_the_binomial_interval_of_the_validation_accuracy() -> None:
    # 8 evaluation images (4 of each class), 6 of them right in the last epoch.
    assert analyse_overfitting(_run()).chance == pytest.approx(1.96 * (0.75 * 0.25 / 8) ** 0.5)


def test_a_gap_that_the_choice_of_images_may_make_is_no_overfitting() -> None:
    assert "is within the ±0.3001 that the choice of validation images alone makes" in _words(_run())


def test_a_larger_gap_is_what_was_learnt_of_the_training_images_alone() -> None:
    words = _words(_run(val_accuracy=[0.1, 0.2, 0.2, 0.2]))
    assert "is right on 75.0 in 100 more of its training images than of new ones" in words


def test_a_model_that_does_better_on_new_images_does_not_overfit() -> None:
    words = _words(_run(accuracy=[0.1] * 4))
    assert "did better on the validation images than on the training images" in words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Since epoch 2 validation loss has risen from 1.5000 to 2.5000 while train loss fell from 3.0000 to 1.0"),
        ({"loss": (4, 3, 2, 3)}, "Since epoch 2 neither loss has come down"),
        ({"val_loss": (4, 3, 2, 1)}, "at its lowest in the last epoch: more epochs may still help"),
        ({"val_loss": (4, 3, 1, 2)}, "at its lowest in the last epoch but one: a single rise may be chance"),
    ],
)
def test_the_losses_say_where_the_training_stood_at_its_end(changes: dict[str, Any], words: str) -> None:
    assert words in _words(_run(**changes))


def test_one_epoch_shows_no_trend() -> None:
    assert "One epoch shows no trend." in _words(_run(accuracy=[1], val_accuracy=[1], loss=[1], val_loss=[1]))


def test_the_words_fit_a_terminal() -> None:
    assert all(len(line) <= WIDTH + 10 for line in describe_overfitting(_run()).splitlines())
