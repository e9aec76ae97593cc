"""How far one further value can be from the mean of the values so far."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from scipy.special import stdtrit

CONFIDENCE = 0.99
"""For one accuracy, gap or loss."""


def prediction_half_width(values: Sequence[float], confidence: float = CONFIDENCE) -> float:
    """Return the largest distance of one further value from the mean, with a probability.

    This is the half width of Student's prediction interval for normal values, t s sqrt(1 + 1/n) with n - 1 degrees of
    freedom and ``ddof=1`` (Hahn and Meeker 1991, section 4.7).

    Args:
        values: two or more.
        confidence: the probability, above 0 and below 1.

    Raises:
        statistics.StatisticsError: fewer than two values.
    """
    n = len(values)
    quantile = float(stdtrit(n - 1, 1 - (1 - confidence) / 2))
    return quantile * statistics.stdev(values) * math.sqrt(1 + 1 / n)
