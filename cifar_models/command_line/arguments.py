"""Arguments and preparations that several commands share."""

from __future__ import annotations

import argparse
import os
from contextlib import nullcontext

from cifar_models.command_line.console import standard_error_hidden
from cifar_models.command_line.errors import CommandError, user_errors
from cifar_models.experiments import EXPERIMENTS, VARIANTS, Experiment, find_experiment


def add_experiment(parser: argparse.ArgumentParser) -> None:
    """Declare the argument NAME."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help=f"an experiment: {', '.join(EXPERIMENTS)}; or a variant of one: NAME+{', NAME+'.join(VARIANTS)}",
    )


def experiment_of(arguments: argparse.Namespace) -> Experiment:
    """Return the experiment called NAME.

    Raises:
        CommandError: there is none.
    """
    with user_errors(ValueError):
        return find_experiment(arguments.name)


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
