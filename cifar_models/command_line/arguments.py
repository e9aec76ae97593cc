"""Arguments and preparations that several commands share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path

from cifar_models.command_line.console import standard_error_hidden
from cifar_models.command_line.errors import CommandError, user_errors
from cifar_models.datasets import DATASETS
from cifar_models.experiments import EXPERIMENTS, Experiment, find_experiment, variants_in_words
from cifar_models.results.run_files import record_name
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


def add_experiment(parser: argparse.ArgumentParser) -> None:
    """Declare the argument NAME."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help=f"an experiment: {', '.join(EXPERIMENTS)}; or a variant of one: NAME{variants_in_words()}",
    )


def experiment_of(arguments: argparse.Namespace) -> Experiment:
    """Return the experiment called NAME.

    Raises:
        CommandError: there is none.
    """
    with user_errors(ValueError):
        return find_experiment(arguments.name)


@user_errors(OSError, RuntimeError)  # a RuntimeError for links that form a circle
def records_in(paths: Iterable[Path]) -> Iterable[Path]:
    """Return each file, and each record in each folder, once.

    Raises:
        CommandError: a folder has no record, or a path cannot be looked up.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        files = sorted(path.glob(record_name("*", "*", "*"))) if path.is_dir() else [path]
        if not files:
            name = record_name("simple_cnn", "cifar10", 0)
            raise CommandError(f"{path}: found no record in the folder, expected one such as {name}")
        for file in files:
            found.setdefault(file.resolve(), file)
    return found.values()


def require_tensorflow() -> None:
    """Choose TensorFlow as Keras's backend, without importing either; call it before anything imports Keras.

    Raises:
        CommandError: an environment variable sets another backend, or a limit on epochs or steps.
    """
    from cifar_models.training.keras_settings import KerasSettingsError, choose_backend

    with user_errors(KerasSettingsError):
        choose_backend()


def prepare_keras(*, gpu: bool) -> None:
    """Set Keras's settings, and choose the GPUs or the CPU; call it before anything imports Keras.

    Raises:
        CommandError: Keras has settings that cannot be used, TensorFlow sees no GPU, or GPUs can no longer be hidden.
    """
    from cifar_models.training.devices import hide_gpus, use_gpus
    from cifar_models.training.keras_settings import KerasSettingsError, fix_keras_settings

    quiet = os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "3"
    with user_errors(KerasSettingsError), standard_error_hidden() if quiet else nullcontext():
        fix_keras_settings()  # imports TensorFlow
    try:
        use_gpus() if gpu else hide_gpus()
    except RuntimeError as error:
        raise CommandError(f"--gpu: {error}; or leave --gpu out to train on the CPU" if gpu else error) from None
