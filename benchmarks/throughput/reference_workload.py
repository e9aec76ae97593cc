"""A small fixed workload that measures a machine's speed, so that figures of two machines can be compared."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

# Uses only NumPy's own loops, so that a slower TensorFlow or BLAS library does not slow the reference too.
_BLOCKS = 32
_VALUES = 1 << 16
_PASSES = 30


def time_reference(clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds that the workload takes: 32 blocks of float32 arithmetic, distributed over the cores.

    It takes about 20 ms on two cores, and a block fits into a core's cache. ``clock`` returns seconds.
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
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
