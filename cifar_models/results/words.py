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


def minutes(runs: Sequence[Run]) -> float:
    """Return what a single training takes: the features, which several seeds of a session share, and the mean run."""
    return (max(run.timings.features for run in runs) + fmean(run.timings.training for run in runs)) / 60


def processor_minutes(runs: Sequence[Run]) -> float | None:
    """Return the processor time of a single training with its features: the longest run's; None if not recorded."""
    recorded = [run.timings.processor for run in runs if run.timings.processor is not None]
    return max(recorded) / 60 if recorded else None
