"""Reports the steps and the answer of a search, as text for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from statistics import fmean

from benchmarks.bisection.decide import METRICS, Answer, Followed, Limits, Word, compare, follow, identical_ends
from benchmarks.bisection.difference import Difference, looks_up_to
from benchmarks.bisection.record import Bisection, Step
from benchmarks.bisection.search import seeds_of_a_turn, turn_level
from benchmarks.report.markdown import as_markdown
from benchmarks.sides.environments import package_differences
from cifar_models.command_line.output import table
from cifar_models.results.words import count

_STEPS = ("candidate", "what", "seeds", "accuracy", "loss", "outcome")
_ENDS = ("experiment", "metric", "seeds", "GOOD", "BAD", "p-value", "catches")


def markdown(bisection: Bisection, limits: Limits, answer: Answer | None, note: str = "") -> str:
    """Return the report of a search as Markdown; without an answer, the search has not ended."""
    title = answer_text(bisection, limits, answer, note) if answer else "The search has not ended."
    parts = [f"# {as_markdown(_subject(bisection))}", as_markdown(title)]
    for heading, headers, rows in _tables(bisection, limits, answer):
        parts += [f"## {heading}", table([[*map(as_markdown, row)] for row in rows], headers, style="pipe")]
    return "\n\n".join(parts) + "\n"


def terminal(bisection: Bisection, limits: Limits, answer: Answer, note: str = "") -> str:
    """Return the report of a search that has ended, with the answer in the last line."""
    parts = [
        f"== {heading} ==\n{table(rows, headers)}" for heading, headers, rows in _tables(bisection, limits, answer)
    ]
    return "\n\n".join([*parts, answer_text(bisection, limits, answer, note)])


def step_text(bisection: Bisection, step: Step) -> str:
    """Return one line about a step."""
    candidate = bisection.settings.candidates[step.candidate]
    what = f"{step.experiment or ''} seed {step.seed}" if step.seed is not None else step.experiment or ""
    if step.kind == "skipped":
        return f"{candidate}: skipped: {step.reason}"
    if step.kind == "first steps":
        return f"{candidate}: {what}: first steps {_alike(bisection, step)}"
    result = step.reason if step.diverged else f"accuracy {step.accuracy:.4f}, loss {step.loss:.4f}"
    judged = "" if step.bad is None else f"; bad with a probability of {_percent(step.bad)}"
    return f"{candidate}: {what}: {result}{judged}"


def answer_text(bisection: Bisection, limits: Limits, answer: Answer, note: str = "") -> str:
    """Return the answer of a search in a few sentences.

    Args:
        bisection: the search.
        limits: the error rate and the number of seeds.
        answer: the answer.
        note: why the search ended early; empty if it did not.
    """
    candidates, noun = bisection.settings.candidates, "version" if bisection.settings.package else "commit"
    sentences = [f"{note}."] if note else []
    followed = answer.followed
    if followed is None:
        return " ".join([*sentences, _no_difference(bisection, limits, answer)])
    metric = f"{followed.metric} of {followed.experiment}"
    if answer.word is Word.BETTER:
        seen = followed.difference
        sentences.append(
            f"BAD is better than GOOD: the {metric} is {seen.before:.4f} for GOOD and {seen.after:.4f} for BAD. "
            f"Nothing was searched, because a search only finds changes for the worse."
        )
        return " ".join(sentences)
    last_good, first_bad = candidates[answer.good], candidates[answer.bad]
    between = answer.bad - answer.good - 1
    where = (
        str(first_bad)
        if not between
        else f"one of the {between + 1} {noun}s after {last_good} up to {first_bad}, of which "
        f"{count(range(between), noun)} cannot be tested,"
    )
    if answer.word is Word.FOUND and (fresh := answer.confirmed):
        sentences.append(
            f"{where} made the {metric} worse: {fresh.before:.4f} before it and {fresh.after:.4f} with it, on "
            f"{fresh.runs} fresh seeds each (p = {fresh.p_value:.2g}). A {noun} that changes nothing is named with a "
            f"probability of at most {_percent(limits.error_rate)}."
        )
        if _data(bisection, answer.good) != _data(bisection, answer.bad):
            sentences.append("The data before and after it differ.")
    else:
        sentences.append(
            f"Undecided: {where} most probably made the {metric} worse, with a probability of "
            f"{_percent(answer.probability or 0.0)}. This is not confirmed. Run the same command to continue; a larger "
            f"--max-seeds or --minutes allows more trainings."
        )
    return " ".join(sentences)


def _no_difference(bisection: Bisection, limits: Limits, answer: Answer) -> str:
    if identical_ends(bisection):
        return "GOOD and BAD give the same numbers, to the last digit, with all seeds. There is nothing to search."
    if answer.word is Word.UNDECIDED:
        return "GOOD and BAD do not differ significantly so far. Run the same command to continue."
    smallest = "; ".join(
        f"{metric} of {experiment}: {seen.smallest:.4f}"
        for experiment, metric, seen in _ends(bisection, limits)
        if metric != "divergence"
    )
    return (
        f"GOOD and BAD do not differ significantly, so nothing was searched. The smallest changes that are "
        f"found with a probability of 95 % are: {smallest}. A larger --max-seeds finds smaller changes."
    )


def _subject(bisection: Bisection) -> str:
    candidates = bisection.settings.candidates
    what = f"{bisection.settings.package} versions" if bisection.settings.package else "Commits"
    return f"{what} from {candidates[0]} (GOOD) to {candidates[-1]} (BAD)"


def _tables(
    bisection: Bisection, limits: Limits, answer: Answer | None
) -> Iterator[tuple[str, Sequence[str], list[Sequence[str]]]]:
    """Yield heading, headers and rows of each table of a report."""
    if ends := _ends(bisection, limits):
        rows: list[Sequence[str]] = [
            (experiment, metric, str(seen.runs), f"{seen.before:.4f}", f"{seen.after:.4f}", f"{seen.p_value:.2g}",
             f"{seen.smallest:.4f}")
            for experiment, metric, seen in ends
        ]  # fmt: skip
        yield "GOOD and BAD", _ENDS, rows
    followed = follow(bisection, limits)
    heading = "Steps"
    if followed and followed.worse:
        level = turn_level(bisection.last + 1, limits.error_rate)
        seen = followed.difference
        seeds = seeds_of_a_turn(seen.after - seen.before, seen.deviation, seen.runs, level)
        heading = (
            f"Steps, by the {followed.metric} of {followed.experiment}; about {count(range(seeds), 'training')} "
            f"for each candidate, with an error probability of at most {_percent(level)}"
        )
    yield heading, _STEPS, list(_rows(bisection, limits, followed, answer))
    if answer and (packages := _packages(bisection, answer)):
        good, bad = (str(bisection.settings.candidates[number]) for number in (answer.good, answer.bad))
        yield "Packages that differ", ("package", good, bad), packages


def _ends(bisection: Bisection, limits: Limits) -> list[tuple[str, str, Difference]]:
    """Return the differences between GOOD and BAD at the last look, with experiment and metric."""
    followed = follow(bisection, limits)
    most = followed.difference.runs if followed else looks_up_to(limits.max_seeds)[-1]
    rate = limits.error_rate / len(METRICS) / len(bisection.settings.experiments)
    found = []
    for experiment in bisection.settings.experiments:
        for metric in METRICS:
            seen = compare(bisection, experiment, metric, (0, bisection.last), range(most), rate)
            if seen and (metric != "divergence" or seen.before or seen.after):
                found.append((experiment, metric, seen))
    return found


def _rows(
    bisection: Bisection, limits: Limits, followed: Followed | None, answer: Answer | None
) -> Iterator[Sequence[str]]:
    """Yield a row for each candidate in consecutive steps with one purpose: the ends, a turn or a confirmation."""
    level = turn_level(bisection.last + 1, limits.error_rate)

    def purpose(step: Step) -> tuple[object, ...]:
        end = step.candidate in (0, bisection.last) and step.confirmation is None
        return step.kind, step.confirmation, None if end or step.confirmation else step.candidate

    for _, group in groupby(bisection.steps, purpose):
        steps = list(group)
        for candidate, experiment in dict.fromkeys((step.candidate, step.experiment) for step in steps):
            own = [step for step in steps if (step.candidate, step.experiment) == (candidate, experiment)]
            yield (
                str(bisection.settings.candidates[candidate]),
                " ".join(filter(None, (experiment, own[0].kind))),
                _seeds(own),
                _mean(own, lambda step: step.accuracy),
                _mean(own, lambda step: step.loss),
                _outcome(bisection, own[-1], level, followed, answer),
            )


def _outcome(bisection: Bisection, step: Step, level: float, followed: Followed | None, answer: Answer | None) -> str:
    if step.kind == "skipped":
        return f"skipped: {step.reason}"
    if step.kind == "first steps":
        return _alike(bisection, step)
    if step.confirmation is not None:
        pair = bisection.confirmations[step.confirmation - 1]
        side = "with it" if step.candidate == pair.bad else "before it"
        if answer is None:
            return f"fresh seeds {side}"
        if (answer.good, answer.bad) != (pair.good, pair.bad):
            return f"fresh seeds {side}: contradicted, the search steps back"
        return f"fresh seeds {side}: {'confirmed' if answer.word is Word.FOUND else 'not confirmed'}"
    if step.candidate in (0, bisection.last):
        return "BAD" if step.candidate else "GOOD"
    if step.diverged and followed and followed.metric != "divergence":
        return f"skipped: {step.reason}"
    if step.bad is None or level < step.bad < 1 - level:
        return f"open, bad with a probability of {_percent(step.bad or 0.0)}"
    return f"bad, {_percent(step.bad)}" if step.bad > 0.5 else f"good, {_percent(1 - step.bad)}"


def _alike(bisection: Bisection, step: Step) -> str:
    """Return which earlier first steps these are identical to."""
    if step.reason:
        return f"were not trained: {step.reason}"
    for other in bisection.steps:
        if other is step:
            break
        if other.kind == step.kind and (other.experiment, other.identity) == (step.experiment, step.identity):
            same = {0: "GOOD", bisection.last: "BAD"}.get(other.candidate)
            return f"identical to those of {same or bisection.settings.candidates[other.candidate]}"
    return "differ from all earlier ones"


def _packages(bisection: Bisection, answer: Answer) -> list[Sequence[str]]:
    names = [bisection.settings.candidates[number].name for number in (answer.good, answer.bad)]
    before, after = (bisection.packages.get(name, {}) for name in names)
    if not before or not after or answer.followed is None:
        return []
    return [(name, a or "none", b or "none") for name, a, b in package_differences(before, after)]


def _data(bisection: Bisection, candidate: int) -> set[str]:
    return {
        step.data for step in bisection.steps if step.candidate == candidate and step.accuracy is not None and step.data
    }


def _seeds(steps: Sequence[Step]) -> str:
    seeds = [step.seed for step in steps if step.seed is not None]
    if len(seeds) < 2 or len(set(seeds)) == 1:
        return str(seeds[0]) if seeds else ""
    whole = sorted(seeds) == list(range(min(seeds), max(seeds) + 1))
    return f"{min(seeds)} to {max(seeds)}" if whole else ", ".join(map(str, seeds))


def _mean(steps: Sequence[Step], value: Callable[[Step], float | None]) -> str:
    values = [found for step in steps if (found := value(step)) is not None]
    return f"{fmean(values):.4f}" if values else ""


def _percent(probability: float) -> str:
    if probability > 0.999:
        return "more than 99.9 %"
    return "less than 0.1 %" if probability < 0.001 else f"{100 * probability:.3g} %"
