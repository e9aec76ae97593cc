"""Measures how much the pattern of a run's F1 scores over the classes differs from the baseline's."""

from __future__ import annotations

import numpy as np

from benchmarks.statistics.significance import Floats


def pattern_distances(baseline: Floats, today: Floats) -> tuple[Floats, Floats]:
    """Return the distance of each run's pattern from the mean pattern of the baseline's other runs, (n,) and (k,).

    A pattern is a run's F1 scores minus their mean, which leaves changes that all classes share to the accuracy. The
    distance is the root mean square difference over classes, in units of F1. Baseline runs are compared with the mean
    of the others, so that without a change both groups have the same distribution, up to a factor of 1 + 1 / (2 n^2).

    The arguments are F1 scores in [0, 1] of shapes (n, classes) and (k, classes), with n at least 2.

    Raises:
        ValueError: fewer than two baseline runs, or unequal numbers of classes.
    """
    n = len(baseline)
    if n < 2 or baseline.shape[1:] != today.shape[1:]:
        raise ValueError(
            f"F1 scores: found shapes {baseline.shape} and {today.shape}, expected two or more baseline runs and the "
            f"same number of classes"
        )
    before = baseline - baseline.mean(axis=1, keepdims=True)
    now = today - today.mean(axis=1, keepdims=True)
    total = before.sum(axis=0)
    others = (total - before) / (n - 1)
    return _root_mean_square(before - others), _root_mean_square(now - total / n)


def _root_mean_square(values: Floats) -> Floats:
    return np.asarray(np.sqrt((values**2).mean(axis=1)), dtype=np.float64)
