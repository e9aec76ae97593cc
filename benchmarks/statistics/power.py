"""What a night can see: the smallest drop that it catches with a stated probability, and the seeds it needs.

Probabilities are those for normal noise of a known standard deviation; levels hold more widely
(`significance`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, special

from benchmarks.statistics import FALSE_ALARM_RATE
from benchmarks.statistics.sequential import FAMILY_SHARES
from benchmarks.statistics.significance import Floats, critical_value, degrees_of_freedom, standard_error_factor

_QUADRATURE_NODES = 128


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at the runs so far: their numbers, and the two-sided level at which a check does not pass."""

    baseline_runs: int
    today_runs: int
    level: float


def miss_probability(drop: float, *, deviation: float, tolerance: float, looks: Sequence[Look]) -> float:
    """Return a bound on the probability that a true drop passes; exact for a single look.

    At a look a check passes unless its effect lies beyond max(tolerance, critical value * s * sqrt(1/n +
    1/k)) on the bad side. With s^2 = deviation^2 * chi2(f) / f independent of the effect, this is the mean
    over s of a normal probability, by Gauss-Legendre quadrature; without a tolerance it is the noncentral t
    distribution. A check slips through several looks at most as often as the sum over the looks.

    Args:
        drop: true change for the worse, as positive number in the metric's unit.
        deviation: standard deviation of one run, above 0, same unit.
        tolerance: change that always passes, same unit.
        looks: all looks of the night.
    """
    return _misses(deviation=deviation, tolerance=tolerance, looks=looks)(drop)


def smallest_drop(*, deviation: float, tolerance: float, looks: Sequence[Look], power: float = 0.95) -> float:
    """Return the smallest drop that is caught with probability `power`, in the metric's unit.

    Arguments as in `miss_probability`. Without any spread it is the tolerance: every larger drop is caught.

    Raises:
        ValueError: `power` is not in (0.5, 1), `deviation` or `tolerance` is negative, or there is no look.
    """
    if not 0.5 < power < 1:
        raise ValueError(f"power {power} must lie between 0.5 and 1")
    if not (deviation >= 0 and tolerance >= 0):
        raise ValueError(f"deviation {deviation} and tolerance {tolerance} must not be negative")
    if not looks:
        raise ValueError("looks is empty: without a look nothing is caught")
    if deviation == 0:
        return tolerance
    # In units of the standard deviation, so that the search does not depend on the metric's.
    least = tolerance / deviation
    missed = _misses(deviation=1, tolerance=least, looks=looks)

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
    """Return the fewest seeds a night that catch `drop` of a headline metric at one look, or None.

    None means that even `at_most` seeds do not do. `deviation`, of one run, is taken for the true one. `drop` is
    a change for the worse, above `tolerance`, all three in the metric's unit; `checks` counts the night's
    headline checks (accuracy and loss) with this one, `secondary_checks` the others. The level is that of Holm's
    first step, the strictest.

    Raises:
        ValueError: a negative deviation, fewer than three baseline runs, a drop within the tolerance, a count
            below 1, or a rate or power out of range.
    """
    if baseline_runs < 3:
        raise ValueError(f"baseline_runs {baseline_runs} must be at least 3")
    if not drop > tolerance >= 0:
        raise ValueError(f"drop {drop} must be above the tolerance {tolerance}: smaller ones always pass")
    if checks < 1 or secondary_checks < 0 or at_most < 1:
        raise ValueError(
            f"checks {checks} and at_most {at_most} must be at least 1, secondary_checks {secondary_checks} at least 0"
        )
    if not 0 < false_alarm_rate < 0.5:
        raise ValueError(f"false_alarm_rate {false_alarm_rate} must lie between 0 and 0.5")
    share = FAMILY_SHARES["headline"] if secondary_checks else 1.0

    def caught(seeds: int) -> bool:
        look = Look(baseline_runs=baseline_runs, today_runs=seeds, level=false_alarm_rate * share / checks)
        return smallest_drop(deviation=deviation, tolerance=tolerance, looks=[look], power=power) <= drop

    if not caught(at_most):
        return None
    # The more seeds, the smaller the drop that is caught.
    return 1 + bisect_left(range(1, at_most), True, key=caught)


def _misses(*, deviation: float, tolerance: float, looks: Sequence[Look]) -> Callable[[float], float]:
    """Return `miss_probability` as a function of the drop, with all that does not depend on it computed once."""
    parts = []
    for look in looks:
        runs = {"baseline_runs": look.baseline_runs, "today_runs": look.today_runs}
        ratio, weight = _spread_quadrature(degrees_of_freedom(**runs))
        error = deviation * standard_error_factor(**runs)
        allowance = np.maximum(tolerance, critical_value(look.level, **runs) * error * ratio)
        parts.append((error, allowance, weight))

    def missed(drop: float) -> float:
        return min(1.0, sum(float(weight @ special.ndtr((allowed - drop) / error)) for error, allowed, weight in parts))

    return missed


@lru_cache(maxsize=256)
def _spread_quadrature(freedom: int) -> tuple[Floats, Floats]:
    """Return nodes and weights for a mean over s / deviation, where s^2 has `freedom` degrees of freedom."""
    node, weight = np.polynomial.legendre.leggauss(_QUADRATURE_NODES)
    ratio = np.sqrt(special.gammaincinv(freedom / 2, (node + 1) / 2) * 2 / freedom)
    return np.asarray(ratio, dtype=np.float64), np.asarray(weight / 2, dtype=np.float64)
