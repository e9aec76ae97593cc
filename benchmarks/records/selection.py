"""The selected trainings and verdicts of a night, and the part of a night's record that describes a shard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.records.trainings import Outcome, Training, TrainingKey
from cifar_models.results.run import Fingerprints

REPEATED_SEED = 0
"""The first seed of every baseline."""


@dataclass(frozen=True)
class Selection:
    """The selected trainings and verdicts of a night.

    Attributes:
        trainings: seeds by experiment, without the further seeds of undecided verdicts.
        verdicts: names of the experiments to judge.
    """

    trainings: dict[str, list[int]] = field(default_factory=dict)
    verdicts: list[str] = field(default_factory=list)

    @property
    def keys(self) -> list[TrainingKey]:
        """The trainings, one by one."""
        return [(name, seed) for name, seeds in self.trainings.items() for seed in seeds]

    def __or__(self, other: Selection) -> Selection:
        """Return the union."""
        names = dict.fromkeys([*self.trainings, *other.trainings])
        return Selection(
            {name: sorted({*self.trainings.get(name, []), *other.trainings.get(name, [])}) for name in names},
            list(dict.fromkeys([*self.verdicts, *other.verdicts])),
        )


@dataclass(frozen=True)
class WithoutRun:
    """A training of a shard that gave no run; the attributes are those of ``Training``."""

    experiment: str
    seed: int
    outcome: Outcome
    detail: str

    @classmethod
    def among(cls, trainings: Sequence[Training]) -> list[WithoutRun]:
        """Return the trainings that gave no run."""
        return [cls(*one.key, one.outcome, one.detail) for one in trainings if one.run is None]


@dataclass(frozen=True)
class Shard:
    """A shard of a night, with everything that is needed to judge all shards together.

    Other attributes are those of ``Settings``.

    Attributes:
        number: number of the shard, from 1.
        count: number of shards.
        night: the trainings and verdicts of all shards.
        fingerprints: fingerprints by experiment; an experiment is missing if its weights are not available.
        without_run: trainings of the shard that gave no run.
    """

    number: int
    count: int
    night: Selection
    first_seed: int
    seeds: int | None
    max_seeds: int | None
    repeats: bool
    against: str
    reason: str | None
    options: str
    fingerprints: dict[str, Fingerprints] = field(default_factory=dict)
    without_run: list[WithoutRun] = field(default_factory=list)

    def __str__(self) -> str:
        return f"shard {self.number} of {self.count}"


SHARED_SETTINGS = ("first_seed", "seeds", "max_seeds", "repeats", "against", "reason", "options")
"""The attributes of ``Shard`` that are also attributes of ``Settings``."""
