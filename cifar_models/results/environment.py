"""Where a training ran: what may differ between two machines or two nights, for the record."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from cifar_models.storage.strict_json import added_later

PACKAGES = ("tensorflow", "keras", "numpy", "scikit-learn", "h5py")


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
        threads: that one operation may use; the order of its sums, and so their last digits, can depend on it. None if
            not recorded.
    """

    packages: dict[str, str]
    python: str
    system: str
    processor: str
    device: str
    driver: str | None
    threads: int | None = added_later()


def describe_environment() -> Environment:
    """Describe this process's environment; TensorFlow must see the devices that it is to train on."""
    return Environment(
        packages={name: metadata.version(name) for name in PACKAGES},
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        device=describe_device(),
        driver=_driver(),
        threads=_threads(),
    )


def peak_memory() -> int | None:
    """Return the most bytes that this process has held in memory so far; None on systems that do not tell."""
    if sys.platform == "linux":  # where ru_maxrss counts from what the parent held when it started this process
        status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
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


def _driver() -> str | None:
    version = Path("/proc/driver/nvidia/version")
    if not version.is_file():
        return None
    first, *_ = version.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    return first.removeprefix("NVRM version:").strip() or None


def _threads() -> int:
    import tensorflow as tf

    # Without a setting of TensorFlow's own, its environment variable decides, and else the cores of this process.
    chosen: int = tf.config.threading.get_intra_op_parallelism_threads()
    return chosen or int(os.environ.get("TF_NUM_INTRAOP_THREADS") or 0) or _cores()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
