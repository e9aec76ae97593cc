"""Sequential testing: divides a night's false-alarm rate among looks and checks, and decides checks at each look.

With more than one look, a check that is neither clearly inside nor clearly outside its allowance is undecided, and its
experiment trains further seeds. Each look has a fixed part of the false-alarm rate and applies Holm's method to all
checks: failed checks count as rejected, and checks that passed keep their weight with a p-value of 1. At the look with
the first false alarm, all checks rejected before have really changed, so Holm's method keeps to the look's part of the
rate, and the parts add up (Bonferroni). This holds for any numbers of runs, any dependence and any reason to continue,
if each look's p-values are valid. A check that passed stays passed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.expect import expect
from benchmarks.statistics.significance import Floats, holm_levels

Family = Literal["headline", "secondary"]

# Each family's share of the night's false-alarm rate; without one family the other has all of it. The headline metrics,
# accuracy and loss, detect the smallest drops. The gap, the worst run and the pattern over classes detect other,
# usually large, ones.
FAMILY_SHARES: dict[Family, float] = {"headline": 0.8, "secondary": 0.2}

# Average number of further seeds in a night without any change, as a share of the seeds at the first look. This limits
# how often an experiment continues, and so sets where "clearly inside" ends.
FURTHER_SEEDS = 0.2
# Highest probability of continuing, for experiments with few further seeds.
MOST_CONTINUATIONS = 0.5
# At the last of several looks, a check is called regression or stale at this share of the look's rate; at the whole
# rate it stays undecided. Both count as false alarms.
NAMED_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """Result of ``decide``, each array of shape (..., checks).

    Checks that neither passed nor failed are undecided: finally if ``look``, counted from 0, is the last of several
    looks, otherwise until further runs.
    """

    passed: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    look: NDArray[np.intp]
    level: Floats
    inner_level: Floats


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The division of a night's false-alarm rate, fixed before the runs are known.

    Attributes:
        weights: each check's share of the rate in Holm's first step, shape (checks,), with sum 1.
        rates: each look's part of the false-alarm rate.
        open_levels: levels at or below which a check before the last look is not clearly inside, shape (checks,).
    """

    weights: Floats
    rates: tuple[float, ...]
    open_levels: Floats

    def first_step_levels(self) -> Floats:
        """Return the strictest levels at which checks do not pass, shape (looks, checks).

        These are the levels of Holm's first step, or ``open_levels`` if larger. Other checks can only raise them.
        """
        levels = np.outer(self.rates, self.weights)
        levels[:-1] = np.maximum(levels[:-1], self.open_levels)
        return levels


def looks_between(least: int, most: int) -> tuple[int, ...]:
    """Return the numbers of runs at which to look: ``least``, doubled each time, and ``most``.

    A look shortly before the last is left out, because each look costs part of the false-alarm rate.

    Raises:
        ValueError: ``least`` is below 1 or above ``most``.
    """
    expect(1 <= least <= most, "least and most seeds", (least, most), "1 or more, in increasing order")
    if least == most:
        return (least,)
    looks = [least]
    while looks[-1] * 3 <= most:
        looks.append(looks[-1] * 2)
    return (*looks, most)


def make_plan(
    experiments: Sequence[str],
    families: Sequence[Family],
    *,
    looks: Sequence[int] | Mapping[str, Sequence[int]],
    false_alarm_rate: float,
) -> Plan:
    """Divide the false-alarm rate among looks and checks; each check has an experiment and a family.

    The checks of a family have equal parts of ``FAMILY_SHARES``. Look l of L has l / (1 + ... + L) of the rate, so that
    late looks, which have the most runs, have most of it. An unchanged experiment continues after the first look with
    probability at most FURTHER_SEEDS * first / (last - first), which its checks share by weight (Bonferroni). So it
    trains on average at most (1 + FURTHER_SEEDS) times the seeds of the first look.

    Raises:
        ValueError: the rate is not in (0, 0.5), looks are not positive and increasing, or experiments have unequal
            numbers of looks.
    """
    expect(0 < false_alarm_rate < 0.5, "false_alarm_rate", false_alarm_rate, "above 0 and below 0.5")
    by_experiment = looks if isinstance(looks, Mapping) else dict.fromkeys(experiments, looks)
    for some in by_experiment.values():
        increasing = bool(some) and some[0] > 0 and all(earlier < later for earlier, later in pairwise(some))
        expect(increasing, "looks", tuple(some), "positive and increasing numbers of runs")
    counts = {len(by_experiment[experiment]) for experiment in experiments}
    expect(len(counts) == 1, "numbers of looks", sorted(counts), "the same for each experiment")
    members = Counter(families)
    weights = np.array([FAMILY_SHARES[family] / members[family] for family in families])
    weights /= weights.sum()
    of_experiment: Counter[str] = Counter()
    for experiment, weight in zip(experiments, weights, strict=True):
        of_experiment[experiment] += weight
    going_on = {name: _going_on(some) for name, some in by_experiment.items()}
    parts = np.arange(1, max(counts) + 1)
    return Plan(
        weights=weights,
        rates=tuple(float(rate) for rate in false_alarm_rate * parts / parts.sum()),
        open_levels=weights * np.array([going_on[name] / of_experiment[name] for name in experiments]),
    )


def _going_on(looks: Sequence[int]) -> float:
    """Return the highest probability that an unchanged experiment continues after its first look."""
    further = looks[-1] - looks[0]
    return min(MOST_CONTINUATIONS, FURTHER_SEEDS * looks[0] / further) if further else 0.0


def decide(p: Floats, beyond: NDArray[np.bool_], plan: Plan) -> Decisions:
    """Decide checks at each look in turn.

    A check fails if its effect is beyond the tolerance and its p-value is at most its level from Holm's method. It is
    undecided if the p-value is at most its inner level: before the last look the larger of that level and
    ``plan.open_levels``, and at the last of several looks Holm's level at the look's whole rate. With a single look
    both levels are equal, and no check is undecided.

    Args:
        p: p-values of shape (looks, ..., checks), NaN for checks without runs for a look.
        beyond: whether the effect is beyond the tolerance, same shape.
        plan: for these looks and checks.
    """
    passed = np.zeros(p.shape[1:], dtype=bool)
    failed = np.zeros_like(passed)
    look = np.zeros(p.shape[1:], dtype=np.intp)
    level, inner_level = np.zeros(p.shape[1:]), np.zeros(p.shape[1:])
    several = len(plan.rates) > 1
    for index, rate in enumerate(plan.rates):
        last = index == len(plan.rates) - 1
        here = ~passed & ~failed & ~np.isnan(p[index])
        seen = np.where(failed, 0.0, np.where(here, p[index], 1.0))
        outer = holm_levels(seen, plan.weights, rate * NAMED_SHARE if last and several else rate)
        if last:
            inner = holm_levels(seen, plan.weights, rate) if several else outer
        else:
            inner = np.maximum(outer, plan.open_levels)
        look[here], level[here], inner_level[here] = index, outer[here], inner[here]
        failed |= here & beyond[index] & (seen <= outer)
        passed |= here & ~(beyond[index] & (seen <= inner))
    return Decisions(passed=passed, failed=failed, look=look, level=level, inner_level=inner_level)
