"""The data sets that the experiments train on, by name."""

from __future__ import annotations

from pathlib import Path

from cifar_models.datasets.cifar10 import load_cifar10
from cifar_models.datasets.dataset import Dataset, DatasetError
from cifar_models.datasets.synthetic import load_synthetic

__all__ = ["DATASETS", "Dataset", "DatasetError", "load_dataset"]

DATASETS = ("cifar10", "synthetic")


def load_dataset(name: str, data_dir: Path | None = None) -> Dataset:
    """Load a data set by name.

    Args:
        name: ``cifar10`` or ``synthetic``.
        data_dir: where the CIFAR-10 files are; None for Keras's cache or download.

    Raises:
        DatasetError: an unknown name, or files that are missing or cannot be used.
    """
    if name == "cifar10":
        return load_cifar10(data_dir)
    if name == "synthetic":
        return load_synthetic()
    raise DatasetError(f"data set: found {name!r}, expected one of {', '.join(DATASETS)}")
