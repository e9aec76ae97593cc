"""Finds the confusion of two classes that grew most, which explains a lower accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cifar_models.results.run import Run


class Growth(NamedTuple):
    """The share of a class's images with a wrong prediction, in [0, 1], in the baseline's runs and today."""

    label: str
    prediction: str
    before: float
    today: float


def grown_confusion(today: Sequence[Run], baseline: Sequence[Run]) -> Growth | None:
    """Return the confusion with the largest growth of its share; None if none grew.

    Args:
        today: runs of today, one or more.
        baseline: runs of the baseline, one or more.
    """
    names = list(today[0].evaluation.classes)
    before, now = _confused_shares(baseline), _confused_shares(today)
    growth = now - before
    np.fill_diagonal(growth, -np.inf)
    row, column = np.unravel_index(int(np.argmax(growth)), growth.shape)
    if not growth[row, column] > 0:
        return None
    return Growth(names[row], names[column], float(before[row, column]), float(now[row, column]))


def _confused_shares(runs: Sequence[Run]) -> npt.NDArray[np.float64]:
    """Return for each class the share of its images with each prediction, over all runs."""
    counts = np.sum([run.evaluation.confusion for run in runs], axis=0, dtype=np.float64)
    shares: npt.NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares
