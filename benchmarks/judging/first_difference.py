"""Finds the first epoch from which today's curves stay outside the range of the baseline's curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from statistics import fmean

from cifar_models.results.run import Curves, Run


def first_epoch_apart(baseline: Sequence[Sequence[float]], today: Sequence[Sequence[float]]) -> int | None:
    """Return the first epoch from which the mean of today's curves stays on one side of the baseline's range.

    Only epochs that all runs trained count, because later epochs have a selection of runs after early stopping.

    Args:
        baseline: a curve for each run, with one value an epoch. The range of an epoch is from the lowest to the highest
            value.
        today: a curve for each run.

    Returns:
        The epoch, from 1; None if the mean is within the range in the last epoch, or if there are no runs.
    """
    if not baseline or not today:
        return None
    parted = None
    former = 0
    for epoch in range(min(map(len, [*baseline, *today]))):
        values = [curve[epoch] for curve in baseline]
        mean = fmean(curve[epoch] for curve in today)
        side = (mean > max(values)) - (mean < min(values))
        if side != former:
            parted = epoch + 1 if side else None
        former = side
    return parted


def first_epochs_apart(baseline: Sequence[Run], today: Sequence[Run]) -> dict[str, int | None]:
    """Return ``first_epoch_apart`` for each field of ``Curves``, the earliest first and None last."""
    epochs = {
        kind.name: first_epoch_apart(
            [getattr(run.curves, kind.name) for run in baseline], [getattr(run.curves, kind.name) for run in today]
        )
        for kind in fields(Curves)
    }
    return dict(sorted(epochs.items(), key=lambda item: (item[1] is None, item[1] or 0)))
