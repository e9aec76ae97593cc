"""Converts between accuracy and loss: how many nats a percentage point of accuracy is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NEAR_THE_BEST = 0.1
"""The slope uses epochs whose accuracy is at most this far below the best, as a fraction."""
LEAST_EPOCHS = 3


def nats_per_point(val_accuracy: Sequence[Sequence[float]], val_loss: Sequence[Sequence[float]]) -> float | None:
    """Return how many nats the validation loss falls when validation accuracy rises by a percentage point.

    This is the least-squares slope of the runs' mean loss on their mean accuracy. It uses the epochs that all runs
    trained, up to the lowest mean loss (after it, overfitting can raise both), within ``NEAR_THE_BEST`` of the best
    accuracy, and at least ``LEAST_EPOCHS``. None if the curves are too short or the loss does not fall.

    The arguments have for each run the values by epoch: accuracies in [0, 1], losses in nats.

    Raises:
        ValueError: no curve, or unequal numbers of curves or epochs.
    """
    if not val_accuracy or [len(curve) for curve in val_accuracy] != [len(curve) for curve in val_loss]:
        raise ValueError(
            f"curves: found {len(val_accuracy)} of accuracy and {len(val_loss)} of loss, expected one of each for "
            f"every run, with the same number of epochs"
        )
    epochs = min(len(curve) for curve in val_loss)
    accuracy = np.mean([curve[:epochs] for curve in val_accuracy], axis=0)
    loss = np.mean([curve[:epochs] for curve in val_loss], axis=0)
    end = int(np.argmin(loss)) + 1
    if end < LEAST_EPOCHS:
        return None
    near = np.flatnonzero(accuracy[:end] >= accuracy[:end].max() - NEAR_THE_BEST)
    used = near if len(near) >= LEAST_EPOCHS else np.arange(end - LEAST_EPOCHS, end)
    x = accuracy[used] - accuracy[used].mean()
    if not (x @ x) > 0:
        return None
    slope = float(x @ loss[used] / (x @ x))
    return -slope / 100 if slope < 0 else None
