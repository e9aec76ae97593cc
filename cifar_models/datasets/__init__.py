"""Loading the data sets that experiments train on."""

from __future__ import annotations

from pathlib import Path

from cifar_models.datasets.cifar10 import load_cifar10
from cifar_models.datasets.dataset import Dataset, DatasetError
from cifar_models.datasets.synthetic import load_synthetic

__all__ = ["DATASETS", "Dataset", "DatasetError", "load_dataset"]

DATASETS = ("cifar10", "synthetic")


def load_dataset(name: str, data_dir: Path | None = None) -> Dataset:
    """Load ``cifar10`` or ``synthetic``.

    Args:
        name: one of ``DATASETS``.
        data_dir: folder with the CIFAR-10 files; None for Keras's cache or download.

    Raises:
        DatasetError: the name is unknown, or files are missing or cannot be used.
    """
    if name == "cifar10":
        return load_cifar10(data_dir)
    if name == "synthetic":
        return load_synthetic()
    raise DatasetError(f"data set: found {name!r}, expected one of {', '.join(DATASETS)}")
