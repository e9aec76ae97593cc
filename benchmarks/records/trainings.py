"""What became of each training of a night."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cifar_models.results.run import Run


class Outcome(StrEnum):
    """What became of a training; the value is what tables show."""

    TRAINED = "trained"
    RESUMED = "taken from the interrupted night"
    DIVERGED = "diverged"
    NO_BASELINE = "no baseline"
    NO_WEIGHTS = "no weights"
    OUT_OF_MEMORY = "out of memory"
    WORKER_DIED = "its worker died"
    OTHER_CODE = "not of this night"
    """A worker trained it with other data, weights, code or packages than those that the night began with."""
    FAILED = "failed"
    """It ended in an error of the code."""

    @property
    def final(self) -> bool:
        """Whether trying again comes to the same: there is a run, or there is none for a reason that stays."""
        return self in (Outcome.TRAINED, Outcome.RESUMED, Outcome.DIVERGED, Outcome.NO_BASELINE, Outcome.NO_WEIGHTS)


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
    def description(self) -> str:
        """The outcome in words, with its detail."""
        return f"{self.outcome}: {self.detail}" if self.detail else str(self.outcome)
