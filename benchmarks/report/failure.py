"""What a person is told of an experiment that fails: what moved, by how much, where to look and what to do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.baselines.baselines import Baseline, Metric
from benchmarks.records.judge import CLASS_METRIC
from benchmarks.records.night_results import ExperimentResult
from benchmarks.statistics.verdict import Verdict
from benchmarks.statistics.word import Word
from cifar_models.results.run import Run

_SAID = {
    Word.REGRESSION: "is a regression",
    Word.STALE: "makes the baseline stale",
    Word.UNDECIDED: "is undecided",
}
_CLASSES_SHOWN = 3


def explain(result: ExperimentResult, *, false_alarm_rate: float, update_command: str) -> str:
    """Return what failed of one experiment, by how much, where to look and what to do; nothing if nothing failed.

    Args:
        result: the experiment's, judged, with its baseline.
        false_alarm_rate: the night's.
        update_command: what to run if a change was meant.
    """
    failed, runs, baseline = result.failed, result.runs, result.baseline
    if not failed:
        return ""
    assert baseline is not None  # noqa: S101 - or nothing would have been judged
    lines: list[str] = []
    for verdict in failed:
        lines.append(f"{verdict.experiment} on {runs[0].dataset}: {verdict.metric} {_SAID[verdict.word]}")
        lines.append(f"  {_what_moved(verdict)}")
        lines.append(f"  {_what_is_allowed(verdict, baseline, false_alarm_rate)}")
    if baseline.f1 is not None:
        lines.append(f"  {_classes_that_moved(result.verdicts)}")
    lines.append(f"  {confusion_that_grew(runs, result.recorded)}")
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
    origin = f"mean of {_runs(verdict.baseline_values)}" if verdict.source == "measured" else "published, one value"
    return (
        f"{verdict.today:.4f} (mean of {_runs(verdict.today_values)}) is {abs(verdict.effect):.4f} "
        f"{'above' if verdict.effect > 0 else 'below'} the baseline {verdict.baseline:.4f} ({origin});"
    )


def _what_is_allowed(verdict: Verdict, baseline: Baseline, false_alarm_rate: float) -> str:
    """Return the allowance and where it comes from."""
    either_way = f"allowed is {verdict.allowance:.4f} either way"
    if verdict.word == Word.UNDECIDED:
        either_way = (
            f"{verdict.inner_allowance:.4f} would pass, more than {verdict.allowance:.4f} would fail, after "
            f"{verdict.runs} runs it is in between"
        )
    if verdict.rule == "tolerance":
        return f"{either_way}: {_tolerance_reason(verdict, baseline)}."
    return (
        f"{either_way}: runs vary by {verdict.deviation:.4f} (standard deviation), and a night without change may "
        f"raise a false alarm with probability {false_alarm_rate:g}."
    )


def _tolerance_reason(verdict: Verdict, baseline: Baseline) -> str:
    """Return what baselines.json says about the tolerance of a check."""
    if verdict.family == "per_class":
        assert baseline.f1 is not None  # noqa: S101 - or there would be no such check
        return baseline.f1.tolerance_reason
    metric: Metric = baseline.metrics[verdict.metric]
    return metric.tolerance_reason


def _classes_that_moved(verdicts: Sequence[Verdict]) -> str:
    """Return the classes whose F1 moved most, of those that failed or else of all."""
    classes = [verdict for verdict in verdicts if verdict.family == "per_class"]
    classes = [verdict for verdict in classes if verdict.word != Word.PASS] or classes
    classes.sort(key=lambda verdict: -abs(verdict.effect))
    moved = ", ".join(
        f"{verdict.metric.removeprefix(CLASS_METRIC)} {verdict.baseline:.3f} to {verdict.today:.3f}"
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
