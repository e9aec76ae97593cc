"""Runs on disk: one file each, named by experiment, data set and seed."""

from __future__ import annotations

from pathlib import Path

from cifar_models.results.run import Run, RunError
from cifar_models.storage.files import write_whole


def record_name(experiment: str, dataset: str, seed: int | str) -> str:
    """Return the name of a run's file, or a glob pattern if a part is ``*``."""
    return f"{experiment}.{dataset}.seed{seed}.json"


def write_run(folder: Path, run: Run) -> Path:
    """Write a run into a folder, which is created if necessary, and return the file; an existing file is replaced.

    Raises:
        OSError: the folder cannot be created or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / record_name(run.experiment, run.dataset, run.seed)
    write_whole(path, run.to_json())
    return path


def read_run(path: Path) -> Run:
    """Read a run from a file.

    Raises:
        RunError: the file is missing, damaged or of another format.
    """
    try:
        return Run.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # a RunError and a UnicodeDecodeError are ValueErrors
        raise RunError(f"{path}: {error}") from None
