"""The folders of a night's shards: found, read, and refused with one sentence where they are not all of one night."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.records.night_folder import NIGHT_RECORD, NightError, NightRecord, read_night, read_night_runs
from benchmarks.records.selection import Shard
from benchmarks.records.trainings import Outcome, Training, TrainingKey

_SHOWN = 3
"""Trainings that a message names."""
_SAME = {
    "dataset": "the same --dataset",
    "data": "the same data",
    "false_alarm_rate": "the same --false-alarm-rate",
    "must_be_identical": "--exact for all shards or none",
    "count": "the same number of shards",
    "first_seed": "the seeds of one day: give every shard the same --first-seed=YYYY-MM-DD, the day of the night",
    "repeats": "--first-seed with a day for all shards, or with a number for all",
    "seeds": "the same --seeds",
    "max_seeds": "the same --max-seeds",
    "against": "the same --against",
    "reason": "the same --update-baselines and --reason",
}
"""What all shards of a night agree in, in the order in which it is checked, and what a user gives for that."""


class ShardError(ValueError):
    """Shards that cannot be judged: what was found, what was expected and what to do."""


@dataclass(frozen=True)
class KeptShard:
    """A shard as its folder has it: its record, what the record says of its night, and its trainings."""

    path: Path
    record: NightRecord
    shard: Shard
    trainings: Sequence[Training]

    def __str__(self) -> str:
        return f"{self.shard} in {self.path}"


def read_shards(folders: Iterable[Path]) -> list[KeptShard]:
    """Return all shards of one night, by number.

    Args:
        folders: of shards, or folders that hold such folders at any depth. What is no shard below them is passed over.

    Raises:
        ShardError: a folder without any shard, a record that cannot be read, shards of different nights, a shard that
            is there twice, is missing, or lacks a training.
    """
    paths = {path.resolve(): path for folder in folders for path in _find(folder)}
    shards = sorted(map(_read, paths.values()), key=lambda one: one.shard.number)
    for one in shards[1:]:
        _require_same_night(shards[0], one)
    for one, other in pairwise(shards):
        if one.shard.number == other.shard.number:
            raise ShardError(
                f"found {one.shard} twice, in {one.path} and {other.path}, expected each shard once; remove the folder "
                f"that does not count"
            )
    _require_all(shards)
    return shards


def _find(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ShardError(f"{folder}: found no folder, expected one of a shard, or one that holds folders of shards")
    if (folder / NIGHT_RECORD).exists():
        return [folder]
    found = sorted(path.parent for path in folder.rglob(NIGHT_RECORD) if _is_shard(path.parent))
    if not found:
        raise ShardError(
            f"{folder}: found no shard in it, expected folders as pytest -m benchmark --shard 1/8 leaves them in "
            f"--run-dir"
        )
    return found


def _is_shard(path: Path) -> bool:
    """Return whether a folder holds a shard, or a record that cannot be read and may be one."""
    try:
        return read_night(path).shard is not None
    except NightError:
        return True


def _read(path: Path) -> KeptShard:
    try:
        record = read_night(path)
    except NightError as error:
        raise ShardError(f"{error}; train that shard again, without --resume") from None
    shard = record.shard
    if shard is None:
        raise ShardError(f"{path}: found a whole night, expected a shard, as pytest -m benchmark --shard 1/8 leaves it")
    if not 1 <= shard.number <= shard.count:
        raise ShardError(f"{path}: found {shard}, expected a number from 1; train that shard again, without --resume")
    runs, errors = read_night_runs(path)
    if errors:
        raise ShardError(f"{errors[0]}; --shard {shard.number}/{shard.count} with --resume trains it again")
    mine = {*record.selection.keys}
    trainings = [
        Training(run.experiment, run.seed, Outcome.TRAINED, run)
        for run in runs
        if (run.experiment, run.seed) in mine and run.dataset == record.dataset
    ]
    trained = {training.key for training in trainings}
    trainings += [
        Training(one.experiment, one.seed, one.outcome, detail=one.detail)
        for one in shard.without_run
        if (one.experiment, one.seed) in mine - trained
    ]
    if lacking := mine - {training.key for training in trainings}:
        raise ShardError(
            f"{path}: {shard} lacks {_some(lacking)}: it was killed, or still trains; finish it by the same command "
            f"with --resume, or remove the folder if another one replaces it"
        )
    return KeptShard(path, record, shard, trainings)


def _require_same_night(first: KeptShard, other: KeptShard) -> None:
    for name, what in _SAME.items():
        one, another = (
            getattr(each.shard if hasattr(each.shard, name) else each.record, name) for each in (first, other)
        )
        if one != another:
            raise ShardError(
                f"{other} does not belong to {first}: found {name.replace('_', ' ')} {another}, expected {one}; a "
                f"night has {what}"
            )
    if first.shard.night != other.shard.night:
        differing = {*first.shard.night.keys} ^ {*other.shard.night.keys}
        raise ShardError(
            f"{other} does not belong to {first}: their nights differ{f' in {_some(differing)}' if differing else ''}; "
            f"train both with the same -k"
        )


def _require_all(shards: Sequence[KeptShard]) -> None:
    """Refuse a night of which a shard with trainings is missing."""
    night = shards[0].shard.night
    selected = {key for one in shards for key in one.record.selection.keys}
    missing = sorted({*night.keys} - selected)
    if not missing:
        return
    count = shards[0].shard.count
    absent = sorted({*range(1, count + 1)} - {one.shard.number for one in shards})
    if not absent:
        raise ShardError(
            f"found all {count} shards, and none of them trains {_some(missing)}: they were shared out by "
            f"different baselines files; train all shards with the same one"
        )
    raise ShardError(
        f"found no {'shard' if len(absent) == 1 else 'shards'} {', '.join(map(str, absent))} of {count}, "
        f"expected all: without {_some(missing)} there is no night; name their folders too, or train them"
    )


def _some(keys: Iterable[TrainingKey]) -> str:
    ordered = sorted(keys)
    shown = ", ".join(f"{name} seed {seed}" for name, seed in ordered[:_SHOWN])
    return f"{shown} and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else shown
