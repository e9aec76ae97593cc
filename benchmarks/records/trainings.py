"""What became of each training of a night, of which there is one for each experiment and seed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from cifar_models.results.run import Curves, Run

TrainingKey = tuple[str, int]
"""An experiment's name and a seed."""


class Outcome(StrEnum):
    """What became of a training; the value is what tables show."""

    TRAINED = "trained"
    RESUMED = "taken from the interrupted night"
    REUSED = "recorded earlier"
    """A night that writes baselines took a recorded run of the same seed and conditions."""
    DIVERGED = "diverged"
    NO_BASELINE = "no baseline"
    NO_WEIGHTS = "no weights"
    OUT_OF_MEMORY = "out of memory"
    WORKER_DIED = "its worker died"
    OTHER_CODE = "not of this night"
    """A worker trained it with other data, weights, code or packages than those that the night began with."""
    DIFFERENT = "trained twice with different results"
    NOTHING_TO_REPEAT = "no recorded run to repeat"
    """A training for the exact lane alone, where no run was recorded under tonight's conditions."""
    CONTRADICTS = "its record contradicts itself"
    """What the run says twice, it does not say twice the same: an error of the suite or of a library."""
    FAILED = "failed"
    """It ended in an error of the code."""

    @property
    def final(self) -> bool:
        """Whether trying again comes to the same: there is a run, or there is none for a reason that stays."""
        return self in (
            *(Outcome.TRAINED, Outcome.RESUMED, Outcome.REUSED, Outcome.DIVERGED, Outcome.CONTRADICTS),
            *(Outcome.NO_BASELINE, Outcome.NO_WEIGHTS, Outcome.NOTHING_TO_REPEAT),
        )


@dataclass(frozen=True)
class Training:
    """What became of one training.

    Attributes:
        experiment: its name.
        seed: of the training.
        outcome: what became of it.
        run: the training's record; None if it gave none.
        detail: what the outcome leaves open, such as an error's type; often nothing.
    """

    experiment: str
    seed: int
    outcome: Outcome
    run: Run | None = None
    detail: str = ""

    @property
    def key(self) -> TrainingKey:
        """What there is one training of in a night."""
        return self.experiment, self.seed

    @property
    def description(self) -> str:
        """The outcome in words, with its detail."""
        return f"{self.outcome}: {self.detail}" if self.detail else str(self.outcome)


def settle(first: Training, second: Training) -> Training:
    """Return what a night holds of an experiment and seed that were trained twice.

    Two runs are one if they are the same to the last digit. A run stands where the other attempt gave none, unless that
    one diverged: then, as with two different runs, none of them can be believed.
    """
    results = [one for one in (first, second) if one.run is not None or one.outcome == Outcome.DIVERGED]
    if Outcome.DIFFERENT in (first.outcome, second.outcome):
        return first if first.outcome == Outcome.DIFFERENT else second
    if len(results) == 2 and (difference := _difference(first.run, second.run)):
        return Training(first.experiment, first.seed, Outcome.DIFFERENT, detail=difference)
    return results[0] if results else first


def same_numbers(first: Run, second: Run) -> bool:
    """Return whether two runs are the same to the last digit; when and how fast they ran does not matter."""
    return not _difference(first, second)


def _difference(first: Run | None, second: Run | None) -> str:
    """Return what tells two results apart, naming both; None stands for a training that diverged."""
    if first is None or second is None:
        return "" if first is second else f"{_shown(first)}, and {_shown(second)}"
    if first.fingerprints != second.fingerprints:
        return f"{_shown(first)}, and {_shown(second)}, from other data, weights or protocol"
    apart = [
        epoch
        for curve in fields(Curves)
        if (epoch := _first_different_epoch(getattr(first.curves, curve.name), getattr(second.curves, curve.name)))
    ]
    if not apart and first.evaluation == second.evaluation:
        return ""
    since = f"the curves differ from epoch {min(apart)}" if apart else "the curves are equal, the evaluations differ"
    return f"{_shown(first)}, and {_shown(second)}; {since}"


def _first_different_epoch(first: list[float], second: list[float]) -> int | None:
    if first == second:
        return None
    equal = (one == other for one, other in zip(first, second, strict=False))
    return next((epoch for epoch, same in enumerate(equal, start=1) if not same), min(len(first), len(second)) + 1)


def _shown(run: Run | None) -> str:
    if run is None:
        return "one diverged"
    return f"one started {run.started or 'at an unknown time'} with accuracy {run.accuracy!r}"
