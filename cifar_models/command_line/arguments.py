"""Arguments that several commands share, and what they stand for."""

from __future__ import annotations

import argparse

from cifar_models.command_line.errors import CommandError
from cifar_models.experiments import EXPERIMENTS, VARIANTS, Experiment, find_experiment


def add_experiment(parser: argparse.ArgumentParser) -> None:
    """Declare the name of an experiment."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help=f"an experiment: {', '.join(EXPERIMENTS)}; or a variant: NAME+{', NAME+'.join(VARIANTS)}",
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


def choose_device(*, gpu: bool) -> None:
    """Train and predict on the GPUs, or on the CPU even where there are some.

    Raises:
        CommandError: TensorFlow sees no GPU, or already uses those that are to be hidden.
    """
    from cifar_models.training.devices import hide_gpus, use_gpus

    try:
        use_gpus() if gpu else hide_gpus()
    except RuntimeError as error:
        raise CommandError(f"--gpu: {error}; or leave --gpu out to train on the CPU" if gpu else error) from None
