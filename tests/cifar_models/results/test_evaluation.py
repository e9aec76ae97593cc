"""Evaluation: hand-worked numbers, then scikit-learn's own, then what is refused."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix

from cifar_models.results.evaluation import (
    ClassReport,
    Evaluation,
    cross_entropy,
    describe_evaluation,
    evaluate,
)

pytestmark = pytest.mark.unit

NAMES = tuple("abcdefghij")

answers = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40)


def _probabilities(predictions: list[int]) -> npt.NDArray[np.float32]:
    """Return rows that sum to 1 and are greatest at the predicted class, though seldom above a half."""
    rows = np.full((len(predictions), 10), 0.08, np.float32)
    rows[np.arange(len(predictions)), predictions] = 0.28
    return rows


def _labels(labels: list[int]) -> npt.NDArray[np.int64]:
    return np.array(labels, np.int64)


# Class a: 2 of its 3 found, 1 false alarm. Class b: 1 of 2 found, 1 false alarm. Class c: 1 of 1. The rest: none.
HAND_LABELS = [0, 0, 0, 1, 1, 2]
HAND_PREDICTIONS = [0, 0, 1, 1, 0, 2]


@pytest.fixture
def evaluation() -> Evaluation:
    return evaluate(_probabilities(HAND_PREDICTIONS), _labels(HAND_LABELS), NAMES)


class TestAHandWorkedExample:
    def test_accuracy_is_the_share_of_images_named_right(self, evaluation: Evaluation) -> None:
        assert evaluation.accuracy == pytest.approx(4 / 6)

    def test_each_class_has_its_precision_recall_f1_and_count(self, evaluation: Evaluation) -> None:
        assert evaluation.classes["a"] == ClassReport(2 / 3, 2 / 3, 2 / 3, images=3)
        assert evaluation.classes["b"] == ClassReport(0.5, 0.5, 0.5, images=2)
        assert evaluation.classes["c"] == ClassReport(1.0, 1.0, 1.0, images=1)

    def test_a_class_without_images_and_predictions_reports_zeros(self, evaluation: Evaluation) -> None:
        assert evaluation.classes["j"] == ClassReport(0.0, 0.0, 0.0, images=0)

    def test_classes_come_in_label_order(self, evaluation: Evaluation) -> None:
        assert tuple(evaluation.classes) == NAMES

    def test_rows_of_the_confusion_are_labels_and_columns_predictions(self, evaluation: Evaluation) -> None:
        rows = evaluation.confusion
        assert [row[:3] for row in rows[:3]] == [[2, 1, 0], [1, 1, 0], [0, 0, 1]]
        assert [len(row) for row in rows] == [10] * 10
        assert sum(map(sum, rows)) == 6

    def test_all_numbers_are_plain_python(self, evaluation: Evaluation) -> None:
        assert type(evaluation.accuracy) is float
        assert type(evaluation.confusion[0][0]) is int
        assert [type(value) for value in vars(evaluation.classes["a"]).values()] == [float] * 3 + [int]


def test_f1_is_the_harmonic_mean_of_unequal_precision_and_recall() -> None:
    classes = evaluate(_probabilities([0, 1, 1, 1]), _labels([0, 0, 0, 1]), NAMES).classes
    for name, precision, recall in (("a", 1, 1 / 3), ("b", 1 / 3, 1)):
        report = classes[name]
        assert (report.precision, report.recall, report.f1) == pytest.approx((precision, recall, 1 / 2))


def test_rows_and_columns_of_the_confusion_are_not_swapped() -> None:
    confusion = evaluate(_probabilities([3]), _labels([7]), NAMES).confusion
    assert confusion[7][3] == 1
    assert confusion[3][7] == 0


def test_a_class_never_predicted_scores_0_without_a_warning() -> None:
    # Warnings are errors here, so scikit-learn's would fail this test.
    report = evaluate(_probabilities([0, 0]), _labels([0, 1]), NAMES).classes["b"]
    assert report == ClassReport(0.0, 0.0, 0.0, images=1)


@pytest.mark.property
@settings(deadline=None, max_examples=15)
@given(answers=answers)
def test_all_numbers_are_scikit_learns(answers: list[tuple[int, int]]) -> None:
    labels, predictions = (list(column) for column in zip(*answers, strict=True))
    evaluation = evaluate(_probabilities(predictions), _labels(labels), NAMES)
    assert evaluation.accuracy == accuracy_score(labels, predictions)
    assert evaluation.confusion == confusion_matrix(labels, predictions, labels=range(10)).tolist()
    theirs = classification_report(
        labels, predictions, labels=range(10), target_names=NAMES, output_dict=True, zero_division=0.0
    )
    for name in NAMES:
        ours = evaluation.classes[name]
        expected = [theirs[name][key] for key in ("precision", "recall", "f1-score", "support")]
        assert [ours.precision, ours.recall, ours.f1, ours.images] == expected


@pytest.mark.property
@settings(deadline=None, max_examples=15)
@given(answers=answers)
def test_the_text_is_scikit_learns_report(answers: list[tuple[int, int]]) -> None:
    labels, predictions = (list(column) for column in zip(*answers, strict=True))
    theirs = classification_report(
        labels, predictions, labels=range(10), target_names=NAMES, digits=4, zero_division=0.0
    )
    assert describe_evaluation(evaluate(_probabilities(predictions), _labels(labels), NAMES)) == theirs.rstrip()


@pytest.mark.parametrize("confusion", [[], [[1]], [[1, 2], [3]], [[0, 0], [0, 0]]])
def test_a_confusion_matrix_that_is_none_makes_no_report(confusion: list[list[int]]) -> None:
    classes = dict.fromkeys("ab", ClassReport(0.0, 0.0, 0.0, images=1))
    with pytest.raises(ValueError, match="expected a square of 2"):
        describe_evaluation(Evaluation(0.0, classes, confusion))


@pytest.mark.property
@settings(deadline=None, max_examples=15)
@given(answers=answers, seed=st.integers(0, 100))
def test_the_order_of_images_is_irrelevant(answers: list[tuple[int, int]], seed: int) -> None:
    labels, predictions = (list(column) for column in zip(*answers, strict=True))
    order = np.random.default_rng(seed).permutation(len(labels))
    ordered = evaluate(_probabilities(predictions), _labels(labels), NAMES)
    shuffled = evaluate(_probabilities(predictions)[order], _labels(labels)[order], NAMES)
    assert shuffled.loss == pytest.approx(ordered.loss, rel=1e-12)  # a mean in another order rounds differently
    assert dataclasses.replace(shuffled, loss=ordered.loss) == ordered


@pytest.mark.property
@settings(deadline=None, max_examples=15)
@given(answers=answers)
def test_the_confusion_holds_the_accuracy_and_every_count(answers: list[tuple[int, int]]) -> None:
    labels, predictions = (list(column) for column in zip(*answers, strict=True))
    evaluation = evaluate(_probabilities(predictions), _labels(labels), NAMES)
    confusion = np.array(evaluation.confusion)
    assert evaluation.accuracy == pytest.approx(np.trace(confusion) / len(labels))
    assert confusion.sum(axis=1).tolist() == [evaluation.classes[name].images for name in NAMES]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_probability_that_is_no_finite_number_is_refused(value: float) -> None:
    probabilities = _probabilities([0, 1])
    probabilities[1, 4] = value
    with pytest.raises(ValueError, match="found a value that is not finite, expected 0 to 1"):
        evaluate(probabilities, _labels([0, 1]), NAMES)


@pytest.mark.parametrize("shape", [(2, 10), (4, 10), (3, 9), (3,), (0, 10)])
def test_probabilities_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="probabilities: found shape") as caught:
        evaluate(np.zeros(shape, np.float32), _labels([0, 1, 2]), NAMES)
    assert f"found shape {shape}, expected (3, 10)" in str(caught.value)


def test_no_image_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        evaluate(_probabilities([]), _labels([]), NAMES)


class TestTheLoss:
    def test_it_is_the_mean_of_minus_log_of_the_label_s_probability(self) -> None:
        rows = np.full((2, 10), 0.05, np.float32)
        rows[:, 0] = 0.55
        assert cross_entropy(rows, _labels([0, 1])) == pytest.approx(-(np.log(0.55) + np.log(0.05)) / 2, rel=1e-6)

    @pytest.mark.parametrize("extreme", [0.0, 1.0])
    def test_certainty_is_worth_what_keras_takes_it_for(self, extreme: float) -> None:
        rows = np.full((1, 10), (1 - extreme) / 9, np.float32)
        rows[0, 3] = extreme
        expected = float(keras.losses.categorical_crossentropy(np.eye(10, dtype=np.float32)[[3]], rows)[0])
        assert cross_entropy(rows, _labels([3])) == pytest.approx(expected, rel=1e-5, abs=1e-6)

    @given(labels=st.lists(st.integers(0, 9), min_size=1, max_size=20), seed=st.integers(0, 99))
    @settings(max_examples=10, deadline=None)
    def test_it_is_keras_s_own(self, labels: list[int], seed: int) -> None:
        rows = np.random.default_rng(seed).dirichlet(np.full(10, 0.3), len(labels)).astype(np.float32)
        expected = keras.losses.CategoricalCrossentropy()(np.eye(10, dtype=np.float32)[labels], rows)
        found = evaluate(rows, _labels(labels), NAMES).loss
        assert found == pytest.approx(float(expected), rel=1e-4, abs=1e-5)
