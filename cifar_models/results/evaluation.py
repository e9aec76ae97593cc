"""Evaluates predictions: accuracy, loss, classification report, confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix, precision_recall_fscore_support

from cifar_models.datasets.dataset import CLASS_COUNT
from cifar_models.storage.strict_json import added_later

SMALLEST_PROBABILITY = 1e-7
"""``keras.config.epsilon()``, to which Keras raises smaller probabilities that it is given without their logits. In
``fit`` and ``evaluate`` it has the logits and raises nothing, so the validation loss can be larger than the loss here,
where no image counts for more than 16.1 nats."""


@dataclass(frozen=True)
class ClassReport:
    """Precision, recall and F1 of one class, in [0, 1] and 0 if undefined, and its number of images."""

    precision: float
    recall: float
    f1: float
    images: int


@dataclass(frozen=True)
class Evaluation:
    """The metrics of predictions on the evaluation images.

    Attributes:
        accuracy: share of images whose most probable class is their label, in [0, 1].
        classes: by class name, in label order.
        confusion: ten rows of ten counts; rows are labels, columns are predictions.
        loss: mean categorical cross-entropy in nats; None if not recorded.
    """

    accuracy: float
    classes: dict[str, ClassReport]
    confusion: list[list[int]]
    loss: float | None = added_later()


def evaluate(
    probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], class_names: tuple[str, ...]
) -> Evaluation:
    """Compare predictions with labels, using scikit-learn's metrics.

    Args:
        probabilities: ``(N, 10)`` float32, in [0, 1].
        labels: ``(N,)`` int64, 0 to 9.
        class_names: ten names, by label.

    Raises:
        ValueError: unequal counts, no image, or a probability that is not finite.
    """
    if probabilities.shape != (len(labels), CLASS_COUNT) or not len(labels):
        raise ValueError(f"probabilities: found shape {probabilities.shape}, expected ({len(labels)}, 10), 1 or more")
    if not np.isfinite(probabilities).all():
        raise ValueError("probabilities: found a value that is not finite, expected 0 to 1")
    predictions = probabilities.argmax(axis=1)
    every_class = list(range(CLASS_COUNT))
    scores = precision_recall_fscore_support(labels, predictions, labels=every_class, zero_division=0.0)
    return Evaluation(
        accuracy=float(accuracy_score(labels, predictions)),
        classes={
            name: ClassReport(float(precision), float(recall), float(f1), int(images))
            for name, precision, recall, f1, images in zip(class_names, *scores, strict=True)
        },
        confusion=confusion_matrix(labels, predictions, labels=every_class).tolist(),
        loss=cross_entropy(probabilities, labels),
    )


@dataclass(frozen=True)
class HeldOut:
    """The metrics of predictions on the held-out training images.

    Attributes:
        images: number of held-out images.
        accuracy: share of images whose most probable class is their label, in [0, 1].
        loss: mean categorical cross-entropy in nats.
    """

    images: int
    accuracy: float
    loss: float


def evaluate_held_out(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> HeldOut:
    """Compare predictions on held-out images with their labels; arguments as for ``evaluate``."""
    accuracy = accuracy_score(labels, probabilities.argmax(axis=1))
    return HeldOut(len(labels), float(accuracy), cross_entropy(probabilities, labels))


def cross_entropy(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> float:
    """Return the mean over the images of -log of the label's probability, in nats, without a model's penalties.

    Equals ``keras.losses.categorical_crossentropy`` of an array: each row is divided by its sum, and probabilities are
    clipped to ``SMALLEST_PROBABILITY`` and 1 minus that.

    Args:
        probabilities: ``(N, 10)`` float32.
        labels: ``(N,)`` int64, 0 to 9.
    """
    rows = probabilities.astype(np.float64)
    chosen = rows[np.arange(len(labels)), labels] / rows.sum(axis=1)
    return float(-np.log(np.clip(chosen, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)).mean())


def describe_evaluation(evaluation: Evaluation) -> str:
    """Return scikit-learn's classification report as text, computed from the confusion matrix.

    Raises:
        ValueError: the confusion matrix has no images or another size than the classes.
    """
    size = len(evaluation.classes)
    lengths = {len(evaluation.confusion), *map(len, evaluation.confusion)}
    if lengths != {size} or not any(map(any, evaluation.confusion)):
        raise ValueError(
            f"confusion: found rows and columns {sorted(lengths)}, expected a square of {size}, with images"
        )
    counts, every_class = np.array(evaluation.confusion), np.arange(size)
    labels, predictions = (np.repeat(indices, counts.ravel()) for indices in np.indices(counts.shape).reshape(2, -1))
    text: str = classification_report(
        labels, predictions, labels=every_class, target_names=list(evaluation.classes), digits=4, zero_division=0.0
    )
    return text.rstrip()
