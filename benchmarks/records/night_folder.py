"""Nights on disk: a folder each, with one record for each finished training, each written whole or not at all."""

from __future__ import annotations

import datetime
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from benchmarks.baselines.baseline import Baseline
from benchmarks.baselines.shared_lock import refused_lock, shared_lock
from benchmarks.records.exact import Exact
from benchmarks.records.judge import CLASS_METRIC
from benchmarks.records.selection import Selection, Shard
from benchmarks.records.trainings import same_numbers
from benchmarks.statistics import FALSE_ALARM_RATE
from benchmarks.statistics.cusum import DriftVerdict
from benchmarks.statistics.verdict import Verdict
from cifar_models.results.run import Run, RunError
from cifar_models.results.run_files import read_run, record_name
from cifar_models.storage.files import remove_leftovers, write_whole
from cifar_models.storage.strict_json import added_later, parse_record, read_as, to_json

FORMAT = 2
"""The number of a night's own record; another layout gets another number. Format 1 is still read."""
NIGHT_RECORD = "night.json"
RECORDS = "baseline_runs"
"""The folder beside baselines.json with the records of the runs that it was measured by."""
_LOCK = ".lock"
_REMOVED = ".removed"
_NAME = "%Y-%m-%dT%H-%M-%SZ"  # without colons, which not every file system allows


class NightError(ValueError):
    """A folder that is no night: what was found and what was expected."""


@dataclass(frozen=True)
class BaselineMark:
    """Which baseline a night was held against.

    Attributes:
        source: where it came from, ``measured`` or ``published``.
        recorded: the day.
        reason: why it was set.
        fingerprint: over all of it; None in a record of format 1.
    """

    source: str
    recorded: str
    reason: str
    fingerprint: str | None = None

    @classmethod
    def of(cls, baseline: Baseline) -> BaselineMark:
        """Return the mark of a baseline."""
        digest = hashlib.sha256(to_json(baseline).encode()).hexdigest()
        return cls(baseline.source, baseline.recorded, baseline.reason, f"sha256:{digest}")

    def same_as(self, other: BaselineMark) -> bool:
        """Return whether both are of one baseline, as far as their records tell."""
        if None in (self.fingerprint, other.fingerprint):
            return replace(self, fingerprint=None) == replace(other, fingerprint=None)
        return self == other


@dataclass(frozen=True)
class NightRecord:
    """What a night was and how it ended.

    Attributes:
        dataset: the data set's name.
        data: its fingerprint.
        started: in UTC, as YYYY-MM-DDTHH:MM:SS+00:00.
        ended: likewise; None while it runs, and for good if it was interrupted.
        false_alarm_rate: of the whole night.
        verdicts: in the order of the table; one of format 1 has means alone, no values.
        problems: why an experiment was not judged, by its name.
        exact: each run that repeats a recorded one, against it.
        drifts: of accuracy and loss over this night and those before it.
        baselines: by experiment, of those judged.
        selection: what the night is to do before it has ended; empty in a record of format 1.
        must_be_identical: whether a run fails that differs from the recorded one that it repeats; None if not recorded.
        shard: which part of a night this is; None of a whole night.
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

    def is_part_like(self, shard: Shard | None) -> bool:
        """Return whether this is the same part of a night as a shard, or as ``None`` a whole night."""
        if shard is None or self.shard is None:
            return shard is self.shard
        return (self.shard.number, self.shard.count, self.shard.first_seed) == (
            *(shard.number, shard.count),
            shard.first_seed,
        )


class NightFolder:
    """The folder of a night that this process runs; no other process goes on with it meanwhile."""

    def __init__(self, path: Path, lock: FileLock) -> None:
        self.path, self._lock = path, lock

    @classmethod
    def start(cls, run_dir: Path, record: NightRecord) -> NightFolder:
        """Make a new night's folder, named by the time at which it starts.

        Raises:
            OSError: the folder cannot be made or written.
        """
        run_dir.mkdir(parents=True, exist_ok=True)
        name = datetime.datetime.fromisoformat(record.started).strftime(_NAME)
        # Two nights may start within a second, and a clock may be set back to an hour that had its night.
        for number in range(1, 1000):
            path = run_dir / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            folder = cls(path, shared_lock(path / _LOCK))
            try:
                folder._lock.acquire()
                folder.write_record(record)
            except OSError:
                folder.remove()
                raise
            return folder
        raise FileExistsError(f"{run_dir}: found a thousand nights of {name}, expected room for another")

    @classmethod
    def resume(cls, run_dir: Path, like: NightRecord) -> NightFolder | None:
        """Return the newest interrupted night that nobody goes on with; None if none was.

        Args:
            run_dir: the folder of nights.
            like: what tonight's record is: the night has the same data, and is the same shard, or none.

        Raises:
            OSError: its folder cannot be written.
        """
        for path, record in newest_first(run_dir):
            if record.ended is not None or (record.dataset, record.data) != (like.dataset, like.data):
                continue
            if not record.is_part_like(like.shard):
                continue
            try:
                folder = cls.take(path)
            except PermissionError:
                if _is_own(path):
                    raise
                continue  # another user's, who may go on with it
            if folder is None:
                continue
            # Once more, under the lock: whoever held it may have ended the night since, or removed it.
            with suppress(NightError):
                if folder.read_record().ended is None:
                    remove_leftovers(path / "*")
                    return folder
            folder.close()
        return None

    @classmethod
    def take(cls, path: Path) -> NightFolder | None:
        """Return the folder of a night that nobody runs; None if somebody does.

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
        """Write what the night is.

        Raises:
            OSError: the folder cannot be written; the former record is as it was.
        """
        write_whole(self.path / NIGHT_RECORD, to_json({"format": FORMAT, **asdict(record)}))

    def set_apart(self, run: Run, number: int) -> None:
        """Keep one of two different runs of an experiment and seed where nothing takes it for the night's run.

        Raises:
            OSError: the folder cannot be written.
        """
        name = record_name(run.experiment, run.dataset, run.seed)
        write_whole(self.path / f"{name}.different{number}", run.to_json())
        (self.path / name).unlink(missing_ok=True)

    def read_record(self) -> NightRecord:
        """Return what the night is.

        Raises:
            NightError: the record is missing or damaged.
        """
        return read_night(self.path)

    def close(self) -> None:
        """Let others go on with the night."""
        self._lock.release()

    def remove(self) -> None:
        """Remove the night for good, and for whoever looks for nights at once.

        Raises:
            OSError: the folder cannot be removed.
        """
        removed = self.path.rename(self.path.with_name(f".{self.path.name}{_REMOVED}"))
        shutil.rmtree(removed)
        self._lock.release()


def _is_own(path: Path) -> bool:
    """Return whether a file or folder belongs to this user; where users have no numbers, it does."""
    return not hasattr(os, "geteuid") or path.stat().st_uid == os.geteuid()


def nights(run_dir: Path) -> Iterator[tuple[Path, NightRecord]]:
    """Yield each night's folder and record in the order of the folders' names; what is no night is passed over."""
    for path in _folders(run_dir):
        try:
            yield path, read_night(path)
        except NightError:
            continue


def newest_first(run_dir: Path) -> list[tuple[Path, NightRecord]]:
    """Return each night's folder and record, the one that started last by its own clock first."""
    return sorted(nights(run_dir), key=lambda night: (night[1].started, night[0].name), reverse=True)


def damaged_nights(run_dir: Path) -> Iterator[NightError]:
    """Yield what is wrong with each night whose own record is there and cannot be read."""
    for path in _folders(run_dir):
        try:
            read_night(path)
        except NightError as error:
            if (path / NIGHT_RECORD).exists():
                yield error


def remove_half_removed(run_dir: Path) -> None:
    """Remove the rest of nights whose removal was broken off.

    Raises:
        OSError: they cannot be removed.
    """
    for path in run_dir.glob(f".*{_REMOVED}"):
        shutil.rmtree(path)


def _folders(run_dir: Path) -> list[Path]:
    return sorted(path for path in run_dir.glob("[!.]*") if path.is_dir())


def read_night(path: Path) -> NightRecord:
    """Read the record of a night from its folder.

    Raises:
        NightError: there is none, or it is cut short, damaged or of another format.
    """
    file = path / NIGHT_RECORD
    try:
        version, record = parse_record(file.read_text(encoding="utf-8"), "format", [1, FORMAT])
        if version == 1:
            record = _from_format_1(record)
        night: NightRecord = read_as(NightRecord, record, "night")
        for time in filter(None, (night.started, night.ended)):
            datetime.datetime.fromisoformat(time)
    except (OSError, ValueError) as error:  # a UnicodeDecodeError is a ValueError
        raise NightError(f"{file}: {error}; this is not the record of a night") from None
    return night


def _from_format_1(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of format 1 as one of today's; what it did not hold is None, empty, or follows from the rest."""
    record |= {"selection": asdict(Selection()), "exact": [], "drifts": []}
    marks, verdicts = record.get("baselines"), record.get("verdicts")
    if isinstance(marks, dict) and all(isinstance(mark, dict) for mark in marks.values()):
        record["baselines"] = {name: mark | {"fingerprint": None} for name, mark in marks.items()}
        if isinstance(verdicts, list) and all(isinstance(verdict, dict) for verdict in verdicts):
            record["verdicts"] = [verdict | _missing_in_format_1(verdict, marks) for verdict in verdicts]
    return record


def _missing_in_format_1(verdict: dict[str, Any], marks: dict[str, Any]) -> dict[str, Any]:
    statistics = ("deviation", "degrees_of_freedom", "p_value", "level", "seeds_wanted", "per_point")
    today, baseline = verdict.get("today"), verdict.get("baseline")
    return {
        "effect": today - baseline if isinstance(today, float) and isinstance(baseline, float) else None,
        **dict.fromkeys(("tolerance", "inner_allowance", *statistics)),
        "source": marks.get(str(verdict.get("experiment")), {}).get("source"),
        "family": "per_class" if str(verdict.get("metric")).startswith(CLASS_METRIC) else "headline",
        "baseline_values": [],
        "today_values": [],
    }


def read_night_runs(folder: Path) -> tuple[list[Run], list[RunError]]:
    """Return the runs of a night's folder, by experiment and seed, and an error for each record that cannot be used.

    A run whose record is there twice is returned once; of two different runs of one experiment and seed, none is.
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


def read_runs(folder: Path, experiment: str, dataset: str, seeds: Iterable[int]) -> list[Run]:
    """Return those of an experiment's records that are there, in the order of the seeds; no damaged one."""
    runs = []
    for seed in seeds:
        try:
            runs.append(read_run(folder / record_name(experiment, dataset, seed)))
        except RunError:
            continue
    return runs


def runs_behind(baseline: Baseline, folder: Path, experiment: str, dataset: str) -> list[Run]:
    """Return the runs that a baseline was measured by, from the folder of records; none unless they are these and all.

    Args:
        baseline: of that experiment on that data set; a published one has no runs.
        folder: such as ``RECORDS``.
        experiment: its name.
        dataset: the data set's name.
    """
    runs = read_runs(folder, experiment, dataset, baseline.seeds)
    same = len(runs) == len(baseline.seeds) and all(run.fingerprints == baseline.fingerprints for run in runs)
    if not same or [round(run.accuracy, 6) for run in runs] != baseline.metrics["accuracy"].values:
        return []
    return runs
