"""List the experiments: what they train and how.

Example:
  python -m cifar_models list
"""

from __future__ import annotations

import argparse

from cifar_models.command_line.output import say, table
from cifar_models.experiments import EXPERIMENTS


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Declare no arguments."""


def run(_: argparse.Namespace) -> None:
    """Print a line for each experiment."""
    headers = ["experiment", "model", "input", "starts from", "learning rate", "batch", "epochs", "nights on"]
    lines = []
    for experiment in EXPERIMENTS.values():
        protocol = experiment.protocol
        lines.append(
            [
                experiment.name,
                experiment.description,
                f"{protocol.input_size} px, {protocol.normalization}",
                f"{protocol.backbone}'s ImageNet weights" if protocol.backbone else "random weights",
                f"{protocol.learning_rate:g}, {protocol.learning_rate_schedule}",
                str(protocol.batch_size),
                f"at most {protocol.epochs}",
                ", ".join(experiment.nights) or "none by default",
            ]
        )
    say(table(lines, headers))
