"""Finds and reads the shards of a night, and checks that they are all shards of one night."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.records.night_folder import NIGHT_RECORD, NightError, NightRecord, read_night, read_night_runs
from benchmarks.records.selection import Shard
from benchmarks.records.trainings import Outcome, Training, TrainingKey

_SHOWN = 3
"""Number of trainings that a message names."""
_SAME = {
    "dataset": "the same --dataset",
    "data": "the same data",
    "false_alarm_rate": "the same --false-alarm-rate",
    "must_be_identical": "--exact, or all without it",
    "count": "the same number of shards",
    "first_seed": "the same --first-seed=YYYY-MM-DD, the day of the night",
    "repeats": "a day as --first-seed, or all with a number",
    "seeds": "the same --seeds",
    "max_seeds": "the same --max-seeds",
    "against": "the same --against",
    "reason": "the same --update-baselines and --reason",
}
"""What all shards of a night share, in the order of the checks, and with what to train them."""


class ShardError(ValueError):
    """Shards cannot be judged."""


@dataclass(frozen=True)
class KeptShard:
    """A shard's folder, its record, what the record says about the night, and its trainings."""

    path: Path
    record: NightRecord
    shard: Shard
    trainings: Sequence[Training]

    def __str__(self) -> str:
        return f"{self.shard} in {self.path}"


def read_shards(folders: Iterable[Path]) -> list[KeptShard]:
    """Return all shards of one night, sorted by number.

    Args:
        folders: folders of shards, or folders that contain them at any depth. Other folders in these are ignored.

    Raises:
        ShardError: a folder contains no shard, a record cannot be read, the shards are of different nights, or a shard
            exists twice, is missing, or lacks a training.
    """
    paths = {path.resolve(): path for folder in folders for path in _find(folder)}
    shards = sorted(map(_read, paths.values()), key=lambda one: one.shard.number)
    for one in shards[1:]:
        _require_same_night(shards[0], one)
    for one, other in pairwise(shards):
        if one.shard.number == other.shard.number:
            raise ShardError(
                f"{one.shard}: found it in {one.path} and {other.path}, expected it once; remove the folder that you "
                f"do not need"
            )
    _require_all(shards)
    return shards


def _find(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ShardError(f"{folder}: found no folder, expected the folder of a shard, or one that contains shards")
    if (folder / NIGHT_RECORD).exists():
        return [folder]
    found = sorted(path.parent for path in folder.rglob(NIGHT_RECORD) if _is_shard(path.parent))
    if not found:
        raise ShardError(
            f"{folder}: found no shard in it, expected one or more; pytest -m benchmark --shard 1/8 writes one into "
            f"--run-dir"
        )
    return found


def _is_shard(path: Path) -> bool:
    """Return whether a folder contains a shard, or a record that cannot be read, which may be that of a shard."""
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
        raise ShardError(f"{path}: found a whole night, expected a shard, which pytest -m benchmark --shard 1/8 writes")
    if not 1 <= shard.number <= shard.count:
        raise ShardError(
            f"{path}: found {shard}, expected a number from 1 to the number of shards; train that shard again, without "
            f"--resume"
        )
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
            f"{path}: found {shard} without {_some(lacking)}, expected all its trainings; if it was killed, run the "
            f"same command with --resume, or remove the folder if another one replaces it"
        )
    return KeptShard(path, record, shard, trainings)


def _require_same_night(first: KeptShard, other: KeptShard) -> None:
    for name, what in _SAME.items():
        one, another = (
            getattr(each.shard if hasattr(each.shard, name) else each.record, name) for each in (first, other)
        )
        if one != another:
            raise ShardError(
                f"{other} does not belong to {first}: found {name.replace('_', ' ')} {another}, expected {one}; train "
                f"all shards with {what}"
            )
    if first.shard.night != other.shard.night:
        differing = {*first.shard.night.keys} ^ {*other.shard.night.keys}
        raise ShardError(
            f"{other} does not belong to {first}: their nights differ{f' in {_some(differing)}' if differing else ''}; "
            f"train both with the same -k"
        )


def _require_all(shards: Sequence[KeptShard]) -> None:
    """Raise an error if a shard with trainings is missing."""
    night = shards[0].shard.night
    selected = {key for one in shards for key in one.record.selection.keys}
    missing = sorted({*night.keys} - selected)
    if not missing:
        return
    count = shards[0].shard.count
    absent = sorted({*range(1, count + 1)} - {one.shard.number for one in shards})
    if not absent:
        raise ShardError(
            f"shards: found all {count}, but none trains {_some(missing)}, expected each training in one; train all "
            f"shards with the same baselines file, which decides what each one trains"
        )
    raise ShardError(
        f"shards: found no shard {', '.join(map(str, absent))} of {count}, expected all; give the folders with "
        f"{_some(missing)} too, or train them"
    )


def _some(keys: Iterable[TrainingKey]) -> str:
    ordered = sorted(keys)
    shown = ", ".join(f"{name} seed {seed}" for name, seed in ordered[:_SHOWN])
    return f"{shown} and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else shown
