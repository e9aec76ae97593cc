"""Computes the first steps of an experiment's training with the training itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework.config import disable_op_determinism

from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import Experiment
from cifar_models.models.pretrained import BackboneWeights
from cifar_models.storage.fingerprint import fingerprint_arrays
from cifar_models.training.features import FeatureCache
from cifar_models.training.train import train
from tests.golden.observe import IMAGES, Observer
from tests.golden.trajectory import Trajectory

SEED = 3
OTHER_SEEDS = {"improved_cnn": 4, "reference_cnn": 5}
"""If an activation is so close to a kink of ReLU or max pooling that rounding decides its side, the losses of two
processors differ by 1e-3 some steps later. These seeds avoid this:
``tests/sensitivity/test_golden_is_stable.py`` tries the kernels of four processors with one thread and two."""
STEPS = 10
FEWER_STEPS = {
    **dict.fromkeys(("vgg16_frozen", "resnet50_frozen", "vgg16_matched", "resnet50_matched"), 5),
    **dict.fromkeys(("resnet50_finetuned", "vgg16_matched_finetuned", "reference_cnn"), 3),
    "resnet50_matched_finetuned": 2,
}
"""For experiments that are too slow for ten steps on every commit, or whose learning rate soon amplifies rounding."""
LARGEST_INPUT_SIZE = 40
"""Larger images take seconds and show no more of resizing and pooling."""
OTHER_INPUT_SIZES = {"resnet50_matched_finetuned": 32}
"""With larger images, four times as many activations train, and some are close to a kink with any seed."""
DETAILED_STEPS = 5
"""The first steps, for which all quantities are stored: an error in a step affects one of these."""


@contextmanager
def deterministic_operations() -> Iterator[None]:
    """Make TensorFlow use deterministic operations."""
    tf.config.experimental.enable_op_determinism()
    try:
        yield
    finally:
        disable_op_determinism()


def compute_trajectory(
    experiment: Experiment, draw: Callable[[str, str], BackboneWeights]
) -> tuple[Trajectory, list[str]]:
    """Train an experiment on one batch, with one step an epoch.

    ``draw`` returns a backbone's random weights for images of a normalization.

    Returns:
        The trajectory, and the names of the weights that were not restored to the best epoch's.
    """
    steps, seed = FEWER_STEPS.get(experiment.name, STEPS), OTHER_SEEDS.get(experiment.name, SEED)
    protocol = dataclasses.replace(
        experiment.protocol,
        epochs=steps,
        patience=steps,
        input_size=min(experiment.protocol.input_size, OTHER_INPUT_SIZES.get(experiment.name, LARGEST_INPUT_SIZE)),
    )
    initial: list[str] = []

    def build(**options: Any) -> keras.Model:
        model = experiment.build(**options)
        initial.append(fingerprint_arrays(*model.get_weights()))
        return model

    dataset = load_synthetic(train_count=IMAGES, evaluation_count=IMAGES)
    row = dataclasses.replace(experiment, build=build, protocol=protocol)
    observer = Observer(DETAILED_STEPS)
    with deterministic_operations():
        weights = draw(protocol.backbone, protocol.normalization) if protocol.backbone else None
        run = train(
            row, dataset, seed, weights=weights, features=FeatureCache(), models=observer, progress=observer.see
        )
    trajectory = Trajectory(
        seed=seed,
        fingerprints=dataclasses.replace(run.fingerprints, protocol=experiment.protocol.fingerprint),
        initial_weights=initial[0],
        losses=[float(f"{loss:.8g}") for loss in run.curves.loss],
        validation_losses=[float(f"{loss:.8g}") for loss in run.curves.val_loss],
        learning_rates=[float(f"{rate:.7g}") for rate in observer.learning_rates[:steps]],
        moved=sorted(observer.moved),
        quantities={name: dict(layers) for name, layers in observer.quantities.items()},
    )
    return trajectory, observer.not_restored()
