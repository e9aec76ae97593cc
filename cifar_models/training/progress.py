"""The progress of a training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """The progress of a training.

    Attributes:
        epoch: the current epoch, from 1, of at most ``epochs``.
        step: steps done in this epoch, of ``steps``.
        accuracy: training accuracy of this epoch so far, in [0, 1].
        validation_accuracy: validation accuracy, in [0, 1]; None until the epoch has ended.
        seconds_left: time until the last epoch ends, at this pace and without early stopping.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    accuracy: float
    validation_accuracy: float | None
    seconds_left: float


@dataclass(frozen=True)
class FeatureProgress:
    """Progress of the features of a frozen part, before the training begins.

    Attributes:
        images, all_images: number of finished images, and of all images in both splits.
        seconds_left: time until the training begins, at this pace.
    """

    images: int
    all_images: int
    seconds_left: float


Report = Callable[[Progress | FeatureProgress], None]
"""A function that a training calls with its progress."""
