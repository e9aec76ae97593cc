"""Tests whether two candidates differ, at growing numbers of seeds, with one error rate over all looks.

Runs with the same seed start from the same weights and see the images in the same order, so their results are
correlated: the losses of two protocols can have a correlation of 0.7. From ``PAIRED`` seeds on, a look also does
Wilcoxon's signed-rank test of the differences by seed, and each of the two tests has half of the look's level. This
test is valid for any noise that both sides share. With fewer seeds it cannot be significant.
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
"""Number of runs of each side at the first look; each later look doubles it."""
PAIRED = 12
"""From this number of runs of each side on, runs with the same seed are also compared in pairs."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The difference between two sides at one look.

    Attributes:
        before: mean of the first side, in the metric's unit.
        after: mean of the second side.
        runs: number of runs of each side.
        deviation: pooled standard deviation of one run.
        p_value: two-sided, of all tests at this look together.
        level: the highest p-value that is significant at this look.
    """

    before: float
    after: float
    runs: int
    deviation: float
    p_value: float
    level: float

    @property
    def significant(self) -> bool:
        """Whether the sides differ significantly at this look."""
        return self.p_value <= self.level

    @property
    def smallest(self) -> float:
        """The smallest change that the looks so far find with a probability of at least 95 %.

        A change is missed only if every look misses it, so the test of means at the last look gives a lower bound.
        """
        level = self.level / 2 if self.runs >= PAIRED else self.level
        look = Look(baseline_runs=self.runs, today_runs=self.runs, level=level)
        return smallest_drop(deviation=self.deviation, tolerance=0.0, looks=[look])


def looks_up_to(most: int) -> list[int]:
    """Return the numbers of runs at which to look: ``FIRST_LOOK``, and its doubles up to ``most``."""
    looks = [FIRST_LOOK]
    while looks[-1] * 2 <= most:
        looks.append(looks[-1] * 2)
    return looks


def level_of(look: int, rate: float) -> float:
    """Return a look's part of an error rate.

    The parts are 1/2, 1/6, 1/12 and so on. Their sum over any number of looks is below 1, so a search can continue with
    a larger number of seeds.

    Args:
        look: the number of the look, from 0.
        rate: the error rate of all looks together.
    """
    return rate / ((look + 1) * (look + 2))


@lru_cache(maxsize=256)  # a search repeats the same calls after each step
def difference(before: tuple[float, ...], after: tuple[float, ...], rate: float) -> Difference | None:
    """Return the difference between two sides at the last look with enough runs; None before the first look.

    Args:
        before: the values of the first side's runs, in the order of seeds.
        after: the values of the second side's runs, with the same seeds in the same order.
        rate: probability that sides without a difference are significant at any look.
    """
    if len(before) < FIRST_LOOK:
        return None
    looks = looks_up_to(len(before))
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
