"""The environment of a training: package versions, hardware, and settings of TensorFlow and its libraries."""

from __future__ import annotations

import os
import platform
import re
import sys
from dataclasses import dataclass, replace
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
"""Prefixes of variables that set the kernels, threads and precision of TensorFlow and the libraries it uses."""
NO_SETTINGS = (("TF_CPP_", "TF_CLI_", "TF_LOG", "TF_VAR_"), ("_DIR", "_FILE", "_HOME", "_PATH", "_ROOT"))
"""Prefixes and suffixes of variables that do not affect results: logging, paths, and Terraform's variables."""
THREADS_VARIABLE, THREADS = "TF_NUM_INTRAOP_THREADS", "threads within an operation"
"""The variable and the recorded TensorFlow setting for the number of threads, which decides how sums are split."""


@dataclass(frozen=True)
class Environment:
    """Versions, hardware and settings of one training.

    Attributes:
        packages: version by package name, of packages that affect results.
        system: operating system and machine type.
        processor: the processor's model name.
        device: the GPU's name, or ``CPU``.
        driver: description of NVIDIA's kernel driver; None without one.
        settings: settings that can change the last digits: variables that start with ``LIBRARY_VARIABLES``, and
            TensorFlow's threads and TF32; None if not recorded.
        cores: number of cores that the process may use; None if not recorded.
    """

    packages: dict[str, str]
    python: str
    system: str
    processor: str
    device: str
    driver: str | None
    settings: dict[str, str] | None = added_later()  # noqa: RUF009 - a dataclass field
    cores: int | None = added_later()

    @property
    def machine(self) -> str:
        """The device and the processor, such as ``CPU on AMD EPYC``."""
        return f"{self.device} on {self.processor}"

    @property
    def conditions(self) -> Environment:
        """What decides the digits of a training: the environment with one number of threads, whichever way it was set.

        TensorFlow uses its own setting, otherwise the variable, otherwise one thread for each core.
        """
        if self.settings is None:
            return self
        settings = dict(self.settings)
        numbers = (settings.get(THREADS), settings.pop(THREADS_VARIABLE, None), str(self.cores))
        settings[THREADS] = next(number for number in numbers if number not in (None, "", "0"))
        return replace(self, settings=settings, cores=None)


def describe_environment() -> Environment:
    """Return this process's environment; call it after setting TensorFlow's visible devices."""
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
    """Return the process's highest memory use so far, in bytes; None if the system does not report it."""
    if sys.platform == "linux":  # where ru_maxrss starts from the parent's memory use
        try:
            status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
        return int(found[1]) * 1024 if found else None  # some kernels, such as those of sandboxes, omit it
    try:
        import resource
    except ImportError:  # on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def describe_device() -> str:
    """Return the name of the first GPU that TensorFlow sees, or ``CPU``."""
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
        name: os.fsencode(value).decode("utf-8", "backslashreplace")  # a path can have bytes that no text file has
        for name, value in sorted(os.environ.items())
        if name.startswith(LIBRARY_VARIABLES) and not name.startswith(begins) and not name.endswith(ends)
    }
    return variables | {
        THREADS: str(tf.config.threading.get_intra_op_parallelism_threads()),
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
    """Return the processor's model name, or what the platform calls it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
