"""A small fixed workload: what a machine's speed is measured by, so that figures of two machines can be compared."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

# Of NumPy's own loops alone: TensorFlow or a BLAS library that became slower must not slow the measure with it.
_BLOCKS = 32
_VALUES = 1 << 16
_PASSES = 30


def time_reference(clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds that the workload takes now: 32 blocks of float32 arithmetic, shared out over the cores.

    Some 20 milliseconds on two cores. A block fits into a core's own cache.

    Args:
        clock: what the seconds are read from, such as ``time.process_time``.
    """
    started = clock()
    with ThreadPoolExecutor(_cores()) as pool:
        for _ in pool.map(_work, range(_BLOCKS)):
            pass
    return clock() - started


def _work(block: int) -> None:
    values = np.full(_VALUES, block, np.float32)
    for _ in range(_PASSES):
        np.multiply(values, np.float32(0.5), out=values)
        np.add(values, np.float32(1), out=values)
        np.sqrt(values, out=values)


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
