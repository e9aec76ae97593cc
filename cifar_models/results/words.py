"""Numbers in words, the same in every table, figure and sentence."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev


def count(things: Sequence[object], noun: str) -> str:
    """Return how many there are, with the noun in the number that fits."""
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def mean_and_deviation(values: Sequence[float]) -> str:
    """Return the mean of values, with their standard deviation (``ddof=1``) if there are two or more; "" for none."""
    if not values:
        return ""
    return f"{fmean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")
