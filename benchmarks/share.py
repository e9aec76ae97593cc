"""A worker's fair share of a machine that trains several experiments at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_NVIDIA_GPUS = Path("/proc/driver/nvidia/gpus")
"""A folder for each GPU that NVIDIA's driver knows."""


def share_of(
    worker: int, workers: int, *, use_gpu: bool, cores: int | None = None, gpus: Sequence[str] | None = None
) -> dict[str, str]:
    """Return the environment variables that keep a worker to its share; TensorFlow reads them when it is imported.

    With several GPUs each worker has one of its own, or shares it with as few others as can be; with one GPU all share
    it. Without any each has as many threads as its part of the cores, at least one.

    Args:
        worker: its number, from 0.
        workers: how many there are on this machine, 1 or more.
        use_gpu: whether the GPUs are to be used.
        cores: that this process may use; counted if None.
        gpus: their identifiers, as ``CUDA_VISIBLE_DEVICES`` takes them; found if None.
    """
    if use_gpu:
        gpus = _visible_gpus() if gpus is None else gpus
        return {"CUDA_VISIBLE_DEVICES": gpus[worker % len(gpus)]} if len(gpus) > 1 else {}
    threads = max(1, (cores or _cores()) // workers)
    return {"TF_NUM_INTRAOP_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}


def _visible_gpus() -> list[str]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [gpu for gpu in visible.split(",") if gpu]
    return [str(number) for number, _ in enumerate(_NVIDIA_GPUS.iterdir())] if _NVIDIA_GPUS.is_dir() else []


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # on Linux: those that this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
