"""What a night was asked for, and what the record of a shard says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.records.trainings import Outcome, Training, TrainingKey
from cifar_models.results.run import Fingerprints


@dataclass(frozen=True)
class Selection:
    """The trainings and verdicts that a night was asked for.

    Attributes:
        trainings: seeds by experiment, without further seeds for undecided verdicts.
        verdicts: experiments to judge.
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
    """A training of a shard that gave no run; attributes as ``Training``'s."""

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
    """A shard of a night, and all that its judge must know of the night. The settings are those of ``Settings``.

    Attributes:
        number: of the shard, from 1.
        count: how many shards the night has.
        night: what all shards together are to do.
        fingerprints: of what the shard trains on, by experiment; without those that are not available.
        without_run: the shard's trainings that gave no run.
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
