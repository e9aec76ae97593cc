"""Runs on disk: one file each, named by what was trained, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from cifar_models.results.run import Run, RunError
from cifar_models.storage.files import write_whole


def record_name(experiment: str, dataset: str, seed: int | str) -> str:
    """Return the name of a run's file; ``*`` for any part makes a pattern of it."""
    return f"{experiment}.{dataset}.seed{seed}.json"


def write_run(folder: Path, run: Run) -> Path:
    """Write a run's record into a folder, which is created if it is absent; return the file.

    A record of the same experiment, data set and seed is replaced.

    Raises:
        OSError: the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / record_name(run.experiment, run.dataset, run.seed)
    write_whole(path, run.to_json())
    return path


def read_run(path: Path) -> Run:
    """Read a run's record.

    Raises:
        RunError: it is missing, cut short, damaged or of another format; names the file.
    """
    try:
        return Run.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # a RunError and a UnicodeDecodeError are ValueErrors
        raise RunError(f"{path}: {error}") from None
