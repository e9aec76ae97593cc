"""Measure ratios of plain Keras scripts to the suite; ``python -m benchmarks.ratios --help`` says which."""

from __future__ import annotations

import argparse
import sys

from tabulate import tabulate

from benchmarks.throughput.ratios.arguments import add_data_options
from benchmarks.throughput.ratios.pairs import Ratio, measure_pairs

HEADERS = ["figure", "plain", "suite", "plain / suite", "range", "pairs"]


def main() -> None:
    """Measure what the command line names and print a table for each experiment."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ratios", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)

    memory = kinds.add_parser("memory", help="peak resident memory of an epoch of simple_cnn on full-size random data")
    memory.add_argument("experiments", nargs="*", default=["simple_cnn"])
    memory.set_defaults(epochs=1)
    add_data_options(memory, count=50_000)

    training = kinds.add_parser("training", help="the second of two epochs of models that are trained whole")
    training.add_argument("experiments", nargs="*", default=["simple_cnn", "improved_cnn"])
    training.set_defaults(epochs=2)
    add_data_options(training)

    features = kinds.add_parser("features", help="ten epochs of models with a frozen part")
    features.add_argument("experiments", nargs="*", default=["resnet50_frozen", "resnet50_finetuned"])
    features.add_argument("--epochs", type=int, default=10)
    add_data_options(features, data="synthetic")

    for kind in (memory, training, features):
        kind.add_argument("--pairs", type=int, default=3, help="how often each side runs (default: 3)")
        kind.add_argument("--seeds", type=int, default=1, help="trainings a side (default: 1)")
        kind.add_argument("--plain-epochs", type=int, help="run the plain side for fewer epochs and count it up")
        kind.add_argument("--plain-seeds", type=int, help="run the plain side with fewer seeds and count it up")
    arguments = parser.parse_args()

    from cifar_models.results.environment import describe_environment

    environment = describe_environment()
    packages = ", ".join(f"{name} {version}" for name, version in environment.packages.items())
    _say(f"{environment.device} on {environment.processor}; {packages}")
    for experiment in arguments.experiments:
        ratios = measure(experiment, arguments)
        data = f"{arguments.train_count:,} random images" if arguments.data == "random" else arguments.data
        what = f"{experiment}, {arguments.epochs} epochs, seeds 0 to {arguments.seeds - 1}, on {data}"
        weights = f", weights of {arguments.weights_dir}" if arguments.weights_dir else ""
        _say(f"\n{what}{weights}\n{tabulate([ratio.row for ratio in ratios], HEADERS, disable_numparse=True)}")


def measure(experiment: str, arguments: argparse.Namespace) -> list[Ratio]:
    """Measure one experiment's pairs; a plain side that was cut short is counted up, and its figure says so."""
    data = [f"--data={arguments.data}"]
    data += [f"--train-count={arguments.train_count}", f"--evaluation-count={arguments.evaluation_count}"]
    data += [f"--data-dir={arguments.data_dir}"] if arguments.data_dir else []
    data += [f"--weights-dir={arguments.weights_dir}"] if arguments.weights_dir else []
    epochs, seeds = arguments.plain_epochs or arguments.epochs, arguments.plain_seeds or arguments.seeds
    plain = [experiment, f"--epochs={epochs}", f"--seeds={seeds}", *data]
    suite = [experiment, f"--epochs={arguments.epochs}", f"--seeds={arguments.seeds}", *data]
    measured = {ratio.figure: ratio for ratio in measure_pairs(plain, suite, arguments.pairs)}
    if (epochs, seeds) == (arguments.epochs, arguments.seeds):
        return list(measured.values())
    ratios = []
    for figure, ratio in measured.items():
        if figure.startswith("training"):
            epoch = measured[figure.replace("training", "last epoch")].plain
            more = seeds * (arguments.epochs - epochs)
            counted = [
                (training + more * one) * arguments.seeds / seeds
                for training, one in zip(ratio.plain, epoch, strict=True)
            ]
            ratio = Ratio(f"{figure} (plain counted up from {epochs} epochs, {seeds} seeds)", counted, ratio.suite)
        ratios.append(ratio)
    return ratios


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
