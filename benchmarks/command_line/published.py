"""Write the published numbers into the baselines.

Write the numbers of the published report into the baselines file, as baselines for the official CIFAR-10 files. Their
tolerances come from the measured baselines on CIFAR-10 images.

Example:
  python -m benchmarks published --reason 'vgg16_frozen was measured again'
"""

from __future__ import annotations

import argparse

from benchmarks.command_line.arguments import add_baselines, add_reason, today
from cifar_models.command_line.errors import user_errors
from cifar_models.command_line.output import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_reason(parser)
    add_baselines(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write the entries, and print a line for each.

    Raises:
        CommandError: the baselines cannot be read or written, or lack the runs for the tolerances.
    """
    from benchmarks.baselines.baselines_file import read_baselines, updating, write_baselines
    from benchmarks.baselines.published_entries import published_baselines

    with user_errors(ValueError, OSError), updating(arguments.baselines):
        baselines = read_baselines(arguments.baselines)
        entries = published_baselines(baselines, reason=arguments.reason, day=today())
        for name, entry in entries.items():
            baselines.setdefault(name, {}).setdefault("cifar10", {})["published"] = entry
        write_baselines(arguments.baselines, baselines)
    for name, entry in entries.items():
        values = (f"{metric} {each.mean:.4f} within {each.tolerance:.4f}" for metric, each in entry.metrics.items())
        say(f"{name}: {', '.join(values)}")
