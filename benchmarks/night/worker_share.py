"""Limits a worker to its share of the machine's GPUs or cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_NVIDIA_GPUS = Path("/proc/driver/nvidia/gpus")
"""Has a folder for each GPU that NVIDIA's driver knows."""


def gpu_of(worker: int, gpus: Sequence[str]) -> str | None:
    """Return the GPU for a worker with this number from 0, shared with as few others as possible.

    ``gpus`` are identifiers as in ``CUDA_VISIBLE_DEVICES``. None if there is no choice.
    """
    return gpus[worker % len(gpus)] if len(gpus) > 1 else None


def cores_of(worker: int, workers: int, cores: Sequence[int]) -> list[int]:
    """Return the cores for a worker with this number from 0: an equal part, or a shared core if there are too few.

    ``workers`` is the number of workers on this machine, and ``cores`` are the cores that this process may use.
    """
    if workers > len(cores):
        return [cores[worker % len(cores)]]
    return list(cores[worker * len(cores) // workers : (worker + 1) * len(cores) // workers])


def take_share(worker: int, workers: int, *, use_gpu: bool) -> None:
    """Limit this process to its share of the machine, before TensorFlow is imported.

    A worker on the CPU has as many threads as one process on all cores, because the number of threads decides how
    TensorFlow splits sums, and so the last digits and, after some epochs, all digits.
    """
    if use_gpu:
        if gpu := gpu_of(worker, visible_gpus()):
            os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    elif hasattr(os, "sched_setaffinity"):  # on Linux; other systems distribute the cores themselves
        cores = sorted(os.sched_getaffinity(0))
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(len(cores)))
        os.sched_setaffinity(0, cores_of(worker, workers, cores))


def visible_gpus() -> list[str]:
    """Return the identifiers of the GPUs that CUDA may use: those in ``CUDA_VISIBLE_DEVICES``, otherwise all."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [gpu for gpu in visible.split(",") if gpu]
    return [str(number) for number, _ in enumerate(_NVIDIA_GPUS.iterdir())] if _NVIDIA_GPUS.is_dir() else []
