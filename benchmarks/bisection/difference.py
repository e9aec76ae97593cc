"""Do two candidates differ? A test of their runs at growing numbers of seeds, with one error rate over all looks.

Runs with the same seed start from the same weights and see the images in the same order, so they come out alike: the
losses of two protocols can have a correlation of 0.7. From ``PAIRED`` seeds on, Wilcoxon's signed-rank test of the
differences by seed is done beside the test of the means, and each has half of the look's level. It holds for any noise
that both sides share; with fewer seeds it cannot be significant.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean

import numpy as np
from scipy import stats

from benchmarks.statistics.power import Look, smallest_drop
from benchmarks.statistics.significance import measure, p_values

FIRST_LOOK = 3
"""Runs of each side at the first look; each later look has twice as many as the one before."""
PAIRED = 12
"""Runs of each side from which on those with the same seed are compared with each other too."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What two sides differ by at one look.

    Attributes:
        before: mean of the one side, in the metric's unit.
        after: mean of the other.
        runs: of each side.
        deviation: pooled standard deviation of one run.
        p_value: two-sided, of the better one of the tests.
        level: at which the look is significant.
    """

    before: float
    after: float
    runs: int
    deviation: float
    p_value: float
    level: float

    @property
    def significant(self) -> bool:
        """Whether the sides differ, at this look."""
        return self.p_value <= self.level

    @property
    def smallest(self) -> float:
        """The smallest change that the looks so far find with a probability of at least 95 in 100.

        A change is missed only if every look misses it: at most as often as the last one's test of the means does.
        """
        level = self.level / 2 if self.runs >= PAIRED else self.level
        look = Look(baseline_runs=self.runs, today_runs=self.runs, level=level)
        return smallest_drop(deviation=self.deviation, tolerance=0.0, looks=[look])


def looks_up_to(most: int) -> list[int]:
    """Return the numbers of runs at which to look, ``FIRST_LOOK`` and its doubles up to ``most``."""
    looks = [FIRST_LOOK]
    while looks[-1] * 2 <= most:
        looks.append(looks[-1] * 2)
    return looks


def level_of(look: int, rate: float) -> float:
    """Return a look's part of an error rate.

    The parts are 1/2, 1/6, 1/12 and so on, whose sum over any number of looks is below 1. So a search may go on with
    more seeds than it began with.

    Args:
        look: from 0.
        rate: of all looks together.
    """
    return rate / ((look + 1) * (look + 2))


@lru_cache(maxsize=256)  # a search asks the same after each step
def difference(before: tuple[float, ...], after: tuple[float, ...], rate: float) -> Difference | None:
    """Return what two sides differ by at the last look that both have the runs for; None before the first.

    Args:
        before: a value a run, in the order of seeds, which are those of both sides.
        after: likewise.
        rate: the probability that sides without a difference are significant at any look.
    """
    looks = [look for look in looks_up_to(max(FIRST_LOOK, len(before), len(after))) if look <= len(before)]
    looks = [look for look in looks if look <= len(after)]
    if not looks:
        return None
    runs = looks[-1]
    one, other = np.array(before[:runs]), np.array(after[:runs])
    effect, deviation = measure(one, other)
    p_value = float(p_values(effect, deviation, baseline_runs=runs, today_runs=runs))
    if runs >= PAIRED and np.any(one != other):
        p_value = min(1.0, 2 * min(p_value, float(stats.wilcoxon(one, other, method="exact").pvalue)))
    return Difference(
        before=fmean(before[:runs]),
        after=fmean(after[:runs]),
        runs=runs,
        deviation=float(deviation),
        p_value=p_value,
        level=level_of(len(looks) - 1, rate),
    )
