"""A pytest plugin for a night with ``--gpu`` without GPUs: prints the GPUs that CUDA would show each worker."""

from __future__ import annotations

import os

from cifar_models.training import devices
from tests.faults.stub import SIGNALS


def pytest_configure() -> None:
    """Put up with no GPU."""
    devices.use_gpus = lambda: None


def pytest_collection_finish() -> None:
    """Leave a file with what CUDA would show."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        (SIGNALS / f"gpus {worker}").write_text(os.environ["CUDA_VISIBLE_DEVICES"], encoding="utf-8")
