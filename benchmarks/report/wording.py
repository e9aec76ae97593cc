"""The sentences on a night's results, which terminal, page, Markdown and failure messages share.

Sentences are ASCII, because pytest escapes the line ends of a message with characters that a console cannot show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import inf
from statistics import fmean

from benchmarks.baselines.baseline import Baseline
from benchmarks.judging.first_difference import first_epochs_apart
from benchmarks.judging.grown_confusion import grown_confusion
from benchmarks.judging.judge import HIGHER_IS_BETTER
from benchmarks.judging.night_results import ExperimentResult
from benchmarks.statistics.verdict import Verdict
from benchmarks.statistics.word import Word
from cifar_models import experiments as table
from cifar_models.results.words import count

SYMBOLS = {
    Word.REGRESSION: "▼",
    Word.NOT_IDENTICAL: "≠",
    Word.STALE: "▲",
    Word.UNDECIDED: "?",
    Word.NOT_JUDGED: "○",
    Word.PASS: "✓",
}
"""A symbol for each word, in addition to its colour."""
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
    Word.REGRESSION: "Training got worse. If this is intended: {}",
    Word.NOT_IDENTICAL: "The code or a library computes other values than before. If this is intended: {}",
    Word.STALE: (
        "Better than the baseline allows: look for a leak of evaluation images or a changed metric first. "
        "If the gain is real: {}"
    ),
    Word.UNDECIDED: (
        "Undecided is neither pass nor fail: train more seeds (--max-seeds), or measure the baseline with more seeds"
    ),
}
_PUBLISHED_ADVICE = "The published numbers stay as they are: find out what differs from the published training."


def answer(experiments: Sequence[ExperimentResult]) -> str:
    """Return one sentence on the night's result, and before it one on repeated runs if any is not identical."""
    differ = any(result.differing for result in experiments)
    return f"{repeated_runs(experiments)} {_result_of(experiments)}" if differ else _result_of(experiments)


def repeated_runs(experiments: Sequence[ExperimentResult]) -> str:
    """Return a sentence on whether runs are identical to the recorded ones that they repeat; empty without any."""
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


def not_trained(experiments: Sequence[ExperimentResult]) -> str:
    """Return which experiments of the table a night did not train, in a sentence; nothing if it trained all."""
    names = {result.experiment.partition("+")[0] for result in experiments}
    others = [name for name in table.EXPERIMENTS if name not in names]
    return f"Not part of this night: {', '.join(others)}." if others else ""


def _result_of(experiments: Sequence[ExperimentResult]) -> str:
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
    """Return the result of an experiment that does not pass, with the worst verdict and the drifts."""
    moved = [shift(verdict)] if (verdict := worst(result)) else []
    moved += [str(drift) for drift in result.drifts if drift.word == result.word]
    said = f"{result.experiment} {_SAID[result.word]}"
    return f"{said} ({', and '.join(moved)})" if moved else said


def worst(result: ExperimentResult) -> Verdict | None:
    """Return the verdict with the result's word on the first metric, or the one farthest out; None if none has it."""
    order = list(HIGHER_IS_BETTER)
    return min(
        (verdict for verdict in result.verdicts if verdict.word == result.word),
        key=lambda verdict: (
            order.index(verdict.metric) if verdict.metric in order else len(order),
            verdict.allowance / abs(verdict.effect) if verdict.effect else inf,
        ),
        default=None,
    )


def shift(verdict: Verdict) -> str:
    """Return a metric's mean today and its distance from the baseline's."""
    if f"{abs(verdict.effect):.4f}" == "0.0000":
        return f"{verdict.metric} {verdict.today:.4f}, as its baseline"
    side = "above" if verdict.effect > 0 else "below"
    return f"{verdict.metric} {verdict.today:.4f}, {abs(verdict.effect):.4f} {side} its baseline"


def held_against(result: ExperimentResult) -> str:
    """Return a sentence on the baseline of an experiment; empty if it was not judged."""
    if result.mark is None:
        return ""
    runs = f" of {count(result.baseline.seeds, 'run')}" if result.baseline and result.baseline.seeds else ""
    mark = result.mark
    return f"Compared with the {mark.source} baseline{runs}, set {mark.recorded}: {mark.reason}."


def identical_runs(result: ExperimentResult) -> str:
    """Return a sentence on an experiment's runs that are identical to recorded ones; empty if none is."""
    seeds = [str(exact.seed) for exact in result.exact if exact.identical]
    if len(seeds) < 2:
        return f"Seed {seeds[0]} repeats a recorded run and is identical, to the last digit." if seeds else ""
    return f"Seeds {_list(seeds)} repeat recorded runs and are identical, to the last digit."


def reasons(result: ExperimentResult) -> list[str]:
    """Return a sentence for each thing that is wrong with an experiment; none if it passes and repeats exactly.

    First the runs that are not identical to recorded ones, which need not fail, then the metrics that drifted or
    failed, by how much, since which epoch, and in which classes.
    """
    found = [f"Seed {exact.seed} repeats a recorded run and {exact}." for exact in result.differing]
    found += [f"{_sentence(str(drift))}: {drift.word}." for drift in result.drifts]
    if not result.verdicts:
        return [*found, f"Not judged: {result.problem}."]
    if not result.failed:
        return found
    found += [f"{_what_moved(verdict)} {_what_is_allowed(verdict, result.baseline)}" for verdict in result.failed]
    if not result.runs:
        return [*found, "The records of tonight's runs are not available."]
    found += _classes_that_moved(result)
    if not result.recorded:
        unknown = "it is not known since which epoch the curves differ and which confusion increased"
        return [*found, f"The records of the baseline's runs are not available, so {unknown}."]
    return [*found, _since_when(result), _confusion_that_grew(result)]


def failure_message(result: ExperimentResult, *, update_command: str) -> str:
    """Return what failed, the reasons and what to do, one line each; empty if the experiment passes.

    ``update_command`` is the command to run if the change is intended.
    """
    if result.word == Word.PASS:
        return ""
    if result.word == Word.NOT_JUDGED and not result.differing:
        return f"{result.experiment}: not judged, {result.problem}"
    failed = [f"seed {exact.seed} is not identical to its recorded run" for exact in result.differing]
    failed += [f"{drift.metric} {_SAID[drift.word]} over {drift.nights} nights" for drift in result.drifts]
    failed += [f"{verdict.metric} {_SAID[verdict.word]}" for verdict in result.failed]
    failed += [] if result.verdicts else ["not judged"]
    dataset = f" on {result.runs[0].dataset}" if result.runs else ""
    title = f"{result.experiment}{dataset}: {'; '.join(failed)}"
    words = {result.word, *(verdict.word for verdict in result.failed), *(drift.word for drift in result.drifts)}
    advice = [said.format(update_command) for word, said in _ADVICE.items() if word in words]
    if result.mark and result.mark.source == "published":
        advice = [_PUBLISHED_ADVICE]
    return "\n  ".join([title, *reasons(result), *advice])


def mean_and_range(values: Sequence[float], digits: int) -> str:
    """Return the mean with the lowest and the highest value; empty without values."""
    if not values:
        return ""
    lowest, mean, highest = (f"{value:,.{digits}f}" for value in (min(values), fmean(values), max(values)))
    return mean if lowest == highest else f"{mean} ({lowest} to {highest})"


def _what_moved(verdict: Verdict) -> str:
    """Return both means and the runs that they come from."""
    theirs = "published, one value" if verdict.source == "published" else _runs(verdict.baseline_values)
    side = "above" if verdict.effect > 0 else "below"
    return (
        f"{_sentence(verdict.metric)} {verdict.today:.4f} ({_runs(verdict.today_values)}) is "
        f"{abs(verdict.effect):.4f} {side} the baseline {verdict.baseline:.4f} ({theirs}): {verdict.word}."
    )


def _what_is_allowed(verdict: Verdict, baseline: Baseline | None) -> str:
    """Return the allowance and how it was set."""
    either_way = " either way" if verdict.metric in HIGHER_IS_BETTER else ""  # other checks are one-sided
    allowed = f"The allowance is {verdict.allowance:.4f}{either_way}"
    if verdict.word == Word.UNDECIDED:
        allowed = f"A change of {verdict.inner_allowance:.4f} passes, one of more than {verdict.allowance:.4f} fails"
    if verdict.rule == "t-test":
        spread = f"runs vary by {verdict.deviation:.4f} (standard deviation)"
        return f"{allowed} by the t-test at the night's false-alarm rate; {spread}."
    metric = (baseline.metrics.get(verdict.metric) or baseline.f1) if baseline else None
    return f"{allowed} by its tolerance{f': {metric.tolerance_reason}' if metric else ''}."


def _classes_that_moved(result: ExperimentResult) -> list[str]:
    """Return a sentence on the classes whose F1 changed most."""
    before = result.baseline.f1.values if result.baseline and result.baseline.f1 else {}
    means = {
        name: (fmean(values), fmean(run.evaluation.classes[name].f1 for run in result.runs))
        for name, values in before.items()
    }
    most = sorted(means, key=lambda name: -abs(means[name][1] - means[name][0]))[:_CLASSES_SHOWN]
    moved = ", ".join(f"{name} {means[name][0]:.4f} to {means[name][1]:.4f}" for name in most)
    return [f"Largest changes of F1: {moved}."] if moved else []


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
        return "No confusion of two classes increased."
    return (
        f"Largest increase of a confusion: {growth.label} taken for {growth.prediction}, {growth.before:.1%} to "
        f"{growth.today:.1%} of its images."
    )


def _runs(values: Sequence[float]) -> str:
    """Return the number of runs of a mean with the lowest and the highest value."""
    if len(values) < 2:
        return count(values, "run")
    return f"mean of {len(values)} runs, {min(values):.4f} to {max(values):.4f}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _list(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
