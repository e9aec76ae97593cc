"""Where a training stands, for whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Attributes:
        epoch: the current one, from 1.
        epochs: the protocol's maximum.
        step: steps done in this epoch.
        steps: of a whole epoch.
        accuracy: on the training images of this epoch so far, in [0, 1].
        validation_accuracy: of this epoch once it has ended, in [0, 1]; None before.
        seconds_left: at this pace, if early stopping does not end it sooner.
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
    """How far the output of a frozen part is computed, before the training begins.

    Attributes:
        images: that are done, of both splits.
        all_images: of both splits.
        seconds_left: at this pace, until the training begins.
    """

    images: int
    all_images: int
    seconds_left: float


Report = Callable[[Progress | FeatureProgress], None]
"""What a training calls to report its progress."""
