"""The progress of a training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """The progress of a training.

    Attributes:
        epoch: the current epoch, from 1, of at most ``epochs``.
        step: steps done in this epoch, of ``steps``.
        accuracy: on the training images of this epoch so far, in [0, 1].
        validation_accuracy: None until the epoch has ended.
        seconds_left: at this pace, without early stopping.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    accuracy: float
    validation_accuracy: float | None
    seconds_left: float
