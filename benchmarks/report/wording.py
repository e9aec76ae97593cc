"""What a night came to, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from benchmarks.records.first_difference import first_epochs_apart
from benchmarks.records.judge import CLASS_METRIC, HIGHER_IS_BETTER
from benchmarks.records.night_results import ExperimentResult
from benchmarks.report.failure import confusion_that_grew
from benchmarks.statistics.verdict import Verdict
from benchmarks.statistics.word import Word

SYMBOLS = {"regression": "▼", "stale": "▲", "undecided": "?", "not judged": "○", "pass": "✓"}
"""By verdict: what says the same as its colour."""
CURVES = {
    "loss": "train loss",
    "accuracy": "train accuracy",
    "val_loss": "validation loss",
    "val_accuracy": "validation accuracy",
}
"""What a run's curves are called."""
_CLASSES_SHOWN = 3
_SAID = {"regression": "is a regression", "stale": "makes its baseline stale", "undecided": "is undecided"}


def answer(experiments: Sequence[ExperimentResult]) -> str:
    """Return what the night came to, in a sentence."""
    words = Counter(result.word for result in experiments)
    total, passed = len(experiments), words[Word.PASS]
    if not total:
        return "The night trained nothing."
    if passed == total:
        return f"{experiments[0].experiment} passes." if total == 1 else f"All {total} experiments pass."
    if words[Word.NOT_JUDGED] == total:
        return "Nothing was judged."
    parts = [
        f"{result.experiment} {_SAID[result.word]} ({shift(worst(result))})"
        for result in experiments
        if result.word in _SAID
    ]
    unjudged = [result.experiment for result in experiments if result.word == "not judged"]
    if unjudged:
        parts.append(f"{_list(unjudged)} {'was' if len(unjudged) == 1 else 'were'} not judged")
    rest = {0: "none passes", 1: "the other passes"}.get(passed, f"the other {passed} pass")
    if total == 1:
        return f"{parts[0]}."
    need = "needs" if total - passed == 1 else "need"
    return f"{total - passed} of {total} experiments {need} a look: {'; '.join(parts)}; {rest}."


def worst(result: ExperimentResult) -> Verdict:
    """Return the verdict that a result is named after: of accuracy, gap and classes the first, then the farthest out.

    Raises:
        ValueError: it has no verdict.
    """
    named = [verdict for verdict in result.verdicts if verdict.word == result.word]
    if not named:
        raise ValueError(f"{result.experiment}: found no verdict, expected one or more")
    order = list(HIGHER_IS_BETTER)
    return min(
        named,
        key=lambda verdict: (
            order.index(verdict.metric) if verdict.metric in order else len(order),
            -abs(verdict.today - verdict.baseline) / verdict.allowance,
        ),
    )


def shift(verdict: Verdict) -> str:
    """Return a metric's mean today and how far it lies from the baseline's."""
    difference = verdict.today - verdict.baseline
    if f"{abs(difference):.4f}" == "0.0000":
        return f"{verdict.metric} {verdict.today:.4f}, as its baseline"
    side = "above" if difference > 0 else "below"
    return f"{verdict.metric} {verdict.today:.4f}, {abs(difference):.4f} {side} its baseline"


def summary(result: ExperimentResult) -> str:
    """Return what became of one experiment, in a sentence."""
    if result.word == "not judged":
        return f"Not judged: {result.problem}."
    verdict = worst(result) if result.word != "pass" else result.verdict("accuracy") or result.verdicts[0]
    where = {"pass": "inside", "undecided": "at the edge of"}.get(result.word, "outside")
    return f"{_sentence(shift(verdict))}: {where} the ±{verdict.allowance:.4f} that its {verdict.rule} allows."


def reasons(result: ExperimentResult) -> list[str]:
    """Return what moved, since when, and where: a sentence each."""
    classes = [verdict for verdict in result.failed if verdict.metric.startswith(CLASS_METRIC)]
    found = [
        f"{_sentence(shift(verdict))}: {verdict.word}, ±{verdict.allowance:.4f} is allowed."
        for verdict in result.failed
        if verdict not in classes
    ]
    if classes:
        classes.sort(key=lambda verdict: -abs(verdict.today - verdict.baseline))
        moved = [
            f"{verdict.metric.removeprefix(CLASS_METRIC)} {verdict.baseline:.4f} to {verdict.today:.4f}"
            for verdict in classes[:_CLASSES_SHOWN]
        ]
        found.append(f"F1 of {len(classes)} class{'es' * (len(classes) > 1)} out of bounds, most: {', '.join(moved)}.")
    if not result.recorded:
        return [
            *found,
            "The records of the baseline's runs are not at hand: since when the curves part is not known.",
        ]
    parted: dict[int, list[str]] = {}
    for name, epoch in first_epochs_apart(result.recorded, result.runs).items():
        if epoch is not None:
            parted.setdefault(epoch, []).append(CURVES[name])
    if parted:
        listed = "; ".join(f"since epoch {epoch} of {_list(names)}" for epoch, names in parted.items())
        found.append(
            f"The curves part at epoch {min(parted)}: the mean lies outside the range of the baseline's runs {listed}."
        )
    else:
        found.append("The mean curves end inside the range of the baseline's runs.")
    return [*found, confusion_that_grew(result.runs, result.recorded)]


def mean_and_range(values: Sequence[float], digits: int) -> str:
    """Return the mean of some runs' values with the lowest and highest; a single value alone, nothing for none."""
    if not values:
        return ""
    lowest, mean, highest = (f"{value:,.{digits}f}" for value in (min(values), fmean(values), max(values)))
    return mean if lowest == highest else f"{mean} ({lowest} to {highest})"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _list(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
