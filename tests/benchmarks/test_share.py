"""A worker's share of its machine: the cores divided, a GPU of its own where there are several."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import share
from benchmarks.share import share_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("cores", "workers", "threads"), [(8, 2, "4"), (8, 3, "2"), (2, 2, "1"), (1, 4, "1")])
def test_without_a_gpu_the_cores_are_divided(cores: int, workers: int, threads: str) -> None:
    for worker in range(workers):
        found = share_of(worker, workers, use_gpu=False, cores=cores)
        assert found == {"TF_NUM_INTRAOP_THREADS": threads, "OMP_NUM_THREADS": threads}


def test_each_worker_has_a_gpu_of_its_own_and_none_has_two() -> None:
    found = [share_of(worker, 3, use_gpu=True, gpus=["0", "2", "GPU-a1"]) for worker in range(3)]
    assert found == [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in ("0", "2", "GPU-a1")]


def test_more_workers_than_gpus_share_them_evenly() -> None:
    found = [share_of(worker, 4, use_gpu=True, gpus=["0", "1"])["CUDA_VISIBLE_DEVICES"] for worker in range(4)]
    assert found == ["0", "1", "0", "1"]


@pytest.mark.parametrize("gpus", [[], ["0"]])
def test_one_gpu_or_none_is_left_as_it_is(gpus: list[str]) -> None:
    assert share_of(1, 2, use_gpu=True, gpus=gpus) == {}


def test_the_gpus_are_those_that_are_visible_or_else_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "_NVIDIA_GPUS", tmp_path / "none")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert share_of(0, 2, use_gpu=True) == {}
    for number in range(2):
        (tmp_path / f"0000:0{number}").mkdir()
    monkeypatch.setattr(share, "_NVIDIA_GPUS", tmp_path)
    assert share_of(1, 2, use_gpu=True) == {"CUDA_VISIBLE_DEVICES": "1"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    assert share_of(1, 2, use_gpu=True) == {"CUDA_VISIBLE_DEVICES": "7"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert share_of(1, 2, use_gpu=True) == {}
