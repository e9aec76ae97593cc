"""Reads and writes the folder of a night, with the night's record and a record of each finished training."""

from __future__ import annotations

import datetime
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from benchmarks.baselines.baseline import Baseline, Baselines
from benchmarks.baselines.shared_lock import refused_lock, shared_lock
from benchmarks.records.exact import Exact
from benchmarks.records.selection import REPEATED_SEED, Selection, Shard
from benchmarks.records.trainings import same_numbers
from benchmarks.statistics import FALSE_ALARM_RATE
from benchmarks.statistics.cusum import DriftVerdict
from benchmarks.statistics.seeds import BLOCK, first_seed_of
from benchmarks.statistics.verdict import Verdict
from cifar_models.results.run import Run, RunError
from cifar_models.results.run_files import read_run, record_name
from cifar_models.storage.files import remove_leftovers, write_whole
from cifar_models.storage.strict_json import added_later, parse_record, read_as, to_json

FORMAT = 2
"""Version of the layout of a night's record; records of other versions are refused."""
NIGHT_RECORD = "night.json"
RECORDS = "baseline_runs"
"""The folder beside baselines.json with the records of the baselines' runs."""
_LOCK = ".lock"
_REMOVED = ".removed"
_NAME = "%Y-%m-%dT%H-%M-%SZ"  # without colons, which not every file system allows


class NightError(ValueError):
    """A folder cannot be read as a night."""


@dataclass(frozen=True)
class BaselineMark:
    """Identifies the baseline of a night; ``fingerprint`` is of all its values."""

    source: str
    recorded: str
    reason: str
    fingerprint: str

    @classmethod
    def of(cls, baseline: Baseline) -> BaselineMark:
        """Return the mark of a baseline."""
        digest = hashlib.sha256(to_json(baseline).encode()).hexdigest()
        return cls(baseline.source, baseline.recorded, baseline.reason, f"sha256:{digest}")


@dataclass(frozen=True)
class NightRecord:
    """The record of a night.

    Attributes:
        dataset, data: name and fingerprint of the data set.
        started, ended: UTC times as YYYY-MM-DDTHH:MM:SS+00:00; ``ended`` is None while the night runs and after an
            interruption.
        problems: by experiment that was not judged, the reason.
        baselines: by experiment that was judged, the mark of its baseline.
        exact: comparison of each run that repeats a recorded run.
        selection: the selected trainings and verdicts.
        must_be_identical: whether a difference from a recorded run fails; None if not recorded.
        shard: the shard; None for a whole night.
    """

    dataset: str
    data: str
    started: str
    ended: str | None = None
    false_alarm_rate: float = FALSE_ALARM_RATE
    verdicts: list[Verdict] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    baselines: dict[str, BaselineMark] = field(default_factory=dict)
    exact: list[Exact] = field(default_factory=list)
    drifts: list[DriftVerdict] = field(default_factory=list)
    selection: Selection = field(default_factory=Selection)
    must_be_identical: bool | None = added_later()
    shard: Shard | None = added_later()  # noqa: RUF009 - a dataclass field

    @property
    def part(self) -> tuple[int, int, int] | None:
        """Number of the shard, number of shards and first seed; None for a whole night."""
        return (self.shard.number, self.shard.count, self.shard.first_seed) if self.shard else None

    @property
    def first_seed(self) -> tuple[int, bool]:
        """The first seed, and whether the night also trains ``REPEATED_SEED``, for the exact lane alone."""
        if self.shard:
            return self.shard.first_seed, self.shard.repeats
        seeds = {seed for _, seed in self.selection.keys}
        if not seeds:  # killed before its workers said what they train
            return first_seed_of(datetime.datetime.fromisoformat(self.started).date()), True
        others = seeds - {REPEATED_SEED}
        repeats = others != seeds and min(others, default=0) > REPEATED_SEED + 1
        return (min(others), True) if repeats else (min(seeds), False)


class NightFolder:
    """The folder of a night, locked by this process."""

    def __init__(self, path: Path, lock: FileLock) -> None:
        self.path, self._lock = path, lock

    @classmethod
    def start(cls, run_dir: Path, record: NightRecord) -> NightFolder:
        """Create and lock the folder of a new night. Its name is the start of the night.

        Raises:
            OSError: the folder cannot be created or written.
        """
        path = new_folder(run_dir, datetime.datetime.fromisoformat(record.started))
        folder = cls(path, shared_lock(path / _LOCK))
        try:
            folder._lock.acquire()
            folder.write_record(record)
        except OSError:
            folder.remove()
            raise
        return folder

    @classmethod
    def resume(cls, run_dir: Path, like: NightRecord, first_seed: int) -> NightFolder | None:
        """Lock and return the folder of the newest interrupted night that no other process has locked.

        Args:
            run_dir: the folder of nights.
            like: the record of a new night. The data and the shard of the interrupted night must be the same.
            first_seed: the first seed of the new night. That of the interrupted night, if it is known, must be in the
                same block of seeds.

        Returns:
            The folder, or None if there is no such night.

        Raises:
            OSError: the folder cannot be written.
        """
        for path, record in newest_first(run_dir):
            if record.ended is not None or (record.dataset, record.data) != (like.dataset, like.data):
                continue
            if record.part != like.part:
                continue
            if record.selection.keys:
                began, _ = record.first_seed
                if not first_seed <= began < first_seed + BLOCK:
                    continue
            try:
                folder = cls.take(path)
            except PermissionError:
                if _is_own(path):
                    raise
                continue  # another user's night
            if folder is None:
                continue
            # Read the record again, because the former owner of the lock may have ended or removed the night.
            with suppress(NightError):
                if read_night(path).ended is None:
                    remove_leftovers(path / "*")
                    return folder
            folder.close()
        return None

    @classmethod
    def take(cls, path: Path) -> NightFolder | None:
        """Lock and return the folder of a night; None if another process has locked it.

        Raises:
            OSError: the folder cannot be written.
        """
        folder = cls(path, shared_lock(path / _LOCK))
        try:
            folder._lock.acquire(blocking=False)
        except Timeout:
            return None
        except PermissionError:
            if not (path / _LOCK).exists() or _is_own(path / _LOCK):
                raise
            raise PermissionError(f"{path}: {refused_lock(path / _LOCK)}") from None
        return folder

    def write_record(self, record: NightRecord) -> None:
        """Write the night's record.

        Raises:
            OSError: the folder cannot be written; the old record is unchanged.
        """
        write_whole(self.path / NIGHT_RECORD, to_json({"format": FORMAT, **asdict(record)}))

    def set_apart(self, run: Run, number: int) -> None:
        """Write one of two different runs of a training to another file, so that it is not read as the night's run.

        The record of the training is removed.

        Raises:
            OSError: the folder cannot be written.
        """
        name = record_name(run.experiment, run.dataset, run.seed)
        write_whole(self.path / f"{name}.different{number}", run.to_json())
        (self.path / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Release the lock."""
        self._lock.release()

    def remove(self) -> None:
        """Rename the folder, so that it is no longer a night, then remove it.

        Raises:
            OSError: the folder cannot be removed.
        """
        removed = self.path.rename(self.path.with_name(f".{self.path.name}{_REMOVED}"))
        shutil.rmtree(removed)
        self._lock.release()


def is_running(path: Path) -> bool:
    """Return whether another process holds the lock of a night's folder, or another user owns it."""
    try:
        folder = NightFolder.take(path)
    except OSError:
        return True
    if folder is None:
        return True
    folder.close()
    return False


def _is_own(path: Path) -> bool:
    """Return whether a file or folder belongs to this user; True on systems without user ids."""
    return not hasattr(os, "geteuid") or path.stat().st_uid == os.geteuid()


def nights(run_dir: Path) -> Iterator[tuple[Path, NightRecord]]:
    """Yield folder and record of each night, sorted by the folder's name; other folders are skipped."""
    for path in _folders(run_dir):
        try:
            yield path, read_night(path)
        except NightError:
            continue


def newest_first(run_dir: Path) -> list[tuple[Path, NightRecord]]:
    """Return folder and record of each night, the newest first."""
    return sorted(nights(run_dir), key=lambda night: (night[1].started, night[0].name), reverse=True)


def damaged_nights(run_dir: Path) -> Iterator[NightError]:
    """Yield the error of each night whose record exists but cannot be read."""
    for path in _folders(run_dir):
        try:
            read_night(path)
        except NightError as error:
            if (path / NIGHT_RECORD).exists():
                yield error


def remove_half_removed(run_dir: Path) -> None:
    """Remove what is left of nights after an interrupted removal.

    Raises:
        OSError: a folder cannot be removed.
    """
    for path in run_dir.glob(f".*{_REMOVED}"):
        shutil.rmtree(path)


def _folders(run_dir: Path) -> list[Path]:
    return sorted(path for path in run_dir.glob("[!.]*") if path.is_dir())


def read_night(path: Path) -> NightRecord:
    """Read the record of a night from its folder.

    Raises:
        NightError: the record is missing, damaged or of another format.
    """
    file = path / NIGHT_RECORD
    try:
        _, record = parse_record(file.read_text(encoding="utf-8"), "format", [FORMAT])
        night: NightRecord = read_as(NightRecord, record, "night")
        for time in filter(None, (night.started, night.ended)):
            datetime.datetime.fromisoformat(time)
    except (OSError, ValueError) as error:  # a UnicodeDecodeError is a ValueError
        raise NightError(f"{file}: {error}; this file is not the record of a night") from None
    return night


def read_night_runs(folder: Path) -> tuple[list[Run], list[RunError]]:
    """Return the runs in a night's folder, sorted by experiment and seed, and an error for each unusable record.

    Equal records of a training are returned once. Different records of a training are an error.
    """
    found: dict[tuple[str, str, int], tuple[Path, Run]] = {}
    different: set[tuple[str, str, int]] = set()
    errors = []
    for path in sorted(folder.glob(record_name("*", "*", "*"))):
        try:
            run = read_run(path)
        except RunError as error:
            errors.append(error)
            continue
        key = run.experiment, run.dataset, run.seed
        first, other = found.setdefault(key, (path, run))
        if not same_numbers(run, other):
            different.add(key)
            errors.append(
                RunError(
                    f"{first} and {path.name}: found two different runs of {run.experiment} seed {run.seed}, expected "
                    f"one; remove the wrong one"
                )
            )
    runs = [run for key, (_, run) in found.items() if key not in different]
    return sorted(runs, key=lambda run: (run.experiment, run.seed)), sorted(errors, key=str)


def new_folder(parent: Path, started: datetime.datetime) -> Path:
    """Create and return a folder that is named after the time, with a number if the name exists.

    Raises:
        OSError: the folder cannot be created.
    """
    parent.mkdir(parents=True, exist_ok=True)
    name = started.strftime(_NAME)
    # The name can exist: two nights can start within a second, and clocks can be set back.
    for number in range(1, 1000):
        path = parent / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"{parent}: found 999 folders with the time {name}, expected fewer; check the clock")


def records_of(baselines: Path) -> Path:
    """Return the folder with the records of the runs behind a baselines file, so that no two files share one."""
    return baselines.with_name(RECORDS if baselines.name == "baselines.json" else f"{baselines.stem}_runs")


def measured_runs(baselines: Baselines, folder: Path, experiment: str, dataset: str) -> list[Run]:
    """Return ``runs_behind`` of an experiment's measured baseline on a data set; none if there is no such baseline."""
    entry = baselines.get(experiment, {}).get(dataset, {}).get("measured")
    return runs_behind(entry, folder, experiment, dataset) if entry else []


def runs_behind(baseline: Baseline, folder: Path, experiment: str, dataset: str) -> list[Run]:
    """Return the runs of a baseline from the folder of records; none unless all exist and have its values."""
    try:
        runs = [read_run(folder / record_name(experiment, dataset, seed)) for seed in baseline.seeds]
    except RunError:
        return []
    same = all(run.fingerprints == baseline.fingerprints for run in runs)
    if not same or [round(run.accuracy, 6) for run in runs] != baseline.metrics["accuracy"].values:
        return []
    return runs
