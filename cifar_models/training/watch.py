"""A Keras callback that checks the loss and reports progress."""

from __future__ import annotations

import math
import time
from typing import Any

import keras

from cifar_models.experiments import Protocol
from cifar_models.training.progress import Progress, Report


class TrainingDiverged(ArithmeticError):
    """The loss is NaN or infinite."""


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Raises ``TrainingDiverged`` as soon as the loss is not finite, and reports progress.

    Args:
        protocol: the training's protocol.
        steps: number of steps in an epoch.
        progress: called after each batch that Keras reports and after each epoch; None to report nothing.
    """

    def __init__(self, protocol: Protocol, steps: int, progress: Report | None) -> None:
        super().__init__()
        self._epochs, self._steps, self._progress = protocol.epochs, steps, progress
        self._epoch = 0
        self._started = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Store the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Check the epoch's loss so far, and report progress."""
        assert logs is not None  # noqa: S101 - Keras always passes them here
        step = min(batch + 1, self._steps)  # Keras counts past the end if the last execution has fewer steps
        self._require_finite("loss", float(logs["loss"]), f"epoch {self._epoch + 1}, step {step}")
        self._report(step, float(logs["accuracy"]), None)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Check the validation loss, because the last step changes the weights after its loss, and report progress."""
        assert logs is not None  # noqa: S101 - Keras always passes them here
        self._require_finite("validation loss", float(logs["val_loss"]), f"the end of epoch {epoch + 1}")
        self._report(self._steps, float(logs["accuracy"]), float(logs["val_accuracy"]))

    def _require_finite(self, name: str, value: float, when: str) -> None:
        if not math.isfinite(value):
            raise TrainingDiverged(
                f"found a {name} of {value} by {when}, expected a finite number; check the learning rate, the "
                f"normalization and the initialisation"
            )

    def _report(self, step: int, accuracy: float, validation_accuracy: float | None) -> None:
        if self._progress is None:
            return
        done = (self._epoch * self._steps + step) / (self._epochs * self._steps)
        elapsed = time.perf_counter() - self._started
        left = elapsed / done - elapsed
        self._progress(Progress(self._epoch + 1, self._epochs, step, self._steps, accuracy, validation_accuracy, left))
