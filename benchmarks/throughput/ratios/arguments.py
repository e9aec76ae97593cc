"""What the two sides of a pair are told and what they tell: the same command line and figures for both."""

from __future__ import annotations

import argparse
import json
import sys
import time

from benchmarks.throughput.random_images import random_dataset
from cifar_models.datasets import Dataset, load_dataset
from cifar_models.results.environment import peak_memory
from cifar_models.storage.files import user_path

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
    parser.add_argument("--data-dir", type=user_path, metavar="DIR", help="where the CIFAR-10 files are")
    parser.add_argument("--weights-dir", type=user_path, metavar="DIR", help="where the ImageNet weight files are")


def load_data(arguments: argparse.Namespace) -> Dataset:
    """Load what the options name."""
    if arguments.data != "random":
        return load_dataset(arguments.data, arguments.data_dir)
    return random_dataset(arguments.train_count, arguments.evaluation_count)


Times = tuple[float, float]
"""Seconds of the clock, and of all cores together, which other processes disturb less."""


def now() -> Times:
    """Return both clocks."""
    return time.perf_counter(), time.process_time()


def print_figures(*, began: Times, ended: Times, epoch_began: Times, epoch_ended: Times) -> None:
    """Print one side's figures as a line of JSON: of all trainings and of the last epoch."""
    figures: dict[str, float] = {}
    for name, start, end in (("training", began, ended), ("last epoch", epoch_began, epoch_ended)):
        figures |= {f"{name}, s": end[0] - start[0], f"{name}, processor s": end[1] - start[1]}
    figures["peak memory, MB"] = (peak_memory() or 0) / 2**20
    sys.stdout.write(json.dumps(figures) + "\n")
