"""The golden trajectories hold on other kernels and with other numbers of threads: they do not cry wolf."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.sensitivity


@pytest.mark.parametrize("onednn", ["0", "1"])
@pytest.mark.parametrize("threads", ["1", "2"])
def test_threads_and_kernels_change_nothing_that_counts(threads: str, onednn: str) -> None:
    environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": threads, "TF_ENABLE_ONEDNN_OPTS": onednn}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "unit", "tests/golden/test_golden.py"]
    root = Path(__file__).parents[2]
    ended = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.returncode == 0, ended.stdout
