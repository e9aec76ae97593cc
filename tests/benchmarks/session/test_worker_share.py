"""A worker's share of its machine: the cores divided, a GPU of its own where there are several."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.session import worker_share as share
from benchmarks.session.worker_share import cores_of, gpu_of, take_share, visible_gpus

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("cores", [1, 2, 3, 7, 8, 64])
@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_the_cores_are_all_used_and_shared_only_where_they_must_be(cores: int, workers: int) -> None:
    numbers = [10 + core for core in range(cores)]
    parts = [cores_of(worker, workers, numbers) for worker in range(workers)]
    assert sorted({core for part in parts for core in part}) == numbers
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    if workers <= cores:
        assert sum(sizes) == cores


def test_each_worker_has_a_gpu_of_its_own_or_shares_it_with_few() -> None:
    assert [gpu_of(worker, ["0", "2", "GPU-a1"]) for worker in range(3)] == ["0", "2", "GPU-a1"]
    assert [gpu_of(worker, ["0", "1"]) for worker in range(4)] == ["0", "1", "0", "1"]
    assert gpu_of(1, ["0"]) is gpu_of(1, []) is None


def test_a_worker_has_its_cores_and_as_many_threads_as_the_whole_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, cores: kept.append(cores))
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "")  # so that it is as it was afterwards
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS")
    take_share(1, 2, use_gpu=False)
    assert kept == [[2, 3]]
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "4"


def test_a_worker_on_a_gpu_sees_its_own_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    take_share(1, 2, use_gpu=True)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"


def test_the_gpus_are_those_that_are_visible_or_else_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "_NVIDIA_GPUS", tmp_path / "none")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus() == []
    for number in range(2):
        (tmp_path / f"0000:0{number}").mkdir()
    monkeypatch.setattr(share, "_NVIDIA_GPUS", tmp_path)
    assert visible_gpus() == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    assert visible_gpus() == ["4", "7"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == []
