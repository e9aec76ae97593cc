"""Trials behind docs/explanation/the-published-table.md: experiments trained in another way than the suite does.

    python docs/trials/published.py TRIAL... --seeds 0 1 42 --data-dir DATA --weights-dir WEIGHTS

trains each trial with each seed and adds a line for each run to docs/trials/published.jsonl. A seed that the file has
already is not trained again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cifar_models.datasets import Dataset, load_dataset
from cifar_models.experiments import EXPERIMENTS, Experiment, Protocol
from cifar_models.models.builders import resnet50_finetuned
from cifar_models.results.environment import describe_environment
from cifar_models.training.features import SESSION_FEATURES
from cifar_models.training.train import default_weights, train

RECORDS = Path(__file__).with_suffix(".jsonl")

FloatArray = npt.NDArray[np.float32]
Curves = dict[str, list[float]]
Trial = Callable[[Dataset, int, Path | None], Curves]


def plain_script(name: str, *, seeded: bool) -> Trial:
    """Return an experiment as a plain Keras script trains it: float32 arrays, and ``fit`` shuffles them.

    Of a frozen backbone, the script computes the features once and trains the rest on them.
    """
    features: list[FloatArray] = []  # of the first seed, for all others

    def run(dataset: Dataset, seed: int, weights_dir: Path | None) -> Curves:
        if seeded:
            keras.utils.set_random_seed(seed)
        else:
            tf.random.set_seed(None)  # a seed that an earlier trial has set would repeat one order of the images
        experiment = EXPERIMENTS[name]
        model, protocol = experiment.build(), experiment.protocol
        arrays: list[FloatArray] = [
            array.astype(np.float32) / np.float32(255) for array in (dataset.train_images, dataset.evaluation_images)
        ]
        if weights := default_weights(experiment, dataset, weights_dir):
            weights.assign(model)
            *_, head = model.layers
            backbone, model = keras.Model(model.input, head.input), keras.Sequential([head])
            features[:] = features or [backbone.predict(array, verbose=0) for array in arrays]
            arrays = features
        model.compile(keras.optimizers.Adam(protocol.learning_rate), protocol.loss, metrics=["accuracy"])
        labels = [keras.utils.to_categorical(array, 10) for array in (dataset.train_labels, dataset.evaluation_labels)]
        stopping = keras.callbacks.EarlyStopping(
            protocol.early_stopping_monitor, patience=protocol.patience, restore_best_weights=True
        )
        history = model.fit(
            arrays[0],
            labels[0],
            batch_size=protocol.batch_size,
            epochs=protocol.epochs,
            validation_data=(arrays[1], labels[1]),
            callbacks=[stopping],
            verbose=0,
        ).history
        return {name: [float(value) for value in values] for name, values in history.items()}

    return run


def changed(name: str, build: Callable[[], keras.Model] | None = None, **protocol: Any) -> Trial:
    """Return an experiment with another builder or other values of its protocol."""

    def run(dataset: Dataset, seed: int, weights_dir: Path | None) -> Curves:
        row = EXPERIMENTS[name]
        experiment: Experiment = dataclasses.replace(
            row, build=build or row.build, protocol=dataclasses.replace(row.protocol, **protocol)
        )
        weights = default_weights(experiment, dataset, weights_dir)
        return dataclasses.asdict(train(experiment, dataset, seed, weights=weights, features=SESSION_FEATURES).curves)

    return run


def fine_tuned_with_fixed_statistics() -> keras.Model:
    """Return ``resnet50_finetuned`` with its batch normalization in inference mode, as Keras's guide advises."""
    model = resnet50_finetuned()
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    return model


def three_blocks_with_dropout() -> keras.Model:
    """Return what ``simple_cnn`` becomes with a third block and dropout, without batch normalization and L2."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((32, 32, 3))])
    for filters in (32, 64, 128):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
        model.add(layers.Dropout(0.25))
    for layer in (layers.Flatten(), layers.Dense(512, activation="relu"), layers.Dropout(0.5)):
        model.add(layer)
    model.add(layers.Dense(10, activation="softmax"))
    return model


TRIALS: dict[str, Trial] = {
    "simple_cnn: fit shuffles, a seed is set": plain_script("simple_cnn", seeded=True),
    "simple_cnn: fit shuffles, no seed is set": plain_script("simple_cnn", seeded=False),
    "vgg16_frozen: fit shuffles, a seed is set": plain_script("vgg16_frozen", seeded=True),
    "resnet50_frozen: fit shuffles, a seed is set": plain_script("resnet50_frozen", seeded=True),
    "resnet50_frozen: fit shuffles, no seed is set": plain_script("resnet50_frozen", seeded=False),
    "resnet50_frozen: patience 1": changed("resnet50_frozen", patience=1),
    "resnet50_frozen: 5 epochs": changed("resnet50_frozen", epochs=5),
    "resnet50_frozen: learning rate 1e-2": changed("resnet50_frozen", learning_rate=1e-2),
    "resnet50_frozen: learning rate 1e-4": changed("resnet50_frozen", learning_rate=1e-4),
    "improved_cnn: constant rate": changed("improved_cnn", learning_rate_schedule=Protocol.learning_rate_schedule),
    "improved_cnn: dropout alone, constant rate": changed(
        "improved_cnn", three_blocks_with_dropout, learning_rate_schedule=Protocol.learning_rate_schedule
    ),
    "resnet50_finetuned: rate 1e-3": changed("resnet50_finetuned", learning_rate=1e-3),
    "resnet50_finetuned: rate 1e-4": changed("resnet50_finetuned", learning_rate=1e-4),
    "resnet50_finetuned: rate 1e-5, batch normalization in inference mode": changed(
        "resnet50_finetuned", fine_tuned_with_fixed_statistics
    ),
    "resnet50_finetuned: rate 1e-4, batch normalization in inference mode": changed(
        "resnet50_finetuned", fine_tuned_with_fixed_statistics, learning_rate=1e-4
    ),
}


def main() -> None:
    """Train what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("trials", nargs="+", choices=TRIALS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="the seeds (default: 0)")
    parser.add_argument("--dataset", choices=("cifar10", "synthetic"), default="cifar10")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--weights-dir", type=Path)
    arguments = parser.parse_args()
    dataset = load_dataset(arguments.dataset, arguments.data_dir)
    done = [json.loads(line) for line in RECORDS.read_text("utf-8").splitlines()] if RECORDS.exists() else []
    there = {(record["trial"], record["seed"], record["dataset"]) for record in done}
    for trial, seed in product(arguments.trials, arguments.seeds):
        if (trial, seed, dataset.name) in there:
            continue
        began = time.perf_counter()
        curves = TRIALS[trial](dataset, seed, arguments.weights_dir)
        environment = describe_environment()
        record = {
            "trial": trial,
            "seed": seed,
            "dataset": dataset.name,
            "data": dataset.fingerprint,
            "packages": environment.packages,
            "processor": environment.processor,
            "seconds": round(time.perf_counter() - began),
            **{name: [round(value, 6) for value in values] for name, values in curves.items()},
        }
        with RECORDS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        print(f"{trial}, seed {seed}: {max(curves['val_accuracy']):.4f}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
