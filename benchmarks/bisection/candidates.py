"""Tests candidates: checks each one out, builds its environment, and trains in a process with its code."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from benchmarks.bisection.decide import Action
from benchmarks.bisection.loop import CannotTest
from benchmarks.bisection.record import Bisection, Step, identity_of
from benchmarks.sides.checkouts import NothingToTrain, Repository, Revision
from benchmarks.sides.environments import BuildError, NoSolution, Wanted, interpreter
from benchmarks.sides.side import Job, MachineError, Show, Side, SideError, TrainingEnded, running_side

MOST_OPEN = 2
"""Highest number of running processes: the two ends, and the pair of a confirmation, train in turn."""

Code = Callable[[int], tuple[Revision, Wanted]]
"""Returns the code and the environment of a candidate, given its number."""


@dataclass
class _Open:
    side: Side
    stack: ExitStack


class Candidates:
    """The candidates of a search, whose processes start when they are needed.

    Args:
        repository: the repository with the code.
        bisection: the search.
        code: returns the code and environment of a candidate.
        job: the settings of all trainings.
        records: the folder for the records of the runs.
        say: called with a message before a step that takes long.
        show: shows the progress of a training.
    """

    def __init__(
        self,
        repository: Repository,
        bisection: Bisection,
        code: Code,
        job: Job,
        records: Path,
        *,
        say: Callable[[str], None],
        show: Show,
    ) -> None:
        self._repository, self._bisection, self._code, self._job = repository, bisection, code, job
        self._records, self._say, self._show = records, say, show
        self._open: dict[int, _Open] = {}  # the least recently used one first

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End all processes and remove their checkouts."""
        with ExitStack() as stack:
            for each in self._open.values():
                stack.push(each.stack)
        self._open.clear()

    def take(self, action: Action) -> Step:
        """Train a candidate, and return the step with its result.

        Raises:
            CannotTest: the candidate cannot be checked out or imported, its environment cannot be built, or a training
                fails.
            MachineError: a process was killed, ran out of memory, or could not write.
            CheckoutError: git fails.
        """
        step = Step(
            action.candidate, "first steps" if action.first_steps else "training", action.experiment, action.seed
        )
        title = f"{self._bisection.settings.candidates[action.candidate]}: {action.experiment} seed {action.seed}"
        try:
            side = self._side(action.candidate)
            run = side.train(
                action.experiment,
                action.seed,
                lambda state: self._show(title, state),
                first_steps=action.first_steps,
            )
        except TrainingEnded as error:
            if error.outcome == "memory":
                raise MachineError(f"{error}; free memory, and run the command again") from None
            if action.first_steps:  # old code may fail on few images, so only whole trainings decide
                return replace(step, identity=f"none of candidate {action.candidate}", reason=str(error))
            if error.outcome == "failed":
                raise CannotTest(str(error)) from None
            return replace(step, diverged=True, reason=str(error))
        except MachineError:
            raise
        except (NothingToTrain, NoSolution, SideError) as error:
            self._close(action.candidate)
            raise CannotTest(str(error)) from None
        except BuildError as error:
            raise MachineError(f"{error}; run the command again") from None
        step = replace(step, identity=identity_of(run), data=side.ready.data)
        return step if action.first_steps else replace(step, accuracy=run.accuracy, loss=run.loss)

    def _side(self, number: int) -> Side:
        if number not in self._open:
            while len(self._open) >= MOST_OPEN:
                self._close(next(iter(self._open)))
            self._open[number] = self._started(number)
        self._open[number] = self._open.pop(number)
        return self._open[number].side

    def _started(self, number: int) -> _Open:
        candidate = self._bisection.settings.candidates[number]
        revision, wanted = self._code(number)
        with ExitStack() as stack:
            checkout = stack.enter_context(self._repository.checked_out(revision))
            python = interpreter(wanted, checkout, say=self._say)
            records = self._records / candidate.name[:12]
            running = running_side(str(candidate), python=python, checkout=checkout, records=records, job=self._job)
            side = stack.enter_context(running)
            if not wanted.current:
                self._bisection.packages[candidate.name] = side.ready.packages
            return _Open(side, stack.pop_all())

    def _close(self, number: int) -> None:
        if opened := self._open.pop(number, None):
            opened.stack.close()
