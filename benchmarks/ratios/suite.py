"""The same training by ``train``."""

from __future__ import annotations

import dataclasses
import time

from benchmarks.ratios.arguments import load_data, parse_side, print_figures
from cifar_models.progress import Progress


def main() -> None:
    """Train, and print the figures."""
    from cifar_models.experiments import find_experiment
    from cifar_models.training import default_weights, train

    arguments = parse_side(__doc__)
    experiment = find_experiment(arguments.experiment)
    protocol = dataclasses.replace(experiment.protocol, epochs=arguments.epochs, patience=arguments.epochs)
    experiment = dataclasses.replace(experiment, protocol=protocol)
    dataset = load_data(arguments)
    weights = default_weights(experiment, dataset, arguments.weights_dir)

    ends: list[tuple[float, float]] = []

    def watch(state: Progress) -> None:
        if state.validation_accuracy is not None or not ends:  # the first step stands for the first epoch's beginning
            ends.append((time.perf_counter(), time.process_time()))

    started = time.perf_counter()
    for seed in range(arguments.seeds):
        train(experiment, dataset, seed, weights=weights, progress=watch)
    seconds = time.perf_counter() - started
    last, processor = (end - before for before, end in zip(*ends[-2:], strict=True))
    print_figures(training=seconds, epoch=last, processor=processor)


if __name__ == "__main__":
    main()
