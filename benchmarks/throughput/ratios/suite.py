"""The same training by ``train``."""

from __future__ import annotations

import dataclasses

from benchmarks.throughput.ratios.arguments import Times, load_data, now, parse_side, print_figures
from cifar_models.training.progress import Progress


def main() -> None:
    """Train, and print the figures."""
    from cifar_models.experiments import find_experiment
    from cifar_models.training.train import default_weights, train

    arguments = parse_side(__doc__)
    experiment = find_experiment(arguments.experiment)
    protocol = dataclasses.replace(experiment.protocol, epochs=arguments.epochs, patience=arguments.epochs)
    experiment = dataclasses.replace(experiment, protocol=protocol)
    dataset = load_data(arguments)
    weights = default_weights(experiment, dataset, arguments.weights_dir)

    ends: list[Times] = []

    def watch(state: Progress) -> None:
        if state.validation_accuracy is not None or not ends:  # the first step stands for the first epoch's beginning
            ends.append(now())

    began = now()
    for seed in range(arguments.seeds):
        train(experiment, dataset, seed, weights=weights, progress=watch)
    print_figures(began=began, ended=now(), epoch_began=ends[-2], epoch_ended=ends[-1])


if __name__ == "__main__":
    main()
