"""What the two sides of a pair are told and what they tell: the same command line and figures for both."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from cifar_models.datasets import Dataset, load_dataset
from cifar_models.environment import peak_memory

DATA = ("random", "synthetic", "cifar10")


def parse_side(description: str) -> argparse.Namespace:
    """Parse the command line of one side."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("experiment")
    parser.add_argument("--epochs", type=int, default=2, help="how many, without early stopping")
    parser.add_argument("--seeds", type=int, default=1, help="trainings, one after another in this process")
    add_data_options(parser)
    return parser.parse_args()


def add_data_options(parser: argparse.ArgumentParser, *, data: str = "random", count: int = 12_800) -> None:
    """Declare what both sides train on."""
    parser.add_argument("--data", choices=DATA, default=data)
    parser.add_argument("--train-count", type=int, default=count, help="of random images")
    parser.add_argument("--evaluation-count", type=int, default=count // 5, help="of random images")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where the CIFAR-10 files are")
    parser.add_argument("--weights-dir", type=Path, metavar="DIR", help="where the ImageNet weight files are")


def load_data(arguments: argparse.Namespace) -> Dataset:
    """Load what the options name; random images are drawn as bytes, without a larger copy on the way."""
    if arguments.data != "random":
        return load_dataset(arguments.data, arguments.data_dir)
    random = np.random.default_rng(0)
    counts = (arguments.train_count, arguments.evaluation_count)
    images = [random.integers(0, 256, (count, 32, 32, 3), np.uint8) for count in counts]
    labels = [np.arange(count, dtype=np.int64) % 10 for count in counts]
    names = tuple(f"class {label}" for label in range(10))
    # Under the name of the synthetic images, for which a backbone starts from random weights.
    return Dataset("synthetic", images[0], labels[0], images[1], labels[1], names)


def print_figures(*, training: float, epoch: float, processor: float) -> None:
    """Print one side's figures as a line of JSON.

    Args:
        training: seconds of all trainings.
        epoch: seconds of the last epoch.
        processor: seconds of all cores together in that epoch, which other processes disturb less.
    """
    times = {"training, s": training, "last epoch, s": epoch, "its processor time, s": processor}
    memory = (peak_memory() or 0) / 2**20
    sys.stdout.write(json.dumps(times | {"peak memory, MB": memory}) + "\n")
