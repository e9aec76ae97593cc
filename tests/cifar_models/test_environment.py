"""The environment of a training, for the record."""

from __future__ import annotations

import platform
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from cifar_models import environment
from cifar_models.environment import describe_device, describe_environment

pytestmark = pytest.mark.unit


def test_the_versions_are_those_in_use() -> None:
    described = describe_environment()
    assert set(described.packages) == {"tensorflow", "keras", "numpy", "scikit-learn", "h5py"}
    assert described.packages["keras"] == keras.__version__
    assert described.packages["numpy"] == np.__version__
    assert described.packages["tensorflow"] == tf.__version__
    assert described.python == platform.python_version()
    assert described.system == f"{platform.system()} {platform.machine()}"
    assert described.processor
    assert described.device == describe_device()


def test_the_device_is_the_cpu_where_tensorflow_sees_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: {"GPU": []}[kind])
    assert describe_device() == "CPU"


def test_gpus_are_named_by_their_model_or_else_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    details = {"/gpu:0": {"device_name": "Model X"}, "/gpu:1": {}}
    gpus = [SimpleNamespace(name=name) for name in details]
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: {"GPU": gpus}[kind])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details[gpu.name])
    assert describe_device() == "Model X, /gpu:1"


def test_the_processor_is_linux_s_model_name_or_else_what_python_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    monkeypatch.setattr(environment, "Path", lambda _: cpuinfo)
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert describe_environment().processor == platform.machine()
    cpuinfo.write_bytes(b"vendor_id\t: V\xff\nmodel name\t: Some CPU @ 2 GHz: fast\nmodel name\t: another\n")
    assert describe_environment().processor == "Some CPU @ 2 GHz: fast"
