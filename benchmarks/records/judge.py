"""Is tonight as good as its baselines say? All experiments at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from benchmarks.baselines.baseline import Baseline
from benchmarks.statistics.class_pattern import pattern_distances
from benchmarks.statistics.verdict import Check, Looks, Source, Verdict, judge_night
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
    verdicts: dict[str, list[Verdict]] = {name: [] for name in runs}
    for verdict in judge_night(checks, false_alarm_rate=false_alarm_rate, looks=looks):
        verdicts[verdict.experiment].append(verdict)
    return verdicts
