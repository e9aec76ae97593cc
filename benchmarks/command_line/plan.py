"""Show which drop of accuracy a night catches.

Print for each experiment with a baseline on the data set the smallest drop of accuracy that a default night catches,
how many seeds catch a given drop at one look, and how many minutes these take.

Example:
  python -m benchmarks plan --drop 6 --dataset synthetic
"""

from __future__ import annotations

import argparse

from benchmarks.command_line.arguments import add_baselines
from benchmarks.statistics import FALSE_ALARM_RATE
from cifar_models.command_line.errors import user_errors
from cifar_models.command_line.output import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--drop", type=float, required=True, metavar="POINTS", help="drop of accuracy to detect, in percentage points"
    )
    parser.add_argument("--dataset", default="cifar10", help="data set of the baselines (default: %(default)s)")
    parser.add_argument(
        "--power", type=float, default=0.95, help="probability of detecting the drop (default: %(default)s)"
    )
    parser.add_argument(
        "--false-alarm-rate",
        type=float,
        default=FALSE_ALARM_RATE,
        metavar="RATE",
        help="probability that a night without any change does not pass (default: %(default)s)",
    )
    add_baselines(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print the plan.

    Raises:
        CommandError: the baselines cannot be read or lack the data set, or a number is out of range.
    """
    from benchmarks.baselines.baselines_file import read_baselines
    from benchmarks.night.plan import render

    with user_errors(ValueError):
        plan = render(
            read_baselines(arguments.baselines),
            dataset=arguments.dataset,
            points=arguments.drop,
            power=arguments.power,
            false_alarm_rate=arguments.false_alarm_rate,
        )
    say(plan)
