"""The environment of a training, for the record."""

from __future__ import annotations

import dataclasses
import os
import platform
import resource
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from cifar_models.results import environment
from cifar_models.results.environment import (
    THREADS,
    THREADS_VARIABLE,
    describe_device,
    describe_environment,
    peak_memory,
)
from cifar_models.storage.strict_json import to_json

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


@pytest.mark.parametrize(("details", "name"), [({"device_name": "Model X"}, "Model X"), ({}, "/gpu:0")])
def test_a_gpu_is_named_by_its_model_or_else_by_its_number(
    monkeypatch: pytest.MonkeyPatch, details: dict[str, str], name: str
) -> None:
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: {"GPU": [SimpleNamespace(name="/gpu:0")]}[kind])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda _: details)
    assert describe_device() == name
    assert describe_environment().device == name


def test_of_several_gpus_a_training_takes_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = [SimpleNamespace(name=f"/gpu:{number}") for number in range(2)]
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: {"GPU": gpus}[kind])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda _: {})
    assert describe_device() == "/gpu:0"


def test_without_a_gpu_the_device_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: {"GPU": []}[kind])
    assert describe_device() == "CPU"


def test_the_processor_is_linux_s_model_name_or_else_what_python_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    monkeypatch.setattr(environment, "Path", lambda _: cpuinfo)
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert describe_environment().processor == platform.machine()
    cpuinfo.write_bytes(b"vendor_id\t: V\xff\nmodel name\t: Some CPU @ 2 GHz: fast\nmodel name\t: another\n")
    assert describe_environment().processor == "Some CPU @ 2 GHz: fast"


def test_the_driver_is_nvidia_s_own_words_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = tmp_path / "version"
    monkeypatch.setattr(environment, "Path", lambda _: version)
    assert environment._driver() is None
    version.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  555.42\nGCC version: 12\n", encoding="utf-8")
    assert environment._driver() == "NVIDIA UNIX x86_64 Kernel Module  555.42"
    version.write_text("", encoding="utf-8")
    assert environment._driver() is None


@pytest.mark.parametrize(("system", "unit"), [("freebsd14", 1024), ("darwin", 1)])
def test_the_peak_memory_is_in_bytes(system: str, unit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrusage", lambda _: SimpleNamespace(ru_maxrss=7))
    monkeypatch.setattr(sys, "platform", system)
    assert peak_memory() == 7 * unit


@pytest.mark.parametrize("status", ["", "Name:\tpython\nVmRSS:\t10 kB\n", "VmHWM:\n", "VmHWM:\t?\n"])
def test_a_kernel_that_does_not_tell_the_peak_memory_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(environment, "Path", lambda _: tmp_path / "status")
    assert peak_memory() is None  # no /proc
    (tmp_path / "status").write_text(status, encoding="utf-8")
    assert peak_memory() is None
    (tmp_path / "status").write_text("Name:\tVmHWM:\nVmHWM:\t    1024 kB\n", encoding="utf-8")
    assert peak_memory() == 1024 * 1024


@pytest.mark.parametrize(
    ("name", "recorded"),
    [
        *((name, True) for name in ("TF_DETERMINISTIC_OPS", "TF_ENABLE_ONEDNN_OPTS", "ONEDNN_DEFAULT_FPMATH_MODE")),
        *((name, True) for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "NVIDIA_TF32_OVERRIDE", "XLA_FLAGS")),
        *(
            (name, False)
            for name in (
                "TF_CPP_MIN_LOG_LEVEL",
                "TF_CPP_VMODULE",
                "MKL_ROOT",
                "KERAS_HOME",
                "HOME",
                "TF_CLI_CONFIG_FILE",
            )
        ),
    ],
)
def test_variables_that_may_change_numbers_are_recorded(
    monkeypatch: pytest.MonkeyPatch, name: str, recorded: bool
) -> None:
    monkeypatch.delenv(name, raising=False)
    before = describe_environment()
    monkeypatch.setenv(name, "7")
    after = describe_environment()
    assert (before != after) == recorded
    assert (after.settings or {}).get(name) == ("7" if recorded else None)


def test_a_variable_with_bytes_that_no_text_file_has_can_be_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environb, b"XLA_FLAGS", b"--xla_dump_to=/home/m\xfcller")
    settings = describe_environment().settings or {}
    assert settings["XLA_FLAGS"] == r"--xla_dump_to=/home/m\xfcller"
    to_json(settings).encode()


def test_threads_and_tf32_set_by_code_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    before = describe_environment().settings or {}
    monkeypatch.setattr(tf.config.threading, "get_intra_op_parallelism_threads", lambda: 3)
    monkeypatch.setattr(tf.config.experimental, "tensor_float_32_execution_enabled", lambda: False)
    after = describe_environment().settings or {}
    assert dict(after.items() - before.items()) == {"threads within an operation": "3", "TF32": "False"}


@pytest.mark.parametrize(
    ("settings", "cores", "threads"),
    [
        ({THREADS: "0"}, 4, "4"),
        ({THREADS: "0", THREADS_VARIABLE: "4"}, 2, "4"),  # a worker with half of the cores
        ({THREADS: "0", THREADS_VARIABLE: "0"}, 4, "4"),
        ({THREADS: "4", THREADS_VARIABLE: "1"}, 2, "4"),
        ({THREADS: "0"}, None, "None"),  # an old record that says nothing about cores
    ],
)
def test_the_conditions_have_the_number_of_threads_that_tensorflow_uses(
    settings: dict[str, str], cores: int | None, threads: str
) -> None:
    environment = dataclasses.replace(describe_environment(), settings={"TF32": "True", **settings}, cores=cores)
    expected = dataclasses.replace(environment, settings={"TF32": "True", THREADS: threads}, cores=None)
    assert environment.conditions == expected
    assert environment.settings == {"TF32": "True", **settings}


def test_the_conditions_of_a_record_without_settings_are_unknown() -> None:
    environment = dataclasses.replace(describe_environment(), settings=None)
    assert environment.conditions.settings is None


def test_the_peak_memory_holds_at_least_what_is_held_now() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    peak = peak_memory()
    assert peak is not None
    assert peak >= 0.9 * pages * resource.getpagesize()  # the kernel counts both in batches


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_peak_memory_is_the_process_s_own_and_not_what_its_parent_held() -> None:
    held = np.ones(100 << 20, np.uint8)
    command = "from cifar_models.results.environment import peak_memory; print(peak_memory())"
    ended = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)  # noqa: S603
    assert held.size < int(peak_memory() or 0)
    assert 1 << 20 < int(ended.stdout) < held.size
