"""Judges a night: compares each metric of each experiment with its baseline, with one false-alarm rate for all.

A check fails if its effect is larger than its tolerance and Holm's method rejects its p-value. Equivalently, |effect|
exceeds an allowance, the larger of the tolerance and critical value * s * sqrt(1/n + 1/k) at the check's level from
Holm's method. The tolerance is applied after Holm's method and can only turn a failure into a pass. So the probability
that an unchanged night has a failure is at most the stated rate, and no tolerance affects other checks.

A verdict's smallest drop is for the level of Holm's first step, the strictest level, so it holds whatever the results
of the other checks are. ``sequential`` describes how undecided checks train further seeds, and ``significance`` for
what noise the p-values hold. A published baseline is one value without a spread, so only its tolerance judges it,
outside the false-alarm rate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Literal, get_args

import numpy as np

from benchmarks.statistics import FALSE_ALARM_RATE
from benchmarks.statistics.expect import expect
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

_ROUNDING = 1e-9  # relative; without it, 0.63 - 0.65 would be beyond a tolerance of 0.02


@dataclass(frozen=True, kw_only=True)
class Check:
    """One metric of one experiment: the values of the baseline's and today's runs, and how to judge them.

    Values and ``tolerance`` are in the metric's unit: fractions for accuracy, gap and F1, nats for loss. A
    ``one_sided`` check passes any change for the better. A ``worst`` check compares the worst of today's runs instead
    of their mean: a mean does not show one collapsed run, because that run also widens the allowance. ``per_point`` is
    the change of the metric for a percentage point of accuracy, above 0; None if not known. If the baseline grows with
    today's runs and always has as many, ``grown`` has the values of both sides at each look so far, by the number of
    runs.

    Raises:
        ValueError: a value is not finite, the tolerance is negative, there are no runs today, or the baseline does not
            have exactly one value (published) or at least ``LEAST_BASELINE_RUNS`` (measured).
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
    worst: bool = False
    per_point: float | None = None
    grown: Mapping[int, Sides] = field(default_factory=dict)

    def sides(self, runs: int) -> Sides:
        """Return the values that a look after so many of today's runs compares."""
        before, today = self.grown[runs] if self.grown else (self.baseline, self.today[:runs])
        return before, ((min if self.higher_is_better else max)(today),) if self.worst else today

    def look(self, runs: int, level: float) -> Look:
        """Return a look after so many of today's runs; the worst of k runs has a k-th of the level (Bonferroni)."""
        return Look(
            baseline_runs=runs if self.grown else len(self.baseline),
            today_runs=1 if self.worst else runs,
            level=level / self.comparisons(runs),
        )

    def comparisons(self, runs: int) -> int:
        """Return how many comparisons with the baseline a look after so many of today's runs makes."""
        return runs if self.worst else 1

    def __post_init__(self) -> None:
        name = f"{self.experiment} {self.metric}"
        expect(self.source in get_args(Source), f"{name}, source", self.source, f"one of {get_args(Source)}")
        expect(self.family in FAMILY_SHARES, f"{name}, family", self.family, f"one of {tuple(FAMILY_SHARES)}")
        expect(0 <= self.tolerance < np.inf, f"{name}, tolerance", self.tolerance, "a finite number, 0 or more")
        for group, values in (("baseline", self.baseline), ("today", self.today)):
            expect(bool(np.isfinite(values).all()), f"{name}, {group}", values, "finite numbers")
        expect(len(self.today) > 0, f"{name}, runs today", 0, "1 or more")
        n = len(self.baseline)
        if self.source == "published":
            expect(n == 1, f"{name}, published values", n, "1")
        else:
            expect(n >= LEAST_BASELINE_RUNS, f"{name}, baseline runs", n, f"{LEAST_BASELINE_RUNS} or more")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The verdict on one check with the numbers at the look that decided it, also as a night's record stores it.

    An |effect| within ``inner_allowance`` passes, one beyond ``allowance`` is a regression or stale, one between is
    undecided. Fields with the default None are None for a published baseline.

    Attributes:
        rule: what sets ``allowance``; ``identical`` if there is nothing to allow for.
        baseline, today: means over the baseline's runs and over the first ``runs`` runs of today.
        deviation: pooled standard deviation of one run.
        level: the level from Holm's method, with which the two-sided ``p_value`` is compared.
        smallest_drop: the drop that the night detects with probability 0.95, if ``deviation`` is the true one.
        seeds_wanted: the number of runs at the next look; None if the verdict is final.
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
        """``smallest_drop`` in percentage points of accuracy; None if not known."""
        if self.smallest_drop is None or self.per_point is None:
            return None
        return self.smallest_drop / self.per_point


def judge_night(
    checks: Sequence[Check],
    *,
    false_alarm_rate: float = FALSE_ALARM_RATE,
    looks: Looks | None = None,
) -> list[Verdict]:
    """Judge all checks of one night together; return the verdicts in the same order.

    Args:
        checks: all checks of the night, including those decided before, because they share the rate.
        false_alarm_rate: probability that an unchanged night does not pass, over all measured checks and looks.
        looks: increasing numbers of today's runs at which to judge; after each, train up to ``seeds_wanted``. None: a
            single look at all runs, which leaves nothing undecided.

    Raises:
        ValueError: no checks or two of one metric, a number of runs between looks, or a wrong rate or look.
    """
    expect(bool(checks), "checks of a night", list(checks), "one or more")
    for name, count in Counter((check.experiment, check.metric) for check in checks).items():
        expect(count == 1, f"{' '.join(name)}, checks", count, "1")
    measured = [check for check in checks if check.source == "measured"]
    verdicts = iter(_judge_measured(measured, false_alarm_rate, looks))
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
    """Return a verdict that uses the first ``runs`` of today's runs."""
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


def _judge_measured(checks: Sequence[Check], false_alarm_rate: float, looks: Looks | None) -> list[Verdict]:
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
                p_value = p_values(*found, baseline_runs=len(before), today_runs=len(after))
                p[row, column] = min(1.0, float(p_value) * check.comparisons(runs))
    decisions = decide(p, beyond, plan)
    first_step = plan.first_step_levels()
    verdicts = []
    for column, (check, schedule) in enumerate(zip(checks, schedules, strict=True)):
        row = decisions.look[column]
        runs = schedule[row]
        s = float(deviation[row, column])
        level, inner_level = float(decisions.level[column]), float(decisions.inner_level[column])
        critical, inner_critical = (_critical(check.look(runs, one), s) for one in (level, inner_level))
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
                degrees_of_freedom=degrees_of_freedom(**check.look(runs, level).counts),
                p_value=float(p[row, column]),
                level=level,
                smallest_drop=smallest_drop(
                    deviation=s,
                    tolerance=check.tolerance,
                    looks=list(map(check.look, schedule, first_step[:, column].tolist())),
                ),
                seeds_wanted=None if decided or row == len(schedule) - 1 else schedule[row + 1],
            )
        )
    return verdicts


def _critical(look: Look, deviation: float) -> float:
    """Return the effect at which the p-value falls to the look's level."""
    return critical_value(look.level, **look.counts) * deviation * standard_error_factor(**look.counts)


def _schedule(check: Check, looks: Looks | None) -> tuple[int, ...]:
    """Return the numbers of runs at which a check is judged, after checking that today's number is one of them."""
    if looks is None:
        return (len(check.today),)
    if isinstance(looks, Mapping):
        looks = looks[check.experiment]
    runs = len(check.today)
    expect(runs in looks, f"{check.experiment} {check.metric}, runs today", runs, f"one of the looks {tuple(looks)}")
    return tuple(looks)


def _word(check: Check, decisions: Decisions, column: int, effect: float) -> Word:
    if decisions.passed[column]:
        return Word.PASS
    return _side(check, effect) if decisions.failed[column] else Word.UNDECIDED


def _side(check: Check, effect: float) -> Word:
    """Return the word for a failure in the direction of the effect."""
    return Word.STALE if (effect > 0) == check.higher_is_better else Word.REGRESSION


def _beyond(check: Check, effect: float) -> bool:
    """Return whether an effect is beyond the tolerance, in a direction that counts and by more than rounding."""
    counts = not check.one_sided or _side(check, effect) == Word.REGRESSION
    return counts and abs(effect) > check.tolerance * (1 + _ROUNDING)
