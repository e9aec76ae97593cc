"""Formats counts and means in the same way everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

from cifar_models.results.run import Run


def count(things: Sequence[object], noun: str) -> str:
    """Return the number of things with the noun, such as ``1 run`` or ``2 runs``."""
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def mean_and_deviation(values: Sequence[float]) -> str:
    """Return the mean, with the standard deviation (``ddof=1``) of two or more values; "" without values."""
    if not values:
        return ""
    return f"{fmean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")


def optimism(runs: Sequence[Run], held_out: Sequence[Run]) -> str:
    """Return how far the accuracy that early stopping chose on the evaluation images lies above the honest one.

    Args:
        runs: whose early stopping watched the evaluation images.
        held_out: whose early stopping watched held-out training images.

    Returns:
        The difference of the means, with its sign; "" where one of the two has no run.
    """
    if not runs or not held_out:
        return ""
    return f"{fmean(run.accuracy for run in runs) - fmean(run.accuracy for run in held_out):+.4f}"


def with_features(runs: Sequence[Run]) -> list[Run]:
    """Return the runs of one experiment that computed their frozen part's features; all if it has no backbone.

    Seeds of one session share features, so the first run's time is that of a single training. In records of older
    versions, the others have a second or two instead of 0.
    """
    longest = max((run.timings.features for run in runs), default=0.0)
    return [run for run in runs if not run.protocol.get("backbone") or run.timings.features > longest / 2]


def minutes(runs: Sequence[Run]) -> float | None:
    """Return the mean minutes of a single training with its features; None if no run computed them."""
    found = with_features(runs)
    if not found:
        return None
    return (fmean(run.timings.features for run in found) + fmean(run.timings.training for run in runs)) / 60


def processor_minutes(runs: Sequence[Run]) -> float | None:
    """Return the mean processor minutes of a single training with its features; None if no such run recorded them."""
    recorded = [run.timings.processor for run in with_features(runs) if run.timings.processor is not None]
    return fmean(recorded) / 60 if recorded else None
