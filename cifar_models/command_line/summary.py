"""``summary``: an experiment's model, layer by layer."""

from __future__ import annotations

import argparse
import math
import shutil
from typing import Any

from cifar_models.command_line.arguments import add_experiment, experiment_of, prepare_keras
from cifar_models.command_line.errors import user_errors
from cifar_models.command_line.output import say
from cifar_models.experiments import ProtocolError

WIDTH = 100
"""Characters in a line of the table where the output is no terminal."""


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "summary",
        help="a model's layers and parameters",
        description="Print Keras's table of a model's layers, and how many parameters it has and trains.",
        epilog="example:\n  python -m cifar_models summary simple_cnn",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_experiment(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Build the model, without any weights from a file, and print what it is.

    Raises:
        CommandError: an unknown experiment, or an input size that its model cannot take.
    """
    experiment = experiment_of(arguments)
    prepare_keras(gpu=False)
    with user_errors(ProtocolError):
        model = experiment.build_model()
    model.summary(print_fn=say, show_trainable=True, line_length=shutil.get_terminal_size((WIDTH, 24)).columns)
    total = model.count_params()
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    say(
        f"{experiment.name}: {experiment.description}; {len(model.layers)} layers, {total:,} parameters: "
        f"{trainable:,} trainable, {total - trainable:,} not"
    )
