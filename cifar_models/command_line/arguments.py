"""Arguments that several commands share, and what they stand for."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path

from cifar_models.command_line.console import standard_error_hidden
from cifar_models.command_line.errors import CommandError
from cifar_models.experiments import EXPERIMENTS, Experiment, find_experiment, variants_in_words
from cifar_models.results.run_files import record_name


def add_experiment(parser: argparse.ArgumentParser) -> None:
    """Declare the name of an experiment."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help=f"an experiment: {', '.join(EXPERIMENTS)}; or a variant: NAME{variants_in_words()}",
    )


def experiment_of(arguments: argparse.Namespace) -> Experiment:
    """Return the experiment that was named.

    Raises:
        CommandError: there is none of that name.
    """
    try:
        return find_experiment(arguments.name)
    except ValueError as error:
        raise CommandError(error) from None


def records_in(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield each record once: a file itself, or a folder's.

    Raises:
        CommandError: a folder without any.
    """
    seen = set()
    for path in paths:
        files = sorted(path.glob(record_name("*", "*", "*"))) if path.is_dir() else [path]
        if not files:
            raise CommandError(
                f"{path}: found no record in the folder, expected one such as {record_name('simple_cnn', 'cifar10', 0)}"
            )
        for file in files:
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield file


def prepare_keras(*, gpu: bool) -> None:
    """Fix Keras's settings, and train and predict on the GPUs, or on the CPU even where there are some.

    To be called before anything imports Keras.

    Raises:
        CommandError: settings that no training can run with, no GPU that TensorFlow can see, or GPUs in use that are to
            be hidden.
    """
    from cifar_models.training.devices import hide_gpus, use_gpus
    from cifar_models.training.keras_settings import KerasSettingsError, fix_keras_settings

    quiet = os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "3"
    try:
        with standard_error_hidden() if quiet else nullcontext():
            fix_keras_settings()  # imports TensorFlow
    except KerasSettingsError as error:
        raise CommandError(error) from None
    try:
        use_gpus() if gpu else hide_gpus()
    except RuntimeError as error:
        raise CommandError(f"--gpu: {error}; or leave --gpu out to train on the CPU" if gpu else error) from None
