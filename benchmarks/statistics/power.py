"""Power of a night: the smallest drop that it detects with a given probability, and the number of seeds it needs.

Probabilities are for normal noise of a known standard deviation; levels hold for more kinds of noise, see
``significance``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, special

from benchmarks.statistics import FALSE_ALARM_RATE
from benchmarks.statistics.expect import expect
from benchmarks.statistics.sequential import FAMILY_SHARES
from benchmarks.statistics.significance import Floats, critical_value, degrees_of_freedom, standard_error_factor

_QUADRATURE_NODES = 128


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at the runs so far: the numbers of runs, and the two-sided level at which a check does not pass."""

    baseline_runs: int
    today_runs: int
    level: float

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of runs, as the functions of ``significance`` take them."""
        return {"baseline_runs": self.baseline_runs, "today_runs": self.today_runs}


def miss_probability(*, deviation: float, tolerance: float, looks: Sequence[Look]) -> Callable[[float], float]:
    """Return a function of a true drop: an upper bound on the probability that it passes, exact for a single look.

    A drop is a change for the worse, as a positive number in the metric's unit.

    At a look a check passes unless its effect is beyond max(tolerance, critical value * s * sqrt(1/n + 1/k)) on the bad
    side. Since s^2 = deviation^2 * chi2(f) / f is independent of the effect, the probability is the mean over s of a
    normal probability, computed by Gauss-Legendre quadrature. For several looks the bound is the sum.

    Args:
        deviation: standard deviation of one run, above 0.
        tolerance: change that always passes.
        looks: all looks of the night.
    """
    parts = []
    for look in looks:
        ratio, weight = _spread_quadrature(degrees_of_freedom(**look.counts))
        error = deviation * standard_error_factor(**look.counts)
        allowance = np.maximum(tolerance, critical_value(look.level, **look.counts) * error * ratio)
        parts.append((error, allowance, weight))

    def missed(drop: float) -> float:
        return min(1.0, sum(float(weight @ special.ndtr((allowed - drop) / error)) for error, allowed, weight in parts))

    return missed


def smallest_drop(*, deviation: float, tolerance: float, looks: Sequence[Look], power: float = 0.95) -> float:
    """Return the smallest drop that is detected with probability ``power``, in the metric's unit.

    The other arguments are as in ``miss_probability``; for a deviation of 0 the result is the tolerance.

    Raises:
        ValueError: ``power`` is not in (0.5, 1), ``deviation`` or ``tolerance`` is negative, or there is no look.
    """
    expect(0.5 < power < 1, "power", power, "above 0.5 and below 1")
    expect(deviation >= 0 and tolerance >= 0, "deviation and tolerance", (deviation, tolerance), "0 or more")
    expect(bool(looks), "looks", looks, "one or more")
    if deviation == 0:
        return tolerance
    # Search in units of the standard deviation, independent of the metric's unit.
    least = tolerance / deviation
    missed = miss_probability(deviation=1, tolerance=least, looks=looks)

    def excess(drop: float) -> float:
        return missed(drop) - (1 - power)

    step = 1.0
    while excess(least + step) > 0:
        step *= 2
    return float(optimize.brentq(excess, least, least + step)) * deviation


def seeds_needed(
    *,
    drop: float,
    deviation: float,
    baseline_runs: int,
    tolerance: float,
    checks: int,
    secondary_checks: int = 0,
    false_alarm_rate: float = FALSE_ALARM_RATE,
    power: float = 0.95,
    at_most: int = 20,
) -> int | None:
    """Return the fewest seeds that detect ``drop`` of a headline metric at one look; None for more than ``at_most``.

    ``drop``, ``deviation`` of one run (taken as the true one) and ``tolerance`` are in the metric's unit. ``checks``
    counts the night's headline checks (accuracy and loss), ``secondary_checks`` the others. The level is that of Holm's
    first step, the strictest.

    Raises:
        ValueError: a negative deviation, fewer than three baseline runs, a drop within the tolerance, a count
            below 1, or a rate or power out of range.
    """
    expect(baseline_runs >= 3, "baseline_runs", baseline_runs, "3 or more")
    expect(drop > tolerance >= 0, "drop", drop, f"more than the tolerance {tolerance}, within which all pass")
    expect(checks >= 1 and secondary_checks >= 0, "checks", (checks, secondary_checks), "1 headline check or more")
    expect(at_most >= 1, "at_most", at_most, "1 or more")
    expect(0 < false_alarm_rate < 0.5, "false_alarm_rate", false_alarm_rate, "above 0 and below 0.5")
    share = FAMILY_SHARES["headline"] if secondary_checks else 1.0

    def caught(seeds: int) -> bool:
        look = Look(baseline_runs=baseline_runs, today_runs=seeds, level=false_alarm_rate * share / checks)
        return smallest_drop(deviation=deviation, tolerance=tolerance, looks=[look], power=power) <= drop

    if not caught(at_most):
        return None
    # More seeds detect smaller drops.
    return 1 + bisect_left(range(1, at_most), True, key=caught)


@lru_cache(maxsize=256)
def _spread_quadrature(freedom: int) -> tuple[Floats, Floats]:
    """Return nodes and weights for a mean over s / deviation, where s^2 has ``freedom`` degrees of freedom."""
    node, weight = np.polynomial.legendre.leggauss(_QUADRATURE_NODES)
    ratio = np.sqrt(special.gammaincinv(freedom / 2, (node + 1) / 2) * 2 / freedom)
    return np.asarray(ratio, dtype=np.float64), np.asarray(weight / 2, dtype=np.float64)
