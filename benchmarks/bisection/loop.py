"""The search itself: takes one step after the other until there is an answer or no time left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.bisection.decide import (
    Action,
    Answer,
    Limits,
    Word,
    able_candidates,
    bad_probabilities,
    follow,
    known_of,
    next_action,
)
from benchmarks.bisection.record import Bisection, Confirmation, Step
from benchmarks.bisection.search import change_probabilities, most_probable


class CannotTest(Exception):
    """A candidate that cannot be tested, whatever the machine; the message says why."""


class EndCannotBeTested(ValueError):
    """GOOD or BAD cannot be tested, so there is nothing to search between."""


@dataclass
class Deadline:
    """When to stop: before a step that would probably end later.

    Attributes:
        seconds: from now on; None for no limit.
        clock: tells the time in seconds.
    """

    seconds: float | None
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._started = self.clock()

    def allows(self, seconds: float) -> bool:
        """Return whether a step of so many seconds can end in time."""
        return self.seconds is None or self.clock() - self._started + seconds <= self.seconds


def search(
    bisection: Bisection,
    limits: Limits,
    deadline: Deadline,
    *,
    take: Callable[[Action], Step],
    keep: Callable[[Bisection], None],
) -> Answer:
    """Go on with a search to its answer.

    Args:
        bisection: the steps so far; further ones are added.
        limits: how long to search.
        deadline: when to stop.
        take: takes a step.
        keep: called after each step, to store and to show it.

    Raises:
        EndCannotBeTested: GOOD or BAD cannot be tested.
    """
    skipped: set[int] = set()  # in this process: what failed for a passing reason is tried again by the next
    while True:
        action = next_action(bisection, limits, skipped)
        if isinstance(action, Answer):
            return action
        if isinstance(action, Confirmation):
            bisection.confirmations.append(action)
            continue
        if not deadline.allows(_expected_seconds(bisection, action)):
            return _so_far(bisection, limits, skipped)
        started = deadline.clock()
        try:
            step = take(action)
        except CannotTest as error:
            if action.candidate in (0, bisection.last):
                candidate = bisection.settings.candidates[action.candidate]
                end = "BAD" if action.candidate else "GOOD"
                raise EndCannotBeTested(f"{end}, {candidate}, cannot be tested: {error}; give another one") from None
            skipped.add(action.candidate)
            step = Step(action.candidate, "skipped", action.experiment, reason=str(error))
        step = replace(step, seconds=round(deadline.clock() - started, 1), confirmation=action.confirmation)
        bisection.steps.append(step)
        if followed := follow(bisection, limits):
            step.bad = float(bad_probabilities(bisection, followed)[step.candidate])
        keep(bisection)


def _expected_seconds(bisection: Bisection, action: Action) -> float:
    """Return what the last step of its kind took, 0 before the first."""
    kind = "first steps" if action.first_steps else "training"
    taken = [step.seconds for step in bisection.steps if (step.kind, step.experiment) == (kind, action.experiment)]
    return taken[-1] if taken else 0.0


def _so_far(bisection: Bisection, limits: Limits, skipped: set[int]) -> Answer:
    followed = follow(bisection, limits)
    if followed is None:
        return Answer(Word.UNDECIDED)
    probabilities = change_probabilities(known_of(bisection, followed), bisection.last + 1)
    return Answer(Word.UNDECIDED, followed, *most_probable(probabilities, able_candidates(bisection, followed, skipped)))
