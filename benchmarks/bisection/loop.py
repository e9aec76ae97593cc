"""Takes the steps of a search until there is an answer, or the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

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
from benchmarks.sides.clock import Clock, TimeUp


class CannotTest(Exception):
    """A candidate cannot be tested, and the machine is not the reason."""


class EndCannotBeTested(ValueError):
    """GOOD or BAD cannot be tested, so there is nothing to search."""


def search(
    bisection: Bisection,
    limits: Limits,
    clock: Clock,
    *,
    take: Callable[[Action], Step],
    keep: Callable[[], None],
) -> tuple[Answer, str]:
    """Continue a search until there is an answer, or the time is up.

    Args:
        bisection: the search; each step is added to it.
        limits: the error rate and the number of seeds.
        clock: the time limit.
        take: takes a step.
        keep: called after each step.

    Returns:
        The answer, and why the search ended early; empty if it did not.

    Raises:
        EndCannotBeTested: GOOD or BAD cannot be tested.
    """
    skipped: set[int] = set()  # not read from the record, so that a new process tries them again
    while True:
        action = next_action(bisection, limits, skipped)
        if isinstance(action, Answer):
            return action, ""
        if isinstance(action, Confirmation):
            bisection.confirmations.append(action)
            continue
        kind = action.experiment, action.first_steps
        began = time.monotonic()
        try:
            clock.require(kind)
            with clock.measuring(kind):
                step = take(action)
        except TimeUp as error:
            return _so_far(bisection, limits, skipped), str(error)
        except CannotTest as error:
            if action.candidate in (0, bisection.last):
                candidate = bisection.settings.candidates[action.candidate]
                end = "BAD" if action.candidate else "GOOD"
                raise EndCannotBeTested(f"{end}, {candidate}, cannot be tested: {error}; give another one") from None
            skipped.add(action.candidate)
            step = Step(action.candidate, "skipped", action.experiment, reason=str(error))
        step = replace(step, seconds=round(time.monotonic() - began, 1), confirmation=action.confirmation)
        bisection.steps.append(step)
        if step.candidate not in (0, bisection.last) and (followed := follow(bisection, limits)):
            step.bad = float(bad_probabilities(bisection, followed)[step.candidate])
        keep()


def _so_far(bisection: Bisection, limits: Limits, skipped: set[int]) -> Answer:
    followed = follow(bisection, limits)
    if followed is None:
        return Answer(Word.UNDECIDED)
    probabilities = change_probabilities(known_of(bisection, followed), bisection.last + 1)
    return Answer(
        Word.UNDECIDED, followed, *most_probable(probabilities, able_candidates(bisection, followed, skipped))
    )
