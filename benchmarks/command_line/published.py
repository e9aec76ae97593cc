"""``published``: the published report's numbers, written into the baselines."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.command_line.arguments import add_baselines, add_command, add_reason, today
from cifar_models.command_line.errors import user_errors
from cifar_models.command_line.output import say


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "published",
        run,
        summary="write the published numbers into the baselines",
        description="Write the published report's numbers into the baselines file, for the official CIFAR-10 files. "
        "Their tolerances come from the measured baselines on CIFAR-10 images.",
        example="--reason 'vgg16_frozen was measured again'",
    )
    add_reason(parser)
    add_baselines(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write the entries, and print a line for each.

    Raises:
        CommandError: baselines that cannot be read or written, or that lack the runs to take tolerances from.
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
