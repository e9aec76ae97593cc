"""Is tonight as good as its baselines say? All experiments at once."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np

from benchmarks.baselines.baseline import Baseline
from benchmarks.baselines.measure import measured_baseline
from benchmarks.statistics.class_pattern import pattern_distances
from benchmarks.statistics.verdict import Check, Looks, Source, Verdict, judge_night
from benchmarks.statistics.word import Word
from cifar_models.results.run import Run

HIGHER_IS_BETTER = {"accuracy": True, "loss": False, "gap": False}
HEADLINE = ("accuracy", "loss")
"""The metrics that a night's sight is stated by; the others share a smaller part of the false-alarm rate."""
CLASSES = "classes"
"""The check of all classes together: whether their F1 scores have the pattern of the baseline's."""
CLASS_METRIC = "F1 of "
"""What the name of a single class's metric begins with in records of old nights; the class follows."""


def checks_of(runs: Sequence[Run], baseline: Baseline) -> list[Check]:
    """Return what an experiment's runs are judged by: the metrics that the baseline has, and the pattern over classes.

    Args:
        runs: tonight's, in the order of training, one or more.
        baseline: one that they may be compared with.

    Raises:
        ValueError: a metric that is no finite number, which must never pass for one.
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
            family="headline" if name in HEADLINE else "secondary",
            per_point={"accuracy": 0.01, "loss": baseline.nats_per_point}.get(name),
        )
        for name, better in HIGHER_IS_BETTER.items()
        if name in baseline.metrics
    ]
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
                family="secondary",
                one_sided=True,
            )
        )
    return checks


def best_sight(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the verdict by which a night sees the smallest drop of accuracy in an experiment, its ``points``.

    It is the accuracy's or the loss's. Each alone would catch its drop, so both together catch the smaller one.

    Returns:
        None if neither states a smallest drop, as for a published baseline.
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
    """Hold all of a night's runs against their baselines, with one false-alarm rate for all that is checked.

    A value that is better than the baseline allows fails too: an accuracy that jumps is as likely a leak as a gift.

    Args:
        runs: by experiment, in the order of training; of each experiment as many as one of the looks says.
        baselines: by experiment, for each of them.
        false_alarm_rate: chance that a night without any change has anything but passes.
        looks: numbers of runs at which to judge, see ``verdict.judge_night``.

    Returns:
        By experiment, a verdict for accuracy, loss, gap and the pattern over classes, in this order.

    Raises:
        ValueError: as ``verdict.judge_night`` and ``checks_of``.
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
    """Return what one side's runs of an experiment are judged by against another's, which grow in number with them.

    At each look, the baseline and the pattern over classes are those of the runs so far: what a look has seen does not
    change later.

    Args:
        a: the runs that stand for the baseline's, in the order of training, as many as one of the looks says.
        b: the runs that stand for today's, likewise.
        looks: numbers of runs of each side at which to judge, the first 3 or more.

    Raises:
        ValueError: as ``measured_baseline`` and ``checks_of``.
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
    """Return the verdicts on runs of an experiment that are, to the last digit, those of the other side: all pass.

    Args:
        runs: of either side, one or more.
    """
    return [
        Verdict(
            experiment=runs[0].experiment,
            metric=metric,
            source="measured",
            family="headline" if metric in HEADLINE else "secondary",
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
