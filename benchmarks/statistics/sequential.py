"""Looks at a night's runs: how its false-alarm rate is shared out beforehand, what is decided when.

With more than one look, a check that is neither clearly inside nor clearly outside is undecided and is
trained with further seeds. Each look has a fixed part of the false-alarm rate, and Holm's method runs at each
look over all checks: failed ones count as rejected, those that passed keep their weight with a p-value of 1.
If there are false alarms, one look has the first; until then every rejected check has changed, so at that
look Holm's method keeps to its part of the rate, and the parts add up (Bonferroni). That holds for any number
of runs, any dependence and any reason to go on, as long as each look's p-values hold. What passed is final.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.significance import Floats, holm_levels

Family = Literal["headline", "secondary", "per_class"]

# Share of the night's false-alarm rate for each family of checks. A family that a night does not have leaves
# its share to the other. Accuracy and loss are what a night promises to see; the gap and the pattern over
# classes see what those two cannot, which as a rule is large. Nights of old have a family of single classes.
FAMILY_SHARES: dict[Family, float] = {"headline": 0.8, "secondary": 0.2}

# Further seeds that a night without any change trains on average, as a share of the seeds at its first look.
# It sets how often an experiment may go on, and so where "clearly inside" ends.
FURTHER_SEEDS = 0.2
# An experiment goes on at most this often even where further seeds are few.
MOST_CONTINUATIONS = 0.5
# At the last of several looks a check that does not pass is named regression or stale only at this part of
# the look's rate; otherwise it stays undecided. All of it is counted as false alarm.
NAMED_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """Outcome of `decide`, each array of shape (..., checks).

    Failed checks are outside the allowance. Those neither passed nor failed are undecided: for good if `look`
    is the last one of several, else until further runs. `look` counts from 0.
    """

    passed: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    look: NDArray[np.intp]
    level: Floats
    inner_level: Floats


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a night's false-alarm rate is shared out, fixed before any run is looked at.

    Attributes:
        weights: part of the rate of each check in Holm's first step, shape (checks,), with sum 1.
        rates: part of the false-alarm rate of each look.
        open_levels: level at or below which a check before the last look is not clearly inside,
            shape (checks,).
    """

    weights: Floats
    rates: tuple[float, ...]
    open_levels: Floats

    def first_step_levels(self) -> Floats:
        """Return the strictest level at which a check can fail to pass, shape (looks, checks).

        Holm's first step, or `open_levels` where they are larger; whatever else fails, no level is below it.
        """
        levels = np.outer(self.rates, self.weights)
        levels[:-1] = np.maximum(levels[:-1], self.open_levels)
        return levels


def looks_between(least: int, most: int) -> tuple[int, ...]:
    """Return the numbers of runs at which to look: from `least`, doubled each time, to `most`.

    Each look costs part of the false-alarm rate, so one that would come shortly before the last is left out.

    Raises:
        ValueError: `least` is below 1 or above `most`.
    """
    if not 1 <= least <= most:
        raise ValueError(f"seeds from {least} to {most}: the first must be at least 1 and at most the second")
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
    """Share the false-alarm rate out over looks and checks, of which each has an experiment and a family.

    Checks of a family share `FAMILY_SHARES` equally. Look l of L gets l / (1 + ... + L) of the rate: late
    looks, which have the most runs, get most of it. An experiment without any change goes on past the first
    look with probability at most FURTHER_SEEDS * first / (last - first), which its checks share by weight
    (Bonferroni): so it trains on average at most (1 + FURTHER_SEEDS) times the seeds of the first look.

    Experiments may differ in their looks, but not in how many they have: the parts of the rate are those of the looks.

    Raises:
        ValueError: the rate is not in (0, 0.5), the looks are not positive and increasing, or experiments have
            unequal numbers of them.
    """
    if not 0 < false_alarm_rate < 0.5:
        raise ValueError(f"false_alarm_rate {false_alarm_rate} must lie between 0 and 0.5")
    by_experiment = looks if isinstance(looks, Mapping) else dict.fromkeys(experiments, looks)
    for some in by_experiment.values():
        if not some or some[0] < 1 or any(later <= earlier for earlier, later in pairwise(some)):
            raise ValueError(f"looks {tuple(some)} must be positive and increasing numbers of runs")
    counts = {len(by_experiment[experiment]) for experiment in experiments}
    if len(counts) > 1:
        raise ValueError(f"looks: found {sorted(counts)} of them, expected as many for each experiment")
    members = Counter(families)
    weights = np.array([FAMILY_SHARES[family] / members[family] for family in families])
    weights /= weights.sum()
    of_experiment: Counter[str] = Counter()
    for experiment, weight in zip(experiments, weights, strict=True):
        of_experiment[experiment] += weight
    going_on = {name: _going_on(some) for name, some in by_experiment.items()}
    parts = np.arange(1, max(counts, default=1) + 1)
    return Plan(
        weights=weights,
        rates=tuple(float(rate) for rate in false_alarm_rate * parts / parts.sum()),
        open_levels=weights * np.array([going_on[name] / of_experiment[name] for name in experiments]),
    )


def _going_on(looks: Sequence[int]) -> float:
    """Return how often an experiment without any change may go on past its first look."""
    further = looks[-1] - looks[0]
    return min(MOST_CONTINUATIONS, FURTHER_SEEDS * looks[0] / further) if further else 0.0


def decide(p: Floats, beyond: NDArray[np.bool_], plan: Plan) -> Decisions:
    """Judge checks at one look after the other; the module's docstring has the reasoning.

    A check fails where its effect lies beyond the tolerance and its p-value is at most its level from Holm's
    method. It is undecided where the p-value is at most its inner level: before the last look the larger one
    of that level and `plan.open_levels`; at the last of several looks Holm's level at the look's whole rate,
    of which failing takes `NAMED_SHARE`. With a single look the inner level is the level, and nothing is
    undecided.

    Args:
        p: p-values of shape (looks, ..., checks), NaN where a check does not have the runs of that look.
        beyond: whether the effect lies beyond the tolerance, same shape.
        plan: the plan for these looks and checks.
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
