"""Measure how much time and memory the suite saves compared with a plain Keras script.

Train experiments with the suite and as a plain Keras script does, each time in a new process, and print the ratios of
their times and memory.

Example:
  python -m benchmarks ratios resnet50_frozen --dataset synthetic --epochs 10
"""

from __future__ import annotations

import argparse
from functools import partial

from benchmarks.command_line.arguments import whole_number
from cifar_models.command_line.arguments import require_tensorflow
from cifar_models.command_line.errors import CommandError, user_errors
from cifar_models.command_line.output import say, table
from cifar_models.datasets import DATASETS
from cifar_models.experiments import find_experiment
from cifar_models.results.words import count
from cifar_models.storage.files import user_path

HEADERS = ("figure", "plain", "suite", "plain / suite", "range")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("experiments", nargs="+", metavar="NAME", help="an experiment, such as simple_cnn")
    parser.add_argument(
        "--epochs", type=partial(whole_number, least=2), default=2, metavar="N", help="2 or more (default: %(default)s)"
    )
    parser.add_argument(
        "--pairs", type=whole_number, default=3, metavar="N", help="number of runs of each side (default: %(default)s)"
    )
    parser.add_argument(
        "--seeds", type=whole_number, default=1, metavar="N", help="seeds that each run trains (default: %(default)s)"
    )
    parser.add_argument(
        "--dataset", choices=("random", *DATASETS), default="random", help="what to train on (default: %(default)s)"
    )
    parser.add_argument(
        "--train-count",
        type=partial(whole_number, least=50),
        default=50_000,
        metavar="N",
        help="number of random images (default: %(default)s)",
    )
    parser.add_argument("--data-dir", type=user_path, metavar="DIR", help="folder with the CIFAR-10 files")
    parser.add_argument("--weights-dir", type=user_path, metavar="DIR", help="folder with the ImageNet weight files")


def run(arguments: argparse.Namespace) -> None:
    """Measure, and print a table for each experiment.

    Raises:
        CommandError: an experiment is unknown, or data or weights are not available.
    """
    from benchmarks.throughput.ratios import Task, measure_pairs
    from cifar_models.results.environment import describe_environment

    require_tensorflow()
    with user_errors(ValueError):
        names = [find_experiment(name).name for name in arguments.experiments]
    if variants := [name for name in names if "+" in name]:
        raise CommandError(f"NAME: found the variant {variants[0]}, expected an experiment: the plain script has none")
    environment = describe_environment()
    packages = ", ".join(f"{name} {version}" for name, version in environment.packages.items())
    say(f"{environment.machine}; {packages}")
    images = f"{arguments.train_count:,} random images" if arguments.dataset == "random" else arguments.dataset
    shared = (arguments.epochs, arguments.dataset, arguments.train_count, arguments.data_dir, arguments.weights_dir)
    seeds, pairs = count(range(arguments.seeds), "seed"), count(range(arguments.pairs), "pair")
    for name in names:
        with user_errors(ValueError):
            lines = measure_pairs(Task(name, *shared, seeds=arguments.seeds), arguments.pairs)
        settings = f"{name}, {seeds}, {arguments.epochs} epochs on {images}, {pairs}"
        say(f"\n{settings}\n{table(lines, HEADERS)}")
