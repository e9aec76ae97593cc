"""Judges a night: every metric of every experiment against its baseline, with one false-alarm rate for all.

A check fails if its effect is larger than its tolerance and its p-value is rejected by Holm's method. Both
are one rule with an allowance: Holm's method rejects a check where p is at most the level it ended with,
which is where the effect exceeds critical value * s * sqrt(1/n + 1/k) at that level, so the check fails where
|effect| exceeds the larger one of that and the tolerance. The tolerance enters only after Holm's method and
only ever turns a failure into a pass. So the chance that a night without any change has a failure is at most
the stated rate, and no check's tolerance decides about another check.

A verdict's smallest drop is stated for the level of Holm's first step, the strictest that a check can meet:
it holds however the other checks of the night come out.

`looks` says how undecided checks train further seeds and what that costs, `significance` what noise the
p-values allow for. A published baseline is one value without a spread: its tolerance alone judges it, outside
the false-alarm rate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Literal, get_args

import numpy as np

from benchmarks.statistics import FALSE_ALARM_RATE
from benchmarks.statistics.power import Look, smallest_drop
from benchmarks.statistics.sequential import FAMILY_SHARES, Decisions, Family, decide, make_plan
from benchmarks.statistics.significance import (
    critical_value,
    degrees_of_freedom,
    measure,
    p_values,
    standard_error_factor,
)
from benchmarks.statistics.word import Word

Source = Literal["measured", "published"]
Rule = Literal["tolerance", "t-test", "identical"]
"""What sets an allowance; runs that are identical to the last digit need none."""
Sides = tuple[tuple[float, ...], tuple[float, ...]]
"""The values of the baseline and of today."""
Looks = Sequence[int] | Mapping[str, Sequence[int]]
"""Numbers of runs at which to judge: the same for all experiments, or by experiment."""

LEAST_BASELINE_RUNS = 3

# Allowances are compared with this relative slack: 0.63 - 0.65 is not beyond a tolerance of 0.02.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Check:
    """One metric of one experiment: its baseline runs, today's runs in the order of training, its rules.

    Values and `tolerance` are in the metric's unit (accuracy, gap and F1: fractions, not percentage points; loss:
    nats). Of a check that is `one_sided` a change for the better passes: a distance that is smaller than usual is no
    news, where an accuracy that jumps is as likely a leak as a gift. `per_point` is the change that goes with a
    percentage point of accuracy, above 0; None if not known. Where the baseline grows with today's runs and always has
    as many, `grown` has the values of both sides at each look so far, by the number of runs.

    Raises:
        ValueError: a value is not finite, the tolerance negative, there are no runs today, or the baseline
            has not exactly one value (published) or at least `LEAST_BASELINE_RUNS` (measured).
    """

    experiment: str
    metric: str
    baseline: tuple[float, ...]
    today: tuple[float, ...]
    tolerance: float
    higher_is_better: bool
    source: Source = "measured"
    family: Family = "headline"
    one_sided: bool = False
    per_point: float | None = None
    grown: Mapping[int, Sides] = field(default_factory=dict)

    def sides(self, runs: int) -> Sides:
        """Return the values that a look after so many of today's runs compares."""
        return self.grown[runs] if self.grown else (self.baseline, self.today[:runs])

    def baseline_runs(self, runs: int) -> int:
        """Return how many runs the baseline has at a look after so many of today's runs."""
        return runs if self.grown else len(self.baseline)

    def __post_init__(self) -> None:
        name = f"{self.experiment} {self.metric}"
        if self.source not in get_args(Source):
            raise ValueError(f"{name}: source {self.source!r} must be one of {', '.join(get_args(Source))}")
        if self.family not in FAMILY_SHARES:
            raise ValueError(f"{name}: family {self.family!r} must be one of {', '.join(FAMILY_SHARES)}")
        if not (np.isfinite(self.tolerance) and self.tolerance >= 0):
            raise ValueError(f"{name}: tolerance {self.tolerance} must be finite and not negative")
        for group, values in (("baseline", self.baseline), ("today", self.today)):
            for number, value in enumerate(values, start=1):
                if not np.isfinite(value):
                    raise ValueError(f"{name}: {group} value {value} of run {number} must be finite")
        if not self.today:
            raise ValueError(f"{name}: no runs today; there must be at least one")
        if self.source == "published" and len(self.baseline) != 1:
            raise ValueError(f"{name}: {len(self.baseline)} published values; there must be exactly one")
        if self.source == "measured" and len(self.baseline) < LEAST_BASELINE_RUNS:
            raise ValueError(
                f"{name}: {len(self.baseline)} baseline runs; there must be at least {LEAST_BASELINE_RUNS}"
            )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was found for one check, with the numbers at the look that decided it; also what a night's record holds.

    |effect| within `inner_allowance` passes, beyond `allowance` is a regression or stale, between is
    undecided; with a single look both are equal. The statistical fields are None for a published baseline,
    which is judged by its tolerance alone, outside the false-alarm rate.

    Attributes:
        experiment: as the check's, like `metric`, `source`, `family` and `tolerance`.
        word: the outcome.
        rule: what set `allowance`: the tolerance or the t-test; `identical` where there is nothing to allow for.
        baseline: the mean of the baseline's runs, in the metric's unit, as all other values and allowances.
        today: the mean of those of today's runs that were used.
        effect: `today` less `baseline`; exactly 0 where all values are equal, whatever the means' rounding.
        baseline_values: one for each run; none in a record of format 1.
        today_values: one for each run that was used; none in a record of format 1.
        runs: how many of today's runs were used.
        deviation: pooled standard deviation of one run (n + k - 2 degrees of freedom).
        p_value: two-sided, before Holm's method.
        level: the check's part of the false-alarm rate by Holm's method; `p_value` is held against it.
        smallest_drop: change for the worse that the night catches with the stated power, if `deviation` is
            the true one.
        seeds_wanted: how many runs the next look takes; None if there is none.
        per_point: change of the metric that goes with a percentage point of accuracy; None if not known.
    """

    experiment: str
    metric: str
    source: Source
    family: Family
    word: Word
    rule: Rule
    baseline: float
    today: float
    effect: float
    allowance: float
    runs: int
    tolerance: float | None = None
    inner_allowance: float | None = None
    baseline_values: list[float] = field(default_factory=list)
    today_values: list[float] = field(default_factory=list)
    deviation: float | None = None
    degrees_of_freedom: int | None = None
    p_value: float | None = None
    level: float | None = None
    smallest_drop: float | None = None
    seeds_wanted: int | None = None
    per_point: float | None = None

    @property
    def points(self) -> float | None:
        """`smallest_drop` in percentage points of accuracy; None if not known."""
        if self.smallest_drop is None or self.per_point is None:
            return None
        return self.smallest_drop / self.per_point


def judge_night(
    checks: Sequence[Check],
    *,
    false_alarm_rate: float = FALSE_ALARM_RATE,
    looks: Looks | None = None,
    power: float = 0.95,
) -> list[Verdict]:
    """Judge all checks of one night together, in their order; a pure function of the runs so far.

    Args:
        checks: every check of the night, also those decided before: sharing the rate needs them all.
        false_alarm_rate: chance that a night without any change has anything but passes, over all measured
            checks and looks; in (0, 0.5).
        looks: numbers of today's runs at which to judge, increasing; the last one is the most a night trains.
            Judge after each, then train the experiments with `seeds_wanted` up to it. By experiment where they differ,
            as many looks for each. None: a single look at all runs, which leaves nothing undecided.
        power: probability with which each `smallest_drop` is caught, that is, does not pass.

    Raises:
        ValueError: no checks, one twice, a number of runs that is no look, unequal numbers of looks, or a bad rate,
            look or power.
    """
    if not checks:
        raise ValueError("checks is empty: a night without checks is no pass")
    for name, count in Counter((check.experiment, check.metric) for check in checks).items():
        if count > 1:
            raise ValueError(f"{' '.join(name)}: {count} checks; each metric must have exactly one")
    measured = [check for check in checks if check.source == "measured"]
    verdicts = iter(_judge_measured(measured, false_alarm_rate, looks, power))
    return [next(verdicts) if check.source == "measured" else _judge_published(check) for check in checks]


def _judge_published(check: Check) -> Verdict:
    """Judge by the tolerance alone."""
    effect = float(np.mean(np.sort(check.today))) - check.baseline[0]
    return _verdict(
        check,
        runs=len(check.today),
        word=_side(check, effect) if _beyond(check, effect) else Word.PASS,
        rule="tolerance",
        effect=effect,
        allowance=check.tolerance,
        inner_allowance=check.tolerance,
    )


def _verdict(check: Check, *, runs: int, **found: Any) -> Verdict:
    """Return the verdict of a check by the first of today's runs."""
    before, used = check.sides(runs)
    return Verdict(
        experiment=check.experiment,
        metric=check.metric,
        source=check.source,
        family=check.family,
        tolerance=check.tolerance,
        baseline=fmean(before),
        today=fmean(used),
        baseline_values=list(before),
        today_values=list(used),
        runs=runs,
        per_point=check.per_point,
        **found,
    )


def _judge_measured(
    checks: Sequence[Check], false_alarm_rate: float, looks: Looks | None, power: float
) -> list[Verdict]:
    """Judge the checks that share the false-alarm rate."""
    if not checks:
        return []
    plan = make_plan(
        [check.experiment for check in checks],
        [check.family for check in checks],
        looks=[1] if looks is None else looks,
        false_alarm_rate=false_alarm_rate,
    )
    schedules = [_schedule(check, looks) for check in checks]
    effect = np.full((len(plan.rates), len(checks)), np.nan)
    deviation, p = effect.copy(), effect.copy()
    beyond = np.zeros(effect.shape, dtype=bool)
    for column, (check, schedule) in enumerate(zip(checks, schedules, strict=True)):
        for row, runs in enumerate(schedule):
            if runs <= len(check.today):
                before, after = check.sides(runs)
                found = measure(np.array(before), np.array(after))
                effect[row, column], deviation[row, column] = found
                beyond[row, column] = _beyond(check, float(found[0]))
                p[row, column] = p_values(*found, baseline_runs=len(before), today_runs=runs)
    decisions = decide(p, beyond, plan)
    first_step = plan.first_step_levels()
    verdicts = []
    for column, (check, schedule) in enumerate(zip(checks, schedules, strict=True)):
        row = decisions.look[column]
        runs = schedule[row]
        n = check.baseline_runs(runs)
        s = float(deviation[row, column])
        error = s * standard_error_factor(baseline_runs=n, today_runs=runs)
        level, inner_level = float(decisions.level[column]), float(decisions.inner_level[column])
        critical = critical_value(level, baseline_runs=n, today_runs=runs) * error
        inner_critical = critical_value(inner_level, baseline_runs=n, today_runs=runs) * error
        decided = decisions.passed[column] or decisions.failed[column]
        verdicts.append(
            _verdict(
                check,
                runs=runs,
                word=_word(check, decisions, column, float(effect[row, column])),
                rule="t-test" if critical > check.tolerance else "tolerance",
                effect=float(effect[row, column]),
                allowance=max(check.tolerance, critical),
                inner_allowance=max(check.tolerance, inner_critical),
                deviation=s,
                degrees_of_freedom=degrees_of_freedom(baseline_runs=n, today_runs=runs),
                p_value=float(p[row, column]),
                level=level,
                smallest_drop=smallest_drop(
                    deviation=s,
                    tolerance=check.tolerance,
                    looks=[
                        Look(baseline_runs=check.baseline_runs(k), today_runs=k, level=float(first))
                        for k, first in zip(schedule, first_step[:, column], strict=True)
                    ],
                    power=power,
                ),
                seeds_wanted=None if decided or row == len(schedule) - 1 else schedule[row + 1],
            )
        )
    return verdicts


def _schedule(check: Check, looks: Looks | None) -> tuple[int, ...]:
    """Return the numbers of runs at which a check is judged, having refused a number of runs in between."""
    if looks is None:
        return (len(check.today),)
    if isinstance(looks, Mapping):
        looks = looks[check.experiment]
    if len(check.today) not in looks:
        raise ValueError(
            f"{check.experiment} {check.metric}: {len(check.today)} runs today must be one of the looks {tuple(looks)}"
        )
    return tuple(looks)


def _word(check: Check, decisions: Decisions, column: int, effect: float) -> Word:
    """Return the outcome's word."""
    if decisions.passed[column]:
        return Word.PASS
    return _side(check, effect) if decisions.failed[column] else Word.UNDECIDED


def _side(check: Check, effect: float) -> Word:
    """Return the word for a failure on the effect's side."""
    return Word.STALE if (effect > 0) == check.higher_is_better else Word.REGRESSION


def _beyond(check: Check, effect: float) -> bool:
    """Return whether an effect lies beyond the tolerance, by more than rounding can explain, on a side that counts."""
    counts = not check.one_sided or _side(check, effect) == Word.REGRESSION
    return counts and abs(effect) > check.tolerance * (1 + _ROUNDING)
