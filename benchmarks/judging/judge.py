"""Judges a night's runs against their baselines, all experiments together."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np

from benchmarks.baselines.baseline import Baseline
from benchmarks.baselines.measure import measured_baseline
from benchmarks.statistics.class_pattern import pattern_distances
from benchmarks.statistics.sequential import Family
from benchmarks.statistics.verdict import Check, Looks, Source, Verdict, judge_night
from benchmarks.statistics.word import Word
from cifar_models.results.run import Run

HIGHER_IS_BETTER = {"accuracy": True, "loss": False, "gap": False}
CLASSES = "classes"
"""Name of the check that compares the pattern of F1 scores over classes with the baseline's."""
WORST = "worst run"
"""Name of the check that compares the lowest accuracy of today's runs with the baseline's runs."""
FAMILIES: dict[str, Family] = {
    "accuracy": "headline",
    "loss": "headline",
    "gap": "secondary",
    WORST: "secondary",
    CLASSES: "secondary",
}
"""The checks of an experiment. Those of the headline have most of the false-alarm rate."""
HEADLINE = tuple(name for name, family in FAMILIES.items() if family == "headline")
"""Metrics for which a night states the smallest drop that it detects."""


def checks_of(runs: Sequence[Run], baseline: Baseline) -> list[Check]:
    """Return the checks of an experiment's runs: the baseline's metrics, the worst run, and the pattern over classes.

    Args:
        runs: in the order of training, one or more.
        baseline: a baseline with the same fingerprints.

    Raises:
        ValueError: a metric is not a finite number.
    """
    source: Source = "measured" if baseline.source == "measured" else "published"
    checks = [
        Check(
            experiment=runs[0].experiment,
            metric=name,
            baseline=tuple(baseline.metrics[name].values),
            today=tuple(getattr(run, name) for run in runs),
            tolerance=baseline.metrics[name].tolerance,
            higher_is_better=better,
            source=source,
            family=FAMILIES[name],
            per_point={"accuracy": 0.01, "loss": baseline.nats_per_point}.get(name),
        )
        for name, better in HIGHER_IS_BETTER.items()
        if name in baseline.metrics
    ]
    if source == "measured":
        accuracy = next(check for check in checks if check.metric == "accuracy")
        checks.append(
            replace(accuracy, metric=WORST, family=FAMILIES[WORST], one_sided=True, worst=True, per_point=None)
        )
    if baseline.f1 is not None:
        names = list(baseline.f1.values)
        before, now = pattern_distances(
            np.array([baseline.f1.values[name] for name in names]).T,
            np.array([[run.evaluation.classes[name].f1 for name in names] for run in runs]),
        )
        checks.append(
            Check(
                experiment=runs[0].experiment,
                metric=CLASSES,
                baseline=tuple(before.tolist()),
                today=tuple(now.tolist()),
                tolerance=baseline.f1.tolerance,
                higher_is_better=False,
                source=source,
                family=FAMILIES[CLASSES],
                one_sided=True,
            )
        )
    return checks


def best_sight(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the verdict on accuracy or loss that detects the smallest drop, in points of accuracy.

    None if neither states a smallest drop, as with a published baseline.
    """
    stated = [(verdict.points, verdict) for verdict in verdicts if verdict.metric in HEADLINE]
    known = [(points, verdict) for points, verdict in stated if points is not None]
    return min(known, key=lambda one: one[0])[1] if known else None


def judge(
    runs: Mapping[str, Sequence[Run]],
    baselines: Mapping[str, Baseline],
    *,
    false_alarm_rate: float,
    looks: Looks,
) -> dict[str, list[Verdict]]:
    """Compare all runs of a night with their baselines; return the verdicts of each experiment.

    A value that is better than the baseline allows also fails, because it may come from a leak of evaluation images.

    Args:
        runs: runs by experiment, in the order of training; the number of runs is one of the experiment's looks.
        baselines: baselines by experiment.
        false_alarm_rate: see ``verdict.judge_night``.
        looks: see ``verdict.judge_night``.

    Raises:
        ValueError: see ``verdict.judge_night`` and ``checks_of``.
    """
    checks = [check for name, some in runs.items() for check in checks_of(some, baselines[name])]
    return by_experiment(judge_night(checks, false_alarm_rate=false_alarm_rate, looks=looks))


def by_experiment(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """Return verdicts by the name of their experiment, in their order."""
    found: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault(verdict.experiment, []).append(verdict)
    return found


def checks_of_sides(a: Sequence[Run], b: Sequence[Run], looks: Sequence[int]) -> list[Check]:
    """Return the checks that compare an experiment's runs of two sides.

    The baseline of each look is measured from the runs of A up to this look, so later runs do not change an earlier
    look.

    Args:
        a: runs of the side that serves as the baseline, in the order of training; their number is one of the looks.
        b: runs of the other side, in the order of training; as many.
        looks: numbers of runs of each side at which to judge; the first is 3 or more.

    Raises:
        ValueError: see ``measured_baseline`` and ``checks_of``.
    """
    seen = [
        checks_of(b[:runs], measured_baseline(a[:runs], reason="the other side", day=datetime.date.today()))
        for runs in looks
        if runs <= len(b)
    ]
    return [
        replace(same[-1], grown={len(check.today): (check.baseline, check.today) for check in same})
        for same in zip(*seen, strict=True)
    ]


def identical_verdicts(runs: Sequence[Run]) -> list[Verdict]:
    """Return the verdicts if the runs of two sides are equal to the last digit; all pass.

    Args:
        runs: the runs of either side, one or more.
    """
    return [
        Verdict(
            experiment=runs[0].experiment,
            metric=metric,
            source="measured",
            family=FAMILIES[metric],
            word=Word.PASS,
            rule="identical",
            baseline=fmean(values),
            today=fmean(values),
            effect=0.0,
            allowance=0.0,
            runs=len(runs),
            baseline_values=values,
            today_values=values,
        )
        for metric in HIGHER_IS_BETTER
        for values in [[getattr(run, metric) for run in runs]]
    ]
