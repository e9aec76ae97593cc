"""A worker's fair share of a machine that trains several experiments at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_NVIDIA_GPUS = Path("/proc/driver/nvidia/gpus")
"""A folder for each GPU that NVIDIA's driver knows."""


def gpu_of(worker: int, gpus: Sequence[str]) -> str | None:
    """Return the GPU that a worker is to use: one of its own, or shared with as few others as can be.

    Args:
        worker: its number, from 0.
        gpus: their identifiers, as ``CUDA_VISIBLE_DEVICES`` takes them.

    Returns:
        One of them; None where there are not several to choose from.
    """
    return gpus[worker % len(gpus)] if len(gpus) > 1 else None


def cores_of(worker: int, workers: int, cores: Sequence[int]) -> list[int]:
    """Return the cores that a worker is to use: its part of all, or one shared where there are more workers.

    Args:
        worker: its number, from 0.
        workers: how many there are on this machine, 1 or more.
        cores: the numbers of those that this process may use, one or more.
    """
    if workers > len(cores):
        return [cores[worker % len(cores)]]
    return list(cores[worker * len(cores) // workers : (worker + 1) * len(cores) // workers])


def take_share(worker: int, workers: int, *, use_gpu: bool) -> None:
    """Keep this process to its share of the machine; TensorFlow must not have been imported yet.

    A worker on the CPU runs as many threads as one process on all cores would, on fewer cores: how many threads there
    are decides how TensorFlow cuts its sums, and so the last digits of a training and, some epochs later, all of them.
    """
    if use_gpu:
        if gpu := gpu_of(worker, visible_gpus()):
            os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    elif hasattr(os, "sched_setaffinity"):  # on Linux; elsewhere the system shares the cores out
        cores = sorted(os.sched_getaffinity(0))
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(len(cores)))
        os.sched_setaffinity(0, cores_of(worker, workers, cores))


def visible_gpus() -> list[str]:
    """Return the identifiers of the GPUs that CUDA may use: those of ``CUDA_VISIBLE_DEVICES``, otherwise all."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [gpu for gpu in visible.split(",") if gpu]
    return [str(number) for number, _ in enumerate(_NVIDIA_GPUS.iterdir())] if _NVIDIA_GPUS.is_dir() else []
