"""Is tonight as good as its baselines say? All experiments at once, and for a failure what to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.baselines.baselines import Baseline, Metric
from benchmarks.statistics.verdict import Check, Source, Verdict, judge_night
from cifar_models.results.run import Run

HIGHER_IS_BETTER = {"accuracy": True, "gap": False}
CLASS_METRIC = "F1 of "
"""What the name of a class's metric begins with; the class follows."""
_SAID = {"regression": "is a regression", "stale": "makes the baseline stale", "undecided": "is undecided"}
_CLASSES_SHOWN = 3


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
        verdicts[verdict.check.experiment].append(verdict)
    return verdicts


def explain(
    verdicts: Sequence[Verdict],
    runs: Sequence[Run],
    baseline: Baseline,
    *,
    recorded: Sequence[Run],
    false_alarm_rate: float,
    update_command: str,
) -> str:
    """Return for a person what failed of one experiment, by how much, where to look and what to do; else nothing.

    Args:
        verdicts: the experiment's, as ``judge`` returns them.
        runs: tonight's.
        baseline: that they were held against.
        recorded: the baseline's own runs, as far as they are at hand.
        false_alarm_rate: as given to ``judge``.
        update_command: what to run if a change was meant.
    """
    failed = [verdict for verdict in verdicts if verdict.word != "pass"]
    if not failed:
        return ""
    lines: list[str] = []
    for verdict in failed:
        lines.append(f"{verdict.check.experiment} on {runs[0].dataset}: {verdict.check.metric} {_SAID[verdict.word]}")
        lines.append(f"  {_what_moved(verdict)}")
        lines.append(f"  {_what_is_allowed(verdict, baseline, false_alarm_rate)}")
    if baseline.f1 is not None:
        lines.append(f"  {_classes_that_moved(verdicts)}")
    lines.append(f"  {confusion_that_grew(runs, recorded)}")
    words = {verdict.word for verdict in failed}
    if "regression" in words:
        lines.append(f"  Training got worse. If that was meant: {update_command}")
    if "stale" in words:
        lines.append(
            f"  Better than the baseline allows: look for a leak of evaluation images or a changed metric first. "
            f"If the gain is real: {update_command}"
        )
    if "undecided" in words:
        lines.append(
            "  Undecided is neither: train more seeds (--max-seeds), or measure the baseline with more of them"
        )
    return "\n".join(lines)


def _what_moved(verdict: Verdict) -> str:
    """Return both means, how far they are apart, and of how many runs they are."""
    check = verdict.check
    origin = f"mean of {_runs(check.baseline)}" if check.source == "measured" else "published, one value"
    return (
        f"{verdict.today:.4f} (mean of {_runs(verdict.used)}) is {abs(verdict.effect):.4f} "
        f"{'above' if verdict.effect > 0 else 'below'} the baseline {verdict.baseline:.4f} ({origin});"
    )


def _what_is_allowed(verdict: Verdict, baseline: Baseline, false_alarm_rate: float) -> str:
    """Return the allowance and where it comes from."""
    either_way = f"allowed is {verdict.allowance:.4f} either way"
    if verdict.word == "undecided":
        either_way = (
            f"{verdict.inner_allowance:.4f} would pass, more than {verdict.allowance:.4f} would fail, after "
            f"{verdict.runs} runs it is in between"
        )
    if verdict.rule == "tolerance":
        return f"{either_way}: {_tolerance_reason(verdict.check, baseline)}."
    return (
        f"{either_way}: runs vary by {verdict.deviation:.4f} (standard deviation), and a night without change may "
        f"raise a false alarm with probability {false_alarm_rate:g}."
    )


def _tolerance_reason(check: Check, baseline: Baseline) -> str:
    """Return what baselines.json says about the tolerance of a check."""
    if check.family == "per_class":
        assert baseline.f1 is not None  # noqa: S101 - or there would be no such check
        return baseline.f1.tolerance_reason
    metric: Metric = baseline.metrics[check.metric]
    return metric.tolerance_reason


def _classes_that_moved(verdicts: Sequence[Verdict]) -> str:
    """Return the classes whose F1 moved most, of those that failed or else of all."""
    classes = [verdict for verdict in verdicts if verdict.check.family == "per_class"]
    classes = [verdict for verdict in classes if verdict.word != "pass"] or classes
    classes.sort(key=lambda verdict: -abs(verdict.effect))
    moved = ", ".join(
        f"{verdict.check.metric.removeprefix(CLASS_METRIC)} {verdict.baseline:.3f} to {verdict.today:.3f}"
        for verdict in classes[:_CLASSES_SHOWN]
    )
    return f"F1 that moved most: {moved}."


def confusion_that_grew(runs: Sequence[Run], recorded: Sequence[Run]) -> str:
    """Return the confusion of two classes whose share of the true class's images grew most."""
    if not recorded:
        return "Which confusion grew most is not known: the records of the baseline's runs are not at hand."
    names = list(runs[0].evaluation.classes)
    before, today = _confused_shares(recorded), _confused_shares(runs)
    growth = today - before
    np.fill_diagonal(growth, -np.inf)
    label, prediction = np.unravel_index(int(np.argmax(growth)), growth.shape)
    if not growth[label, prediction] > 0:
        return "No confusion of two classes grew."
    return (
        f"Confusion that grew most: {names[label]} taken for {names[prediction]}, {before[label, prediction]:.1%} to "
        f"{today[label, prediction]:.1%} of its images."
    )


def _confused_shares(runs: Sequence[Run]) -> npt.NDArray[np.float64]:
    """Return the share of each label's images that got each prediction, over all runs."""
    counts = np.sum([run.evaluation.confusion for run in runs], axis=0, dtype=np.float64)
    shares: npt.NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def _runs(values: Sequence[float]) -> str:
    if len(values) == 1:
        return "1 run"
    return f"{len(values)} runs, {min(values):.4f} to {max(values):.4f}"
