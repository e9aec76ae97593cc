"""Where a training ran: what may differ between two machines or two nights, for the record."""

from __future__ import annotations

import os
import platform
import re
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from cifar_models.storage.strict_json import added_later

PACKAGES = ("tensorflow", "keras", "numpy", "scikit-learn", "h5py")

LIBRARY_VARIABLES = (
    "TF_",
    "XLA_",
    "ONEDNN_",
    "DNNL_",
    "OMP_",
    "KMP_",
    "MKL_",
    "OPENBLAS_",
    "CUBLAS_",
    "CUDNN_",
    "NVIDIA_TF32",
)
"""How the variables begin by which TensorFlow and the libraries below it choose kernels, threads and precision."""
NO_SETTINGS = (("TF_CPP_", "TF_CLI_", "TF_LOG", "TF_VAR_"), ("_DIR", "_FILE", "_HOME", "_PATH", "_ROOT"))
"""How those of them begin or end that decide no number: what is logged, where files are, and Terraform's own."""


@dataclass(frozen=True)
class Environment:
    """Versions and hardware of one training.

    Attributes:
        packages: version by package name, of those that decide a result.
        python: its version.
        system: operating system and machine type.
        processor: the processor's model name.
        device: what was trained on: the GPU's name, or ``CPU``.
        driver: NVIDIA's kernel driver, in its own words; None where there is none.
        settings: what may change the last digits: the variables of ``LIBRARY_VARIABLES`` that are set, and
            TensorFlow's threads and TF32; None if not recorded.
        cores: that the process may use, which is a part of the machine's for each worker; None if not recorded.
    """

    packages: dict[str, str]
    python: str
    system: str
    processor: str
    device: str
    driver: str | None
    settings: dict[str, str] | None = added_later()  # noqa: RUF009 - a dataclass field
    cores: int | None = added_later()


def describe_environment() -> Environment:
    """Describe this process's environment; TensorFlow must see the devices that it is to train on."""
    return Environment(
        packages={name: metadata.version(name) for name in PACKAGES},
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        processor=describe_processor(),
        device=describe_device(),
        driver=_driver(),
        settings=_settings(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    )


def peak_memory() -> int | None:
    """Return the most bytes that this process has held in memory so far; None on systems that do not tell."""
    if sys.platform == "linux":  # where ru_maxrss counts from what the parent held when it started this process
        try:
            status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
        return int(found[1]) * 1024 if found else None  # some kernels, such as those of sandboxes, leave it out
    try:
        import resource
    except ImportError:  # on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def describe_device() -> str:
    """Return what TensorFlow trains on: the name of the first GPU that it sees, or ``CPU``."""
    import tensorflow as tf

    gpus = tf.config.get_visible_devices("GPU")
    if not gpus:
        return "CPU"
    details: dict[str, str] = tf.config.experimental.get_device_details(gpus[0])
    return details.get("device_name") or str(gpus[0].name)


def _settings() -> dict[str, str]:
    import tensorflow as tf

    begins, ends = NO_SETTINGS
    variables = {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith(LIBRARY_VARIABLES) and not name.startswith(begins) and not name.endswith(ends)
    }
    return variables | {
        "threads within an operation": str(tf.config.threading.get_intra_op_parallelism_threads()),
        "threads between operations": str(tf.config.threading.get_inter_op_parallelism_threads()),
        "TF32": str(tf.config.experimental.tensor_float_32_execution_enabled()),
    }


def _driver() -> str | None:
    version = Path("/proc/driver/nvidia/version")
    if not version.is_file():
        return None
    first, *_ = version.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    return first.removeprefix("NVRM version:").strip() or None


def describe_processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
