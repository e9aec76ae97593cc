"""Whether the F1 scores of the classes still have the same pattern, as one number a run."""

from __future__ import annotations

import numpy as np

from benchmarks.statistics.significance import Floats


def pattern_distances(baseline: Floats, today: Floats) -> tuple[Floats, Floats]:
    """Return how far each run's pattern over classes lies from the mean pattern of the baseline's other runs.

    A run's pattern is its F1 scores less their mean over the classes, so that a change that all classes share is left
    to the accuracy. The distance is the root mean square of the difference over classes, in units of F1. A run of the
    baseline is held against the others, not against a mean that it is part of: without any change, distances of both
    groups have the same distribution but for a factor of about 1 + 1 / (2 n^2).

    Args:
        baseline: F1 scores in [0, 1], shape (n, classes), n at least 2.
        today: likewise, shape (k, classes).

    Returns:
        Distances of shape (n,) and (k,).

    Raises:
        ValueError: fewer than two baseline runs, or unequal numbers of classes.
    """
    n = len(baseline)
    if n < 2 or baseline.shape[1:] != today.shape[1:]:
        raise ValueError(
            f"F1 scores: found shapes {baseline.shape} and {today.shape}, expected two or more baseline runs and as "
            f"many classes today"
        )
    before = baseline - baseline.mean(axis=1, keepdims=True)
    now = today - today.mean(axis=1, keepdims=True)
    total = before.sum(axis=0)
    others = (total - before) / (n - 1)
    return _root_mean_square(before - others), _root_mean_square(now - total / n)


def _root_mean_square(values: Floats) -> Floats:
    return np.asarray(np.sqrt((values**2).mean(axis=1)), dtype=np.float64)
