"""Limits a worker to its share of the machine's GPUs or cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_NVIDIA_GPUS = Path("/proc/driver/nvidia/gpus")
"""The folder with a folder for each GPU of NVIDIA's driver."""


def gpu_of(worker: int, gpus: Sequence[str]) -> str | None:
    """Return the GPU of a worker, shared with as few other workers as possible; None if there are fewer than two.

    Args:
        worker: number of the worker, from 0.
        gpus: identifiers of the GPUs, as in ``CUDA_VISIBLE_DEVICES``.
    """
    return gpus[worker % len(gpus)] if len(gpus) > 1 else None


def cores_of(worker: int, workers: int, cores: Sequence[int]) -> list[int]:
    """Return the cores of a worker: an equal part, or one shared core if there are more workers than cores.

    Args:
        worker: number of the worker, from 0.
        workers: number of workers on this machine.
        cores: the cores that this process may use.
    """
    if workers > len(cores):
        return [cores[worker % len(cores)]]
    return list(cores[worker * len(cores) // workers : (worker + 1) * len(cores) // workers])


def take_share(worker: int, workers: int, *, use_gpu: bool) -> None:
    """Limit this process to its share of the machine, before TensorFlow is imported.

    A worker on the CPU gets as many threads as a single process on all cores. TensorFlow splits sums by the number of
    threads, which changes the last digits and, after some epochs, all digits.

    Args:
        worker: number of the worker, from 0.
        workers: number of workers on this machine.
        use_gpu: whether to limit the GPUs instead of the cores.
    """
    if use_gpu:
        if gpu := gpu_of(worker, visible_gpus()):
            os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    elif hasattr(os, "sched_setaffinity"):  # only on Linux; other systems schedule the threads themselves
        cores = sorted(os.sched_getaffinity(0))
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(len(cores)))
        os.sched_setaffinity(0, cores_of(worker, workers, cores))


def visible_gpus() -> list[str]:
    """Return the identifiers of the GPUs that CUDA may use: those in ``CUDA_VISIBLE_DEVICES``, otherwise all."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [gpu for gpu in visible.split(",") if gpu]
    return [str(number) for number, _ in enumerate(_NVIDIA_GPUS.iterdir())] if _NVIDIA_GPUS.is_dir() else []
