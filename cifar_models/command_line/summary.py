"""Show a model's layers and parameters.

Print Keras's table of a model's layers, and how many parameters the model has and trains.

Example:
  python -m cifar_models summary simple_cnn
"""

from __future__ import annotations

import argparse
import math
import shutil

from cifar_models.command_line.arguments import add_experiment, experiment_of, prepare_keras
from cifar_models.command_line.output import say

WIDTH = 100
"""Characters in a line of the table if the output is not a terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_experiment(parser)


def run(arguments: argparse.Namespace) -> None:
    """Build the model without loading weights, and print its summary.

    Raises:
        CommandError: the experiment is unknown.
    """
    experiment = experiment_of(arguments)
    prepare_keras(gpu=False)
    model = experiment.build()
    model.summary(print_fn=say, show_trainable=True, line_length=shutil.get_terminal_size((WIDTH, 24)).columns)
    total = model.count_params()
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    say(
        f"{experiment.name}: {experiment.description}; {len(model.layers)} layers, {total:,} parameters: "
        f"{trainable:,} trainable, {total - trainable:,} not"
    )
