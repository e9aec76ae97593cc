"""The words for what a night came to: terminal, page, Markdown and failure messages all take them from here.

Sentences are ASCII unless they quote something else, because pytest escapes the line ends of a message that a console
cannot show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from benchmarks.baselines.baseline import Baseline
from benchmarks.records.first_difference import first_epochs_apart
from benchmarks.records.grown_confusion import grown_confusion
from benchmarks.records.judge import HIGHER_IS_BETTER
from benchmarks.records.night_results import ExperimentResult
from benchmarks.statistics.verdict import Verdict
from benchmarks.statistics.word import Word
from cifar_models.results.words import count

SYMBOLS = {
    Word.REGRESSION: "▼",
    Word.NOT_IDENTICAL: "≠",
    Word.STALE: "▲",
    Word.UNDECIDED: "?",
    Word.NOT_JUDGED: "○",
    Word.PASS: "✓",
}
"""By verdict: a sign that says the same as its colour."""
NOT_RECORDED, NOT_AVAILABLE = "not recorded", "not available"
_CURVES = {
    "loss": "train loss",
    "accuracy": "train accuracy",
    "val_loss": "validation loss",
    "val_accuracy": "validation accuracy",
}
_CLASSES_SHOWN = 3
_REPEATS_SHOWN = 3
_SAID = {
    Word.REGRESSION: "is a regression",
    Word.NOT_IDENTICAL: "has a run that is not identical, which --exact does not allow",
    Word.STALE: "makes the baseline stale",
    Word.UNDECIDED: "is undecided",
}
_ADVICE = {
    Word.REGRESSION: "Training got worse. If that was meant: {}",
    Word.NOT_IDENTICAL: "The code or a library computes something else than before. If that was meant: {}",
    Word.STALE: (
        "Better than the baseline allows: look for a leak of evaluation images or a changed metric first. "
        "If the gain is real: {}"
    ),
    Word.UNDECIDED: "Undecided is neither: train more seeds (--max-seeds), or measure the baseline with more of them",
}
_PUBLISHED_ADVICE = "The published numbers stay as they are: find out what differs from the published training."


def answer(experiments: Sequence[ExperimentResult]) -> str:
    """Return what the night came to, in a sentence; before it, if a repeated run is not identical, one on that."""
    differ = any(result.differing for result in experiments)
    return f"{repeated_runs(experiments)} {_came_to(experiments)}" if differ else _came_to(experiments)


def repeated_runs(experiments: Sequence[ExperimentResult]) -> str:
    """Return whether the runs that repeat recorded ones are identical to them, in a sentence; nothing without any."""
    repeated = [exact for result in experiments for exact in result.exact]
    differing = [exact for result in experiments for exact in result.differing]
    if not repeated:
        return ""
    if not differing:
        is_identical = (
            "is identical to its recorded run" if len(repeated) == 1 else "are identical to the recorded runs"
        )
        return f"{count(repeated, 'repeated run')} {is_identical}, to the last digit."
    shown = [f"{exact.experiment} seed {exact.seed}, {exact.since}" for exact in differing[:_REPEATS_SHOWN]]
    more = [f"{len(differing) - len(shown)} more"] if len(differing) > len(shown) else []
    is_not = "is not identical to its recorded run" if len(differing) == 1 else "are not identical to the recorded runs"
    return f"{len(differing)} of {count(repeated, 'repeated run')} {is_not}: {'; '.join([*shown, *more])}."


def _came_to(experiments: Sequence[ExperimentResult]) -> str:
    words = Counter(result.word for result in experiments)
    total, passed = len(experiments), words[Word.PASS]
    if not total:
        return "The night trained nothing."
    if passed == total:
        return f"{experiments[0].experiment} passes." if total == 1 else f"All {total} experiments pass."
    if words[Word.NOT_JUDGED] == total:
        return "Nothing was judged."
    parts = [_finding(result) for result in experiments if result.word in _SAID]
    unjudged = [result.experiment for result in experiments if result.word == Word.NOT_JUDGED]
    if unjudged:
        parts.append(f"{_list(unjudged)} {'was' if len(unjudged) == 1 else 'were'} not judged")
    if total == 1:
        return f"{parts[0]}."
    rest = {0: "none passes", 1: "the other passes"}.get(passed, f"the other {passed} pass")
    need = "needs" if total - passed == 1 else "need"
    return f"{total - passed} of {total} experiments {need} a look: {'; '.join(parts)}; {rest}."


def _finding(result: ExperimentResult) -> str:
    """Return what an experiment comes to that does not pass, and by what: the worst verdict, the drifts, or both."""
    moved = [shift(worst(result))] if any(verdict.word == result.word for verdict in result.verdicts) else []
    moved += [str(drift) for drift in result.drifts if drift.word == result.word]
    said = f"{result.experiment} {_SAID[result.word]}"
    return f"{said} ({', and '.join(moved)})" if moved else said


def worst(result: ExperimentResult) -> Verdict:
    """Return the verdict that a result is named after: that of the first headline metric, else the farthest class's.

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
            -abs(verdict.effect) / verdict.allowance,
        ),
    )


def shift(verdict: Verdict) -> str:
    """Return a metric's mean today and how far it lies from the baseline's."""
    if f"{abs(verdict.effect):.4f}" == "0.0000":
        return f"{verdict.metric} {verdict.today:.4f}, as its baseline"
    side = "above" if verdict.effect > 0 else "below"
    return f"{verdict.metric} {verdict.today:.4f}, {abs(verdict.effect):.4f} {side} its baseline"


def held_against(result: ExperimentResult) -> str:
    """Return which baseline an experiment was compared with, in a sentence; nothing if it was not judged."""
    if result.mark is None:
        return ""
    runs = f" of {count(result.baseline.seeds, 'run')}" if result.baseline and result.baseline.seeds else ""
    mark = result.mark
    return f"Compared with the {mark.source} baseline{runs}, set {mark.recorded}: {mark.reason}."


def identical_runs(result: ExperimentResult) -> str:
    """Return which of an experiment's runs repeat recorded ones to the last digit, in a sentence; nothing if none."""
    seeds = [str(exact.seed) for exact in result.exact if exact.identical]
    if len(seeds) < 2:
        return f"Seed {seeds[0]} repeats a recorded run and is identical, to the last digit." if seeds else ""
    return f"Seeds {_list(seeds)} repeat recorded runs and are identical, to the last digit."


def reasons(result: ExperimentResult) -> list[str]:
    """Return what is wrong with an experiment, a sentence each.

    First the runs that are not identical to recorded ones, which need not fail. Then why it fails: the metrics that
    drifted or moved, by how much, since which epoch, and where.

    Returns:
        Nothing if it passes and every repeated run is identical.
    """
    found = [f"Seed {exact.seed} repeats a recorded run and {exact}." for exact in result.differing]
    found += [f"{_sentence(str(drift))}: {drift.word}." for drift in result.drifts]
    if not result.verdicts:
        return [*found, f"Not judged: {result.problem}."]
    if not result.failed:
        return found
    found += [
        f"{_what_moved(verdict)} {_what_is_allowed(verdict, result.baseline)}"
        for verdict in result.failed
        if verdict.family != "per_class"
    ]
    found += _classes_that_moved(result)
    if not result.recorded:
        unknown = "since which epoch the curves differ, and which confusion grew, is not known"
        return [*found, f"The records of the baseline's runs are not available: {unknown}."]
    return [*found, _since_when(result), _confusion_that_grew(result)]


def failure_message(result: ExperimentResult, *, update_command: str) -> str:
    """Return what failed of one experiment, the reasons and what to do, a line each; nothing if it passes.

    Args:
        result: the experiment's.
        update_command: what to run if a change was meant.
    """
    if result.word == Word.PASS:
        return ""
    if result.word == Word.NOT_JUDGED and not result.differing:
        return f"{result.experiment}: not judged, {result.problem}"
    failed = [f"seed {exact.seed} is not identical to its recorded run" for exact in result.differing]
    failed += [f"{drift.metric} {_SAID[drift.word]} over {drift.nights} nights" for drift in result.drifts]
    failed += [f"{verdict.metric} {_SAID[verdict.word]}" for verdict in result.failed]
    failed += [] if result.verdicts else ["not judged"]
    title = f"{result.experiment} on {result.runs[0].dataset}: {'; '.join(failed)}"
    words = {result.word, *(verdict.word for verdict in result.failed), *(drift.word for drift in result.drifts)}
    advice = [said.format(update_command) for word, said in _ADVICE.items() if word in words]
    if result.mark and result.mark.source == "published":
        advice = [_PUBLISHED_ADVICE]
    return "\n  ".join([title, *reasons(result), *advice])


def mean_and_range(values: Sequence[float], digits: int) -> str:
    """Return the mean of some runs' values with the lowest and highest; a single value alone, nothing for none."""
    if not values:
        return ""
    lowest, mean, highest = (f"{value:,.{digits}f}" for value in (min(values), fmean(values), max(values)))
    return mean if lowest == highest else f"{mean} ({lowest} to {highest})"


def _what_moved(verdict: Verdict) -> str:
    """Return both means, and of which runs they are."""
    theirs = "published, one value" if verdict.source == "published" else _runs(verdict.baseline_values)
    today = _runs(verdict.today_values) or f"mean of {verdict.runs} runs"
    side = "above" if verdict.effect > 0 else "below"
    return (
        f"{_sentence(verdict.metric)} {verdict.today:.4f} ({today}) is {abs(verdict.effect):.4f} {side} the baseline "
        f"{verdict.baseline:.4f}{f' ({theirs})' if theirs else ''}: {verdict.word}."
    )


def _what_is_allowed(verdict: Verdict, baseline: Baseline | None) -> str:
    """Return the allowance and where it comes from."""
    allowed = f"Allowed is {verdict.allowance:.4f} either way"
    if verdict.word == Word.UNDECIDED and verdict.inner_allowance is not None:
        allowed = f"A change of {verdict.inner_allowance:.4f} passes, one of more than {verdict.allowance:.4f} fails"
    if verdict.rule == "t-test":
        spread = "" if verdict.deviation is None else f", as runs vary by {verdict.deviation:.4f} (standard deviation)"
        return f"{allowed} by the t-test at the night's false-alarm rate{spread}."
    metric = (baseline.metrics.get(verdict.metric) or baseline.f1) if baseline else None
    return f"{allowed} by its tolerance{f': {metric.tolerance_reason}' if metric else ''}."


def _classes_that_moved(result: ExperimentResult) -> list[str]:
    """Return the classes whose F1 moved most from the baseline's, if it has any."""
    before = result.baseline.f1.values if result.baseline and result.baseline.f1 else {}
    means = {
        name: (fmean(values), fmean(run.evaluation.classes[name].f1 for run in result.runs))
        for name, values in before.items()
    }
    most = sorted(means, key=lambda name: -abs(means[name][1] - means[name][0]))[:_CLASSES_SHOWN]
    moved = ", ".join(f"{name} {means[name][0]:.4f} to {means[name][1]:.4f}" for name in most)
    return [f"F1 that moved most: {moved}."] if moved else []


def _since_when(result: ExperimentResult) -> str:
    since: dict[int, list[str]] = {}
    for name, epoch in first_epochs_apart(result.recorded, result.runs).items():
        if epoch is not None:
            since.setdefault(epoch, []).append(_CURVES[name])
    if not since:
        return "The mean curves end inside the range of the baseline's runs."
    listed = "; ".join(f"since epoch {epoch} in {_list(names)}" for epoch, names in since.items())
    return f"The mean curves lie outside the range of the baseline's runs {listed}."


def _confusion_that_grew(result: ExperimentResult) -> str:
    growth = grown_confusion(result.runs, result.recorded)
    if growth is None:
        return "No confusion of two classes grew."
    return (
        f"Confusion that grew most: {growth.label} taken for {growth.prediction}, {growth.before:.1%} to "
        f"{growth.today:.1%} of its images."
    )


def _runs(values: Sequence[float]) -> str:
    """Return of how many runs a mean is, with the lowest and highest; nothing if the values are not recorded."""
    if len(values) < 2:
        return count(values, "run") if values else ""
    return f"mean of {len(values)} runs, {min(values):.4f} to {max(values):.4f}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _list(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
