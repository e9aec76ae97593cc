"""A machine that trains candidates in no time: their values are drawn from the spread of recorded runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.bisection.decide import Action, Answer, Limits
from benchmarks.bisection.loop import CannotTest, search
from benchmarks.bisection.record import Bisection, Candidate, Settings, Step
from benchmarks.sides.clock import Clock
from cifar_models.results.run_files import read_run

RECORDS = Path(__file__).parents[3] / "baseline_runs"
LIMITS = Limits(error_rate=0.05, max_seeds=12)
EXPERIMENT = "simple_cnn"


@cache
def recorded() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return accuracy and loss of the recorded runs, less their means, shape (runs, 2)."""
    runs = [read_run(path) for path in sorted(RECORDS.glob(f"{EXPERIMENT}.synthetic.seed*.json"))]
    values = np.array([[run.accuracy, run.loss] for run in runs])
    return np.asarray(values - values.mean(axis=0))


def settings(candidates: int, experiments: Collection[str] = (EXPERIMENT,)) -> Settings:
    return Settings(
        package=None,
        candidates=[Candidate(f"{number:040x}", f"commit {number}") for number in range(candidates)],
        code=None,
        experiments=list(experiments),
        dataset="synthetic",
        data_dir=None,
        weights_dir=None,
        gpu=False,
        environment={},
    )


@dataclass
class Machine:
    """Trains the candidates of a search.

    Attributes:
        rng: draws the runs.
        candidates: how many.
        culprit: the first that is worse.
        effect: by how many standard deviations of a run.
        rounding: those from which on the last digits are others.
        seen: whether the first steps show the culprit.
        unable: those that cannot be tested.
        diverge: the first whose trainings diverge.
        repeatable: whether the same training gives the same digits.
        taken: what was trained, in order.
    """

    rng: np.random.Generator
    candidates: int
    culprit: int
    effect: float
    rounding: Collection[int] = ()
    seen: bool = True
    unable: Collection[int] = ()
    diverge: int | None = None
    repeatable: bool = True
    taken: list[Action] = field(default_factory=list)
    _drawn: dict[tuple[int, int], np.ndarray[tuple[int], np.dtype[np.float64]]] = field(default_factory=dict)

    def take(self, action: Action) -> Step:
        self.taken.append(action)
        number = action.candidate
        if number in self.unable:
            raise CannotTest("found no cifar_models, expected one")
        kind = "first steps" if action.first_steps else "training"
        step = Step(number, kind, action.experiment, action.seed)  # type: ignore[arg-type]
        code = sum(number >= place for place in self.rounding)
        code += 100 * (number >= self.culprit and (self.seen or not action.first_steps))
        identity = f"{kind} {code} {action.seed}" + ("" if self.repeatable else f" {len(self.taken)}")
        if action.first_steps:
            return dataclasses.replace(step, identity=identity)
        if self.diverge is not None and number >= self.diverge:
            return dataclasses.replace(step, diverged=True, reason="its loss is NaN")
        if (code, action.seed) not in self._drawn or not self.repeatable:
            self._drawn[code, action.seed] = recorded()[self.rng.integers(len(recorded()))]
        shift = self.effect * recorded().std(axis=0, ddof=1) * (number >= self.culprit)
        accuracy, loss = self._drawn[code, action.seed]
        return dataclasses.replace(
            step, identity=identity, accuracy=0.9 + accuracy - shift[0], loss=0.3 + loss + shift[1]
        )

    def search(
        self,
        limits: Limits = LIMITS,
        *,
        minutes: float | None = None,
        now: Callable[[], float] = lambda: 0.0,
        bisection: Bisection | None = None,
    ) -> tuple[Answer, Bisection]:
        """Search to the end, or until the time is up."""
        bisection = bisection or Bisection(settings(self.candidates))
        answer, _ = search(bisection, limits, Clock(minutes, now), take=self.take, keep=lambda: None)
        return answer, bisection
