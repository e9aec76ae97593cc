"""Do two candidates differ? A test of their runs at growing numbers of seeds, with one error rate over all looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from benchmarks.statistics.power import Look, smallest_drop
from benchmarks.statistics.significance import measure, p_values

FIRST_LOOK = 3
"""Runs of each side at the first look; each later look has twice as many as the one before."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What two sides differ by at one look.

    Attributes:
        before: mean of the one side, in the metric's unit.
        after: mean of the other.
        runs: of each side.
        deviation: pooled standard deviation of one run.
        p_value: two-sided.
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
        """The smallest change that the looks so far find with a probability of 95 in 100.

        A change is missed only if every look misses it: at most as often as the last one does.
        """
        look = Look(baseline_runs=self.runs, today_runs=self.runs, level=self.level)
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


def difference(before: Sequence[float], after: Sequence[float], rate: float) -> Difference | None:
    """Return what two sides differ by at the last look that both have the runs for; None before the first.

    Args:
        before: a value a run, in the order of seeds.
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
    return Difference(
        before=fmean(before[:runs]),
        after=fmean(after[:runs]),
        runs=runs,
        deviation=float(deviation),
        p_value=float(p_values(effect, deviation, baseline_runs=runs, today_runs=runs)),
        level=level_of(len(looks) - 1, rate),
    )
