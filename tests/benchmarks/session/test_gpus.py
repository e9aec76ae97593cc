"""``--gpu`` and its absence, by whole sessions on simulated GPUs."""

from __future__ import annotations

import pytest
import tensorflow as tf

from tests.benchmarks.sessions import (
    Bench,
)

pytestmark = pytest.mark.integration


def _simulate_gpus(bench: Bench, monkeypatch: pytest.MonkeyPatch, gpus: list[str]) -> None:
    def grow(gpu: str, on: bool) -> None:
        bench.events.append(f"memory growth of {gpu} {'on' if on else 'off'}")

    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: {"GPU": gpus}[kind])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", grow)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": f"Model {gpu}"})


def test_gpu_without_a_gpu_is_one_line_and_nothing_is_loaded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.record()
    _simulate_gpus(bench, monkeypatch, [])
    result = bench.benchmark("--gpu")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith("ERROR: --gpu: found no GPU that TensorFlow can see, expected at least one; check")
    assert line.endswith("; or leave --gpu out to train on the CPU")
    assert bench.events == []


def test_gpu_with_a_gpu_trains_and_hides_none(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.record()
    _simulate_gpus(bench, monkeypatch, ["A", "B"])
    result = bench.benchmark("--gpu", "-k", "simple_cnn")
    result.assert_outcomes(passed=2, deselected=4)
    assert result.ret == pytest.ExitCode.OK
    assert bench.events == [
        "memory growth of A on",
        "memory growth of B on",
        "load synthetic None",
        "train simple_cnn 0 on none",
    ]
    result.stdout.fnmatch_lines(["device: Model A on *"])


def test_gpus_whose_memory_is_taken_already_are_one_line(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_use(*_: object) -> None:
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    _simulate_gpus(bench, monkeypatch, ["A"])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", in_use)
    result = bench.benchmark("--gpu")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith("ERROR: --gpu: found GPUs that this process already uses (Physical devices cannot")
    assert bench.events == []


def test_gpus_that_can_no_longer_be_hidden_are_one_line(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_use(*_: object) -> None:
        raise RuntimeError("Visible devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config, "set_visible_devices", in_use)
    result = bench.benchmark()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith("ERROR: GPU: found it already in use (Visible devices cannot be modified")
    assert bench.events == []
