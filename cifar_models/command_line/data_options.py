"""Options that say what to train on. Each command that trains has them, and so has pytest."""

from __future__ import annotations

from collections.abc import Callable

from cifar_models.datasets import DATASETS
from cifar_models.storage.files import user_path


def add_data_options(add: Callable[..., object]) -> None:
    """Declare ``--dataset``, ``--data-dir``, ``--weights-dir`` and ``--gpu``.

    Args:
        add: the method that declares an option: argparse's ``add_argument`` or pytest's ``addoption``.
    """
    add(
        "--dataset",
        choices=DATASETS,
        default=DATASETS[0],
        help="train on the CIFAR-10 files, or on the package's synthetic images (default: %(default)s)",
    )
    add(
        "--data-dir",
        type=user_path,
        metavar="DIR",
        help="folder with CIFAR-10: the Python or the binary version, packed or unpacked, or one .npz file "
        "(default: Keras's cache, then its download)",
    )
    add(
        "--weights-dir",
        type=user_path,
        metavar="DIR",
        help="folder with Keras's ImageNet weight files (default: Keras's cache, then its download)",
    )
    add("--gpu", action="store_true", help="train on the GPU; without it GPUs are hidden")
