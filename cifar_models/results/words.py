"""Formats counts and means in the same way everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev


def count(things: Sequence[object], noun: str) -> str:
    """Return the number of things with the noun, such as ``1 run`` or ``2 runs``."""
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def mean_and_deviation(values: Sequence[float]) -> str:
    """Return the mean, with the standard deviation (``ddof=1``) of two or more values; "" without values."""
    if not values:
        return ""
    return f"{fmean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")
