"""What a point of accuracy is in loss: one number that lets both be read in the same unit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NEAR_THE_BEST = 0.1
"""How far below the best accuracy an epoch may lie that the slope is taken from, as a fraction."""
LEAST_EPOCHS = 3


def nats_per_point(val_accuracy: Sequence[Sequence[float]], val_loss: Sequence[Sequence[float]]) -> float | None:
    """Return by how many nats the validation loss falls where validation accuracy rises by a percentage point.

    The least-squares slope of the mean loss on the mean accuracy of several runs, over the epochs that all of them
    trained, up to the lowest mean loss (later, a model that learns its training images by heart can gain both), and no
    more than ``NEAR_THE_BEST`` below the best accuracy, but over ``LEAST_EPOCHS`` at least.

    Args:
        val_accuracy: a curve for each run, in [0, 1], one value an epoch.
        val_loss: likewise, in nats.

    Returns:
        None if the curves are too short to say, or if the loss does not fall.

    Raises:
        ValueError: no curve, or unequal numbers of curves or epochs.
    """
    if not val_accuracy or [len(curve) for curve in val_accuracy] != [len(curve) for curve in val_loss]:
        raise ValueError(
            f"curves: found {len(val_accuracy)} of accuracy and {len(val_loss)} of loss, expected one of each for a "
            f"run and as many epochs"
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
