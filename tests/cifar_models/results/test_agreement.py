"""A run's record against itself: one that agrees, then each contradiction alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cifar_models.results.agreement import disagreements
from cifar_models.results.evaluation import evaluate
from cifar_models.results.run import Curves, Run
from cifar_models.results.run_files import read_run
from cifar_models.storage.fingerprint import fingerprint_json
from tests.factories import make_run

pytestmark = pytest.mark.unit

RECORDS = Path(__file__).parents[3] / "baseline_runs"
NAMES = tuple("abcdefghij")
PROTOCOL = {"epochs": 10, "patience": 3, "early_stopping_monitor": "val_accuracy"}


def _agreeing(images: int = 2000) -> Run:
    """Return a run with three of four images right, best in the second of five epochs."""
    labels = np.arange(images) % 10
    predictions = np.where(np.arange(images) % 4 == 0, (labels + 1) % 10, labels)
    rows = np.full((images, 10), 0.05, np.float32)
    rows[np.arange(images), predictions] = 0.55
    evaluation = evaluate(rows, labels, NAMES)
    assert evaluation.loss is not None
    run = make_run()
    return replace(
        run,
        protocol=PROTOCOL,
        fingerprints=replace(run.fingerprints, protocol=fingerprint_json(PROTOCOL)),
        curves=Curves(
            loss=[2.0, 1.5, 1.2, 1.0, 0.9],
            accuracy=[0.3, 0.5, 0.6, 0.7, 0.8],
            val_loss=[1.9, evaluation.loss, 1.3, 1.3, 1.3],
            val_accuracy=[0.4, evaluation.accuracy, 0.7, 0.6, 0.5],
        ),
        evaluation=evaluation,
    )


def test_a_run_that_agrees_has_nothing_to_say() -> None:
    assert disagreements(_agreeing()) == []


def test_every_recorded_run_agrees_with_itself() -> None:
    paths = sorted(RECORDS.glob("*.json"))
    assert len(paths) >= 30
    assert [sentence for path in paths for sentence in disagreements(read_run(path))] == []


def test_an_old_record_without_a_loss_agrees() -> None:
    run = _agreeing()
    assert disagreements(replace(run, evaluation=replace(run.evaluation, loss=None))) == []


def test_penalties_may_raise_the_validation_loss() -> None:
    run = _agreeing()
    raised = [value + 0.2 for value in run.curves.val_loss]
    assert disagreements(replace(run, curves=replace(run.curves, val_loss=raised))) == []


def test_early_stopping_on_validation_loss_has_its_own_best_epoch() -> None:
    run = _agreeing()
    protocol = PROTOCOL | {"early_stopping_monitor": "val_loss"}
    assert run.evaluation.loss is not None
    curves = replace(run.curves, val_accuracy=[0.4, run.accuracy, 0.9, 0.9, 0.9])
    watched = replace(
        run, protocol=protocol, fingerprints=replace(run.fingerprints, protocol=fingerprint_json(protocol))
    )
    assert disagreements(replace(watched, curves=curves)) == []


def _without_restoring(run: Run) -> Run:
    last = run.curves.val_accuracy[-1]
    images = sum(map(sum, run.evaluation.confusion))
    right = round(images * last)
    labels = np.arange(images) % 10
    rows = np.full((images, 10), 0.05, np.float32)
    rows[np.arange(images), np.where(np.arange(images) < right, labels, (labels + 1) % 10)] = 0.55
    return replace(run, evaluation=evaluate(rows, labels, NAMES))


def _fewer_images_of_a_class(run: Run) -> Run:
    classes = dict(run.evaluation.classes)
    classes["c"] = replace(classes["c"], images=classes["c"].images - 1)
    return replace(run, evaluation=replace(run.evaluation, classes=classes))


def _another_rate(name: str) -> Callable[[Run], Run]:
    def change(run: Run) -> Run:
        classes = dict(run.evaluation.classes)
        classes["b"] = replace(classes["b"], **{name: getattr(classes["b"], name) + 0.01})
        return replace(run, evaluation=replace(run.evaluation, classes=classes))

    return change


def _longer(run: Run, by: int) -> Run:
    curves = {
        name: (values + values[-1:] * by)[: len(values) + by]
        for name, values in (
            ("loss", run.curves.loss),
            ("accuracy", run.curves.accuracy),
            ("val_loss", run.curves.val_loss),
            ("val_accuracy", run.curves.val_accuracy),
        )
    }
    return replace(run, curves=Curves(**curves))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            _without_restoring, "in its best epoch 2, whose weights should be restored", id="weights not restored"
        ),
        pytest.param(
            lambda run: replace(run, evaluation=replace(run.evaluation, accuracy=run.accuracy + 0.0004)),
            "accuracy is 0.750400, but its confusion matrix makes it 0.750000",
            id="accuracy of other images",
        ),
        pytest.param(
            lambda run: replace(run, evaluation=replace(run.evaluation, loss=run.loss * 1.01)),
            "loss is",
            id="loss of other weights",
        ),
        pytest.param(
            _fewer_images_of_a_class, "images of c is 199, but its confusion matrix makes it 200", id="images"
        ),
        pytest.param(_another_rate("precision"), "precision of b is", id="precision"),
        pytest.param(_another_rate("recall"), "recall of b is", id="recall"),
        pytest.param(_another_rate("f1"), "f1 of b is", id="f1"),
        pytest.param(
            lambda run: replace(run, evaluation=replace(run.evaluation, confusion=run.evaluation.confusion[:-1])),
            "the confusion matrix has the shape (9, 10), but there are 10 classes",
            id="a row too few",
        ),
        pytest.param(
            lambda run: _longer(run, 1), "it trained 6 epochs, but with best epoch 2 and", id="stopped too late"
        ),
        pytest.param(
            lambda run: _longer(run, -1), "it trained 4 epochs, but with best epoch 2 and", id="stopped too early"
        ),
        pytest.param(
            lambda run: replace(run, protocol=run.protocol | {"learning_rate": 0.1}),
            "the protocol's fingerprint is",
            id="another protocol",
        ),
    ],
)
def test_a_contradiction_is_named(change: Callable[[Run], Run], said: str) -> None:
    (sentence, *_) = disagreements(change(_agreeing()))
    assert sentence.startswith("simple_cnn seed 0: ")
    assert said in sentence
