"""Which devices TensorFlow trains on; the GPUs are simulated, as no test may need one."""

from __future__ import annotations

import pytest
import tensorflow as tf

from cifar_models.training.devices import hide_gpus, use_gpus

pytestmark = pytest.mark.unit


def test_without_a_gpu_there_is_no_training_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: {"GPU": []}[kind])
    with pytest.raises(RuntimeError, match="found no GPU that TensorFlow can see, expected at least one; check"):
        use_gpus()


def test_of_each_gpu_only_the_memory_that_is_needed_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    growing = []
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: {"GPU": ["GPU:0", "GPU:1"]}[kind])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda gpu, on: growing.append((gpu, on)))
    use_gpus()
    assert growing == [("GPU:0", True), ("GPU:1", True)]


def test_gpus_whose_memory_is_taken_already_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def in_use(*_: object) -> None:
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: {"GPU": ["GPU:0"]}[kind])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", in_use)
    with pytest.raises(
        RuntimeError, match=r"found GPUs that this process already uses \(Physical devices .*\), expected to set"
    ):
        use_gpus()


def test_hidden_gpus_are_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    visible = []
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda devices, kind: visible.append((devices, kind)))
    hide_gpus()
    assert visible == [([], "GPU")]


def test_hiding_gpus_where_there_are_none_changes_nothing() -> None:
    if not tf.config.get_visible_devices("GPU"):
        hide_gpus()
        hide_gpus()
    assert tf.config.get_visible_devices("CPU")


def test_a_gpu_that_was_hidden_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: {"GPU": ["GPU:0"]}[kind])
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: {"GPU": []}[kind])
    with pytest.raises(RuntimeError, match="found no GPU that TensorFlow can see"):
        use_gpus()
