"""Run records on disk: one file for each finished training."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.files import write_whole
from cifar_models.run import Run, RunError


def record_name(experiment: str, dataset: str, seed: int | str) -> str:
    """Return the name of a run's file; ``*`` for the seed makes a pattern of it."""
    return f"{experiment}.{dataset}.seed{seed}.json"


def write_run(folder: Path, run: Run) -> Path:
    """Write a run's record into a folder, which is made if need be; return the file.

    A record of the same experiment, data set and seed is replaced.

    Raises:
        OSError: the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / record_name(run.experiment, run.dataset, run.seed)
    write_whole(path, run.to_json())
    return path


def read_runs(folder: Path, experiment: str, dataset: str, seeds: Iterable[int]) -> list[Run]:
    """Return those of an experiment's records that are there, in the order of the seeds; no damaged one."""
    runs = []
    for seed in seeds:
        try:
            runs.append(Run.from_json((folder / record_name(experiment, dataset, seed)).read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, RunError):
            continue
    return runs
