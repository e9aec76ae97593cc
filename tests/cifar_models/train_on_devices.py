"""Trains on one and on two virtual devices, in a process of its own: TensorFlow must learn of them before it starts.

    python -m tests.cifar_models.train_on_devices NAME

prints as JSON, of a run on one device and of the same on two: its record, and on how many devices its steps ran.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import Experiment, Protocol
from cifar_models.models import builders
from cifar_models.training import train as training
from cifar_models.training.features import FeatureCache
from cifar_models.training.train import train

# Batches of 32, and last ones of 4 and 18.
PROTOCOL = Protocol(batch_size=32, epochs=3)


def frozen_part_and_batch_normalization() -> keras.Model:
    """Build what the backbones' experiments and improved_cnn have, but for dropout: each device draws its own."""
    images = keras.Input((32, 32, 3))
    kernel = keras.initializers.HeNormal(seed=5)
    features = layers.Conv2D(6, 4, strides=4, activation="relu", kernel_initializer=kernel, trainable=False)(images)
    features = layers.BatchNormalization(momentum=0.5)(layers.Flatten()(features))
    penalty = keras.regularizers.L2(1e-2)
    classify = layers.Dense(10, activation="softmax", kernel_regularizer=penalty, dtype=keras.config.floatx())
    return keras.Model(images, classify(features))


EXPERIMENTS = {
    row.name: row
    for row in (
        Experiment("simple_cnn", builders.simple_cnn, PROTOCOL, ""),
        # In float64, what is another training stands out from what is rounded otherwise.
        Experiment(
            "batch_normalization",
            frozen_part_and_batch_normalization,
            dataclasses.replace(PROTOCOL, precision="float64"),
            "",
        ),
        Experiment(
            "mixed_float16",
            frozen_part_and_batch_normalization,
            dataclasses.replace(PROTOCOL, precision="mixed_float16"),
            "",
        ),
    )
}


def main() -> None:
    """Train the named experiment twice."""
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    dataset = load_synthetic(seed=3, train_count=100, evaluation_count=50)
    experiment = EXPERIMENTS[sys.argv[1]]
    if experiment.protocol.precision == "float64":
        keras.config.set_floatx("float64")
    step_of_keras, seen = keras.Model.train_step, []

    def step(model: keras.Model, data: Any) -> Any:
        seen.append(tf.distribute.get_strategy().num_replicas_in_sync)
        return step_of_keras(model, data)

    keras.Model.train_step = step
    # The same Adam on both: that of one operation a variable, which several devices cannot have, rounds otherwise.
    setattr(training, "FusedAdam", keras.optimizers.Adam)  # noqa: B010 - which mypy takes for no export
    runs = []
    for devices in ((), ("CPU:0", "CPU:1")):
        seen.clear()
        run = train(experiment, dataset, 1, features=FeatureCache(), devices=devices)
        runs.append({"record": run.to_json(), "devices": sorted(set(seen))})
    sys.stdout.write(json.dumps(runs))


if __name__ == "__main__":
    main()
