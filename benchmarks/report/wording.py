"""What a night came to, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from benchmarks.records.findings import Finding
from benchmarks.records.first_difference import parting_epochs
from benchmarks.records.judge import CLASS_METRIC, HIGHER_IS_BETTER, confusion_that_grew
from benchmarks.records.night_folder import VerdictRecord

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


def answer(experiments: Sequence[Finding]) -> str:
    """Return what the night came to, in a sentence."""
    words = Counter(finding.word for finding in experiments)
    total, passed = len(experiments), words["pass"]
    if not total:
        return "The night trained nothing."
    if passed == total:
        return f"{experiments[0].experiment} passes." if total == 1 else f"All {total} experiments pass."
    if words["not judged"] == total:
        return "Nothing was judged."
    parts = [
        f"{finding.experiment} {_SAID[finding.word]} ({shift(worst(finding))})"
        for finding in experiments
        if finding.word in _SAID
    ]
    unjudged = [finding.experiment for finding in experiments if finding.word == "not judged"]
    if unjudged:
        parts.append(f"{_list(unjudged)} {'was' if len(unjudged) == 1 else 'were'} not judged")
    rest = {0: "none passes", 1: "the other passes"}.get(passed, f"the other {passed} pass")
    if total == 1:
        return f"{parts[0]}."
    need = "needs" if total - passed == 1 else "need"
    return f"{total - passed} of {total} experiments {need} a look: {'; '.join(parts)}; {rest}."


def worst(finding: Finding) -> VerdictRecord:
    """Return the verdict that a finding is named after: of accuracy, gap and classes the first, then the farthest out.

    Raises:
        ValueError: it has no verdict.
    """
    named = [verdict for verdict in finding.verdicts if verdict.word == finding.word]
    if not named:
        raise ValueError(f"{finding.experiment}: found no verdict, expected one or more")
    order = list(HIGHER_IS_BETTER)
    return min(
        named,
        key=lambda verdict: (
            order.index(verdict.metric) if verdict.metric in order else len(order),
            -abs(verdict.today - verdict.baseline) / verdict.allowance,
        ),
    )


def shift(verdict: VerdictRecord) -> str:
    """Return a metric's mean today and how far it lies from the baseline's."""
    difference = verdict.today - verdict.baseline
    if f"{abs(difference):.4f}" == "0.0000":
        return f"{verdict.metric} {verdict.today:.4f}, as its baseline"
    side = "above" if difference > 0 else "below"
    return f"{verdict.metric} {verdict.today:.4f}, {abs(difference):.4f} {side} its baseline"


def summary(finding: Finding) -> str:
    """Return what became of one experiment, in a sentence."""
    if finding.word == "not judged":
        return f"Not judged: {finding.problem}."
    verdict = worst(finding) if finding.word != "pass" else finding.verdict("accuracy") or finding.verdicts[0]
    where = {"pass": "inside", "undecided": "at the edge of"}.get(finding.word, "outside")
    return f"{_sentence(shift(verdict))}: {where} the ±{verdict.allowance:.4f} that its {verdict.rule} allows."


def reasons(finding: Finding) -> list[str]:
    """Return what moved, since when, and where: a sentence each."""
    classes = [verdict for verdict in finding.failed if verdict.metric.startswith(CLASS_METRIC)]
    found = [
        f"{_sentence(shift(verdict))}: {verdict.word}, ±{verdict.allowance:.4f} is allowed."
        for verdict in finding.failed
        if verdict not in classes
    ]
    if classes:
        classes.sort(key=lambda verdict: -abs(verdict.today - verdict.baseline))
        moved = [
            f"{verdict.metric.removeprefix(CLASS_METRIC)} {verdict.baseline:.4f} to {verdict.today:.4f}"
            for verdict in classes[:_CLASSES_SHOWN]
        ]
        found.append(f"F1 of {len(classes)} class{'es' * (len(classes) > 1)} out of bounds, most: {', '.join(moved)}.")
    if not finding.recorded:
        return [
            *found,
            "The records of the baseline's runs are not at hand: since when the curves part is not known.",
        ]
    parted: dict[int, list[str]] = {}
    for name, epoch in parting_epochs(finding.recorded, finding.runs).items():
        if epoch is not None:
            parted.setdefault(epoch, []).append(CURVES[name])
    if parted:
        listed = "; ".join(f"since epoch {epoch} of {_list(names)}" for epoch, names in parted.items())
        found.append(
            f"The curves part at epoch {min(parted)}: the mean lies outside the range of the baseline's runs {listed}."
        )
    else:
        found.append("The mean curves end inside the range of the baseline's runs.")
    return [*found, confusion_that_grew(finding.runs, finding.recorded)]


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
