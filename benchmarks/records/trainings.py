"""The outcomes of a night's trainings, one for each experiment and seed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from benchmarks.records.exact import compare_digits
from cifar_models.results.run import Run

TrainingKey = tuple[str, int]
"""An experiment's name and a seed."""


class Outcome(StrEnum):
    """The outcome of a training; tables show the value."""

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
    """A worker trained with data, weights, code or packages other than the night's."""
    DIFFERENT = "trained twice with different results"
    NOTHING_TO_REPEAT = "no recorded run to repeat"
    """The training is only for the exact lane, and no run with these conditions is recorded."""
    IN_NO_SHARD = "an undecided verdict wants it, and no shard trained it"
    """A verdict needs further seeds, and a judgement of shards trains nothing."""
    CONTRADICTS = "its record contradicts itself"
    """An error of the suite or of a library; see ``agreement``."""
    FAILED = "failed"
    """The training ended with an error in the code."""

    @property
    def final(self) -> bool:
        """Whether training again would have the same outcome."""
        return self in (
            *(Outcome.TRAINED, Outcome.RESUMED, Outcome.REUSED, Outcome.DIVERGED, Outcome.CONTRADICTS),
            *(Outcome.NO_BASELINE, Outcome.NO_WEIGHTS, Outcome.NOTHING_TO_REPEAT),
        )


@dataclass(frozen=True)
class Training:
    """One training of a night; ``run`` is None if there is none, and ``detail`` explains the outcome."""

    experiment: str
    seed: int
    outcome: Outcome
    run: Run | None = None
    detail: str = ""

    @property
    def key(self) -> TrainingKey:
        """Identifies the training within a night."""
        return self.experiment, self.seed

    @property
    def description(self) -> str:
        """The outcome with its detail."""
        return f"{self.outcome}: {self.detail}" if self.detail else str(self.outcome)


def settle(first: Training, second: Training) -> Training:
    """Return the training to keep of two with the same experiment and seed.

    Two runs must be equal to the last digit, and a run and a divergence are different: otherwise neither can be
    trusted, and the outcome is DIFFERENT. If only one training has a result, it is kept.
    """
    results = [one for one in (first, second) if one.run is not None or one.outcome == Outcome.DIVERGED]
    if Outcome.DIFFERENT in (first.outcome, second.outcome):
        return first if first.outcome == Outcome.DIFFERENT else second
    if len(results) == 2 and (difference := _difference(first.run, second.run)):
        return Training(first.experiment, first.seed, Outcome.DIFFERENT, detail=difference)
    return results[0] if results else first


def same_numbers(first: Run, second: Run) -> bool:
    """Return whether two runs are equal to the last digit; times and timings do not count."""
    return not _difference(first, second)


def _difference(first: Run | None, second: Run | None) -> str:
    """Describe the difference of two results, where None is a training that diverged; empty if they are equal."""
    if first is None or second is None:
        return "" if first is second else f"{_shown(first)}, and {_shown(second)}"
    if first.fingerprints != second.fingerprints:
        return f"{_shown(first)}, and {_shown(second)}, from other data, weights or protocol"
    found = compare_digits(second, first)
    if found.identical:
        return ""
    curves = f"differ from epoch {found.epoch}" if found.epoch else "are equal, the evaluations differ"
    return f"{_shown(first)}, and {_shown(second)}; the curves {curves}"


def _shown(run: Run | None) -> str:
    if run is None:
        return "one diverged"
    return f"one started {run.started or 'at an unknown time'} with accuracy {run.accuracy!r}"
