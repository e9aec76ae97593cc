"""Run records on disk: one file for each finished training."""

from __future__ import annotations

from pathlib import Path

from benchmarks.files import write_whole
from cifar_models.run import Run


def write_run(folder: Path, run: Run) -> Path:
    """Write a run's record into a folder, which is made if need be; return the file.

    A record of the same experiment, data set and seed is replaced.

    Raises:
        OSError: the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run.experiment}.{run.dataset}.seed{run.seed}.json"
    write_whole(path, run.to_json())
    return path
