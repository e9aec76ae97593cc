"""Training images held out for validation: a tenth of each class, the same in every training and on every machine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cifar_models.datasets.dataset import CLASS_COUNT, DatasetError, Labels

SEED = 0
SHARE = 10
"""One image of so many is held out."""

Rows = npt.NDArray[np.intp]


def hold_out(labels: Labels) -> tuple[Rows, Rows]:
    """Return the rows of the images to train on and of those held out, each in ascending order.

    The draw uses the raw stream of a bit generator, which NumPy promises to keep, as ``synthetic.py`` does.

    Args:
        labels: ``(N,)`` int64, 0 to 9: two images of each class or more.

    Raises:
        DatasetError: a class with fewer images.
    """
    counts = np.bincount(labels, minlength=CLASS_COUNT)
    if counts.min() < 2:
        raise DatasetError(
            f"held_out: found {counts.min()} training images of class {counts.argmin()}, expected 2 or more"
        )
    drawn = np.argsort(np.random.PCG64(SEED).random_raw(len(labels)), kind="stable")
    classes = [drawn[labels[drawn] == label] for label in range(CLASS_COUNT)]
    held_out = np.sort(np.concatenate([rows[: -(-len(rows) // SHARE)] for rows in classes]))
    return np.setdiff1d(drawn, held_out), held_out
