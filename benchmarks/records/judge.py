"""Is tonight as good as its baselines say? All experiments at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.baselines.baselines import Baseline
from benchmarks.statistics.verdict import Check, Source, Verdict, judge_night
from cifar_models.results.run import Run

HIGHER_IS_BETTER = {"accuracy": True, "gap": False}
CLASS_METRIC = "F1 of "
"""What the name of a class's metric begins with; the class follows."""


def checks_of(runs: Sequence[Run], baseline: Baseline) -> list[Check]:
    """Return what an experiment's runs are judged by: accuracy, gap, and the F1 of each class that has a baseline.

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
            baseline=tuple(metric.values),
            today=tuple(getattr(run, name) for run in runs),
            tolerance=metric.tolerance,
            higher_is_better=HIGHER_IS_BETTER[name],
            source=source,
        )
        for name, metric in sorted(baseline.metrics.items())
    ]
    if baseline.f1 is not None:
        checks += [
            Check(
                experiment=runs[0].experiment,
                metric=f"{CLASS_METRIC}{name}",
                baseline=tuple(values),
                today=tuple(run.evaluation.classes[name].f1 for run in runs),
                tolerance=baseline.f1.tolerance,
                higher_is_better=True,
                source=source,
                family="per_class",
            )
            for name, values in baseline.f1.values.items()
        ]
    return checks


def judge(
    runs: Mapping[str, Sequence[Run]],
    baselines: Mapping[str, Baseline],
    *,
    false_alarm_rate: float,
    looks: Sequence[int],
) -> dict[str, list[Verdict]]:
    """Hold all of a night's runs against their baselines, with one false-alarm rate for all that is checked.

    A value that is better than the baseline allows fails too: an accuracy that jumps is as likely a leak as a gift.

    Args:
        runs: by experiment, in the order of training; of each experiment as many as one of the looks says.
        baselines: by experiment, for each of them.
        false_alarm_rate: chance that a night without any change has anything but passes.
        looks: numbers of runs at which to judge, see ``verdict.judge_night``.

    Returns:
        By experiment, a verdict for accuracy, gap and each class's F1, in this order.

    Raises:
        ValueError: as ``verdict.judge_night`` and ``checks_of``.
    """
    checks = [check for name, some in runs.items() for check in checks_of(some, baselines[name])]
    verdicts: dict[str, list[Verdict]] = {name: [] for name in runs}
    for verdict in judge_night(checks, false_alarm_rate=false_alarm_rate, looks=looks):
        verdicts[verdict.experiment].append(verdict)
    return verdicts
