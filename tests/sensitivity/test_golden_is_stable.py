"""The golden trajectories hold on other kernels and with other numbers of threads: they raise no false alarm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.sensitivity

KERNELS = {
    "Eigen": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "1"},
    # As on a processor without AVX-512, and as on one without AVX.
    "oneDNN for AVX2": {"TF_ENABLE_ONEDNN_OPTS": "1", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "oneDNN for SSE4.1": {"TF_ENABLE_ONEDNN_OPTS": "1", "ONEDNN_MAX_CPU_ISA": "SSE41"},
}


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("threads", ["1", "2"])
def test_threads_and_kernels_change_nothing_that_counts(threads: str, kernels: str) -> None:
    environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": threads, **KERNELS[kernels]}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "unit", "tests/golden/test_golden.py"]
    root = Path(__file__).parents[2]
    ended = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.returncode == 0, ended.stdout
