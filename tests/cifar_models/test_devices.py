"""Which devices TensorFlow trains on; the GPUs are simulated, as no test may need one."""

from __future__ import annotations

import pytest
import tensorflow as tf

from cifar_models.devices import hide_gpus, use_gpus

pytestmark = pytest.mark.unit


def test_without_a_gpu_there_is_no_training_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: {"GPU": []}[kind])
    with pytest.raises(RuntimeError, match="found no GPU that TensorFlow can see, expected at least one: check"):
        use_gpus()


def test_a_gpu_that_tensorflow_sees_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: {"GPU": ["GPU:0"]}[kind])
    use_gpus()


def test_hidden_gpus_are_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    visible = []
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda devices, kind: visible.append((devices, kind)))
    hide_gpus()
    assert visible == [([], "GPU")]


def test_hiding_gpus_where_there_are_none_changes_nothing() -> None:
    if not tf.config.list_physical_devices("GPU"):
        hide_gpus()
        hide_gpus()
    assert tf.config.get_visible_devices("CPU")
