"""Writes the baselines that a night measured, and the records of their runs."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks.baselines.baseline import Baseline, Baselines
from benchmarks.baselines.baselines_file import read_baselines, updating, write_baselines
from benchmarks.baselines.measure import measured_baseline
from benchmarks.inputs.earlier import why_not_reusable
from benchmarks.night.night import Night
from benchmarks.records.trainings import Outcome
from cifar_models.results.run import Run
from cifar_models.results.run_files import record_name, write_run
from cifar_models.storage.files import remove_leftovers


class Update(NamedTuple):
    """An update of the baselines file.

    Attributes:
        after: the new content of the file.
        left_out: by experiment, why its baseline was not changed.
    """

    after: Baselines
    left_out: dict[str, str]


def update_baselines(night: Night) -> Update:
    """Write a baseline for each experiment that has a run of each seed, and the records of these runs.

    Other entries and records are not changed, even if another process updates them at the same time.

    Raises:
        BaselineError: the file has become unreadable since the start of the night, or another update does not end.
        OSError: the file or its records cannot be written. The file is unchanged, unless only the last step failed,
            which replaces the records.
    """
    settings, dataset = night.settings, night.inputs.dataset.name
    measured: dict[str, Baseline] = {}
    left_out: dict[str, str] = {}
    for name in sorted(night.trained):
        runs = night.runs_of(name)
        if len(runs) < len(settings.seeds_of(name)):
            left_out[name] = "not every seed gave a run"
            continue
        kinds = sorted({run.environment.machine for run in runs})
        if len(kinds) > 1:
            left_out[name] = (
                f"found runs of several kinds of machine ({'; '.join(kinds)}), expected one, because a baseline "
                f"describes one machine"
            )
            continue
        reused = any(one.experiment == name and one.outcome == Outcome.REUSED for one in night.trainings)
        if reused and (why := why_not_reusable(night.inputs, runs[0], tonight=night.folder)):
            left_out[name] = why
            continue
        try:
            today = datetime.datetime.now(tz=datetime.UTC).date()
            measured[name] = measured_baseline(runs, reason=settings.reason or "", day=today)
        except ValueError as error:
            left_out[name] = str(error)
    with updating(settings.baselines_path):
        after = read_baselines(settings.baselines_path) if settings.baselines_path.exists() else {}
        for name, entry in measured.items():
            after.setdefault(name, {}).setdefault(dataset, {})["measured"] = entry
        if measured:
            runs = [run for name in measured for run in night.runs_of(name)]
            with _staged(settings.records, runs) as staged:
                write_baselines(settings.baselines_path, after)
                _replace_records(settings.records, staged, runs)
    return Update(after, left_out)


@contextmanager
def _staged(folder: Path, runs: Iterable[Run]) -> Iterator[Path]:
    """Write the records of runs into a temporary folder, so that nothing is replaced before all of them fit."""
    staged = folder / ".staged.tmp"
    shutil.rmtree(staged, ignore_errors=True)  # that of a killed process
    try:
        for run in runs:
            write_run(staged, run)
        remove_leftovers(folder / "*")
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        with suppress(OSError):
            folder.rmdir()  # if nothing was ever recorded in it


def _replace_records(folder: Path, staged: Path, runs: Iterable[Run]) -> None:
    """Move the staged records of runs into the folder, and remove the experiments' records of other seeds."""
    written = {path.replace(folder / path.name) for path in list(staged.iterdir())}
    for name, dataset in {(run.experiment, run.dataset) for run in runs}:
        for former in set(folder.glob(record_name(name, dataset, "*"))) - written:
            former.unlink()
