"""Decides the next step, or the answer, from the steps so far."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from benchmarks.bisection.difference import FIRST_LOOK, Difference, difference, looks_up_to
from benchmarks.bisection.record import Bisection, Confirmation, Step
from benchmarks.bisection.search import (
    Known,
    change_probabilities,
    first_steps_say_something,
    most_probable,
    next_candidate,
    turn_level,
)
from benchmarks.statistics.significance import Floats

METRICS = {"accuracy": True, "loss": False, "divergence": False}
"""Whether more is better, by metric. Divergence is 1 for a training whose loss turned NaN or infinite, otherwise 0."""
_FIRST_SHARE = 0.8
"""The first confirmation's share of the error rate; each later one has this share of the rest."""


class Word(StrEnum):
    """The result of a search."""

    FOUND = "found"
    UNDECIDED = "undecided"
    NO_DIFFERENCE = "no difference"
    BETTER = "better"


@dataclass(frozen=True)
class Limits:
    """The error rate and the number of seeds of a search.

    Attributes:
        error_rate: probability of naming a candidate with which nothing changed.
        max_seeds: highest number of trainings of a candidate; GOOD, BAD and each side of a confirmation have it too.
    """

    error_rate: float
    max_seeds: int


@dataclass(frozen=True)
class Followed:
    """The metric that a search follows, and its difference between GOOD and BAD."""

    experiment: str
    metric: str
    difference: Difference

    @property
    def worse(self) -> bool:
        """Whether BAD is worse than GOOD."""
        return (self.difference.after < self.difference.before) == METRICS[self.metric]


@dataclass(frozen=True)
class Action:
    """A step to take: a whole training, or the first steps of one."""

    candidate: int
    experiment: str
    seed: int
    first_steps: bool = False
    confirmation: int | None = None


@dataclass(frozen=True)
class Answer:
    """The answer of a search.

    Attributes:
        word: the result.
        followed: the metric that the search followed; None if GOOD and BAD do not differ.
        good: the number of the last good candidate.
        bad: the number of the first bad candidate; candidates between the two cannot be tested.
        probability: probability that the change is between the two.
        confirmed: the difference on fresh seeds that confirmed the answer; None if it is not confirmed.
    """

    word: Word
    followed: Followed | None = None
    good: int = 0
    bad: int = 0
    probability: float | None = None
    confirmed: Difference | None = None


def next_action(bisection: Bisection, limits: Limits, skipped: Collection[int] = ()) -> Action | Answer | Confirmation:
    """Return the next step, the answer, or a confirmation to start.

    Args:
        bisection: the steps so far.
        limits: the error rate and the number of seeds.
        skipped: the candidates that cannot be tested.
    """
    followed = follow(bisection, limits)
    if followed is None:
        return _train_the_ends(bisection, limits) or Answer(Word.NO_DIFFERENCE)
    if not followed.worse:
        return Answer(Word.BETTER, followed)
    for candidate, count in ((0, 2), (bisection.last, 1)):
        if len(_first_steps(bisection, followed.experiment, candidate)) < count:  # two, to see if they repeat
            return Action(candidate, followed.experiment, 0, first_steps=True)
    known = known_of(bisection, followed)
    able = able_candidates(bisection, followed, skipped)
    probabilities = change_probabilities(known, bisection.last + 1)
    good, bad, probability = most_probable(probabilities, able)
    level = turn_level(bisection.last + 1, limits.error_rate)
    turn = next_candidate(probabilities, known, able, level=level, most_seeds=limits.max_seeds)
    begun = any((each.good, each.bad) == (good, bad) for each in bisection.confirmations)
    if probability >= 1 - limits.error_rate or (probability >= 0.5 and (begun or turn is None)):
        confirming = _confirm(bisection, limits, followed, good, bad)
        if isinstance(confirming, Answer):
            return replace(confirming, probability=probability)
        if confirming is not None:
            return confirming
    if turn is None:
        return Answer(Word.UNDECIDED, followed, good, bad, probability)
    if first_steps_say_something(known, turn):
        return Action(turn, followed.experiment, 0, first_steps=True)
    runs = known[turn].runs if turn in known else {}
    return Action(turn, followed.experiment, _unused(runs))


def follow(bisection: Bisection, limits: Limits) -> Followed | None:
    """Return the metric with the smallest p-value at the first look with a significant one; None if there is none.

    A metric in which BAD is worse comes first. All metrics of all experiments share the error rate equally.
    """
    pairs = [(experiment, metric) for experiment in bisection.settings.experiments for metric in METRICS]
    for look in looks_up_to(limits.max_seeds):
        found = []
        for experiment, metric in pairs:
            ends, rate = (0, bisection.last), limits.error_rate / len(pairs)
            seen = compare(bisection, experiment, metric, ends, range(look), rate)
            if seen and seen.runs == look and seen.significant:
                found.append(Followed(experiment, metric, seen))
        if found:
            return min(found, key=lambda one: (not one.worse, one.difference.p_value))
    return None


def known_of(bisection: Bisection, followed: Followed) -> dict[int, Known]:
    """Return what is known of each candidate, with the metric that the search follows."""
    known: dict[int, Known] = {}
    repeated = _first_steps(bisection, followed.experiment, 0)
    for step in bisection.steps:
        if step.experiment != followed.experiment or step.seed is None:
            continue
        if step.kind == "first steps" and len(set(repeated)) == 1:
            known.setdefault(step.candidate, Known()).first_steps = step.identity
        elif step.kind == "training" and (value := _value(step, followed.metric)) is not None:
            runs = known.setdefault(step.candidate, Known()).runs
            runs[step.seed] = (step.identity or f"{step.candidate} {step.seed}", value)
    return known


def able_candidates(bisection: Bisection, followed: Followed, skipped: Collection[int]) -> list[int]:
    """Return the candidates that can be tested: not skipped, and each training has the followed metric."""
    without = {
        step.candidate
        for step in bisection.steps
        if step.kind == "training" and step.experiment == followed.experiment and _value(step, followed.metric) is None
    }
    unable = {*skipped, *without} - {0, bisection.last}
    return [number for number in range(bisection.last + 1) if number not in unable]


def bad_probabilities(bisection: Bisection, followed: Followed) -> Floats:
    """Return for each candidate the probability that it is bad."""
    return change_probabilities(known_of(bisection, followed), bisection.last + 1).cumsum()


def identical_ends(bisection: Bisection) -> bool:
    """Return whether GOOD and BAD give the same numbers to the last digit, with ``FIRST_LOOK`` seeds or more."""
    runs: list[dict[tuple[str | None, int | None], str | None]] = [{}, {}]
    for step in bisection.steps:
        if step.kind == "training" and step.candidate in (0, bisection.last):
            runs[step.candidate > 0][step.experiment, step.seed] = step.identity
    wanted = {(experiment, seed) for experiment in bisection.settings.experiments for seed in range(FIRST_LOOK)}
    return runs[0] == runs[1] and runs[0].keys() >= wanted and None not in runs[0].values()


def _train_the_ends(bisection: Bisection, limits: Limits) -> Action | None:
    """Return the next training of GOOD or BAD; None if both have all their seeds, or are identical."""
    if identical_ends(bisection):
        return None
    done = _trainings(bisection)
    for look in looks_up_to(limits.max_seeds):
        for seed in range(look):
            for experiment in bisection.settings.experiments:
                for end in (0, bisection.last):
                    if (experiment, seed, end) not in done:
                        return Action(end, experiment, seed)
    return None


def _confirm(
    bisection: Bisection, limits: Limits, followed: Followed, good: int, bad: int
) -> Action | Answer | Confirmation | None:
    """Return the next step of a pair's confirmation, or the answer; None if all its seeds do not confirm it."""
    pairs = [(each.good, each.bad) for each in bisection.confirmations]
    if (good, bad) not in pairs:
        return Confirmation(good, bad, max(step.seed for step in bisection.steps if step.seed is not None) + 1)
    number = pairs.index((good, bad))
    rate = limits.error_rate * _FIRST_SHARE * (1 - _FIRST_SHARE) ** number
    done, first = _trainings(bisection), bisection.confirmations[number].first_seed
    for look in looks_up_to(limits.max_seeds):
        seeds = range(first, first + look)
        for seed in seeds:
            for side in (good, bad):
                if (followed.experiment, seed, side) not in done:
                    return Action(side, followed.experiment, seed, confirmation=number + 1)
        seen = compare(bisection, followed.experiment, followed.metric, (good, bad), seeds, rate)
        if seen and seen.significant and (seen.after < seen.before) == METRICS[followed.metric]:
            return Answer(Word.FOUND, followed, good, bad, confirmed=seen)
    return None


def _trainings(bisection: Bisection) -> set[tuple[str | None, int | None, int]]:
    """Return experiment, seed and candidate of all trainings, including those that diverged."""
    return {(step.experiment, step.seed, step.candidate) for step in bisection.steps if step.kind == "training"}


def _first_steps(bisection: Bisection, experiment: str, candidate: int) -> Sequence[str | None]:
    return [
        step.identity
        for step in bisection.steps
        if (step.kind, step.experiment, step.candidate) == ("first steps", experiment, candidate)
    ]


def compare(
    bisection: Bisection, experiment: str, metric: str, pair: tuple[int, int], seeds: range, rate: float
) -> Difference | None:
    """Return the difference between two candidates on the seeds that gave both a value; None if there are too few."""
    values = {
        (step.candidate, step.seed): value
        for step in bisection.steps
        if (step.kind, step.experiment) == ("training", experiment) and (value := _value(step, metric)) is not None
    }
    common = [seed for seed in seeds if all((candidate, seed) in values for candidate in pair)]
    good, bad = (tuple(values[candidate, seed] for seed in common) for candidate in pair)
    return difference(good, bad, rate)


def _value(step: Step, metric: str) -> float | None:
    if metric == "divergence":
        return float(step.diverged)
    value: float | None = getattr(step, metric)
    return value


def _unused(runs: Collection[int]) -> int:
    """Return the smallest seed that has no run."""
    return next(seed for seed in range(len(runs) + 1) if seed not in runs)
