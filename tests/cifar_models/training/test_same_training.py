"""Each experiment with a frozen part trains the same on cached features, as a whole, and by Keras's own steps."""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest

from cifar_models.datasets.normalization import FITS
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import EXPERIMENTS, Experiment, find_experiment
from cifar_models.models.pretrained import BackboneWeights, random_weights
from cifar_models.results.run import Curves
from cifar_models.training.compiled import CompiledModelCache
from cifar_models.training.features import FeatureCache
from cifar_models.training.train import train

pytestmark = pytest.mark.sensitivity

SEED = 3
EPOCHS = 2
DATASET = load_synthetic(seed=5, train_count=50, evaluation_count=20)
_weights = functools.cache(random_weights)  # two experiments start from the same

# The head's kernel and bias; of ResNet50's freed layers nine convolutions' and nine batch normalizations' four, of
# VGG16's three convolutions'.
MOVED = {"vgg16_frozen": 2, "resnet50_frozen": 2, "resnet50_finetuned": 56, "vgg16_matched_finetuned": 8}


@dataclass(frozen=True)
class Trained:
    """The result of one way of training: curves by name, and the weights after and before it."""

    curves: dict[str, list[float]]
    after: list[npt.NDArray[np.float32]]
    before: list[npt.NDArray[np.float32]]


def _by_train(experiment: Experiment, weights: BackboneWeights, features: FeatureCache | None) -> Trained:
    built = []

    def build(**options: Any) -> keras.Model:
        built.append(experiment.build(**options))
        return built[-1]

    run = train(
        dataclasses.replace(experiment, build=build),
        DATASET,
        SEED,
        weights=weights,
        features=features,
        models=CompiledModelCache(),
    )
    keras.utils.set_random_seed(SEED)
    fresh = experiment.build_model()
    weights.assign(fresh)
    return Trained(dataclasses.asdict(run.curves), built[0].get_weights(), fresh.get_weights())


def _by_keras(experiment: Experiment, weights: BackboneWeights) -> Trained:
    """Train as a plain script does, on the batches that ``train`` draws, up to the epoch that it would restore."""
    protocol = experiment.protocol
    normalize = FITS[protocol.normalization](DATASET.train_images)
    images, evaluation_images = normalize(DATASET.train_images), normalize(DATASET.evaluation_images)
    labels, evaluation_labels = (np.eye(10)[each] for each in (DATASET.train_labels, DATASET.evaluation_labels))
    keras.utils.set_random_seed(SEED)
    model = experiment.build_model()
    weights.assign(model)
    before = model.get_weights()
    model.compile(keras.optimizers.Adam(protocol.learning_rate), protocol.loss, metrics=["accuracy"])
    order = np.random.default_rng(SEED)
    curves: dict[str, list[float]] = {name: [] for name in Curves.__annotations__}
    best: list[npt.NDArray[np.float32]] = []
    for _ in range(EPOCHS):
        batches = order.permutation(len(images)).reshape(-1, protocol.batch_size)
        steps = [model.train_on_batch(images[rows], labels[rows], return_dict=True) for rows in batches]
        evaluated = model.test_on_batch(evaluation_images, evaluation_labels, return_dict=True)
        if evaluated["accuracy"] > max(curves["val_accuracy"], default=-math.inf):
            best = model.get_weights()
        for name in ("loss", "accuracy"):
            curves[name].append(float(np.mean([step[name] for step in steps])))
            curves[f"val_{name}"].append(float(evaluated[name]))
    return Trained(curves, best, before)


def _short(name: str) -> Experiment:
    """Return an experiment with a short protocol, on images that are no larger than it takes to see them resized."""
    experiment = find_experiment(name)
    size = min(experiment.protocol.input_size, 40)
    protocol = dataclasses.replace(experiment.protocol, batch_size=25, epochs=EPOCHS, patience=EPOCHS, input_size=size)
    return dataclasses.replace(experiment, protocol=protocol)


@pytest.mark.parametrize("name", MOVED)
def test_three_ways_to_train_give_the_same(name: str) -> None:
    experiment = _short(name)
    protocol = experiment.protocol
    assert protocol.backbone is not None
    weights = _weights(protocol.backbone, normalization=protocol.normalization)
    cached = _by_train(experiment, weights, FeatureCache())
    for other in (_by_train(experiment, weights, None), _by_keras(experiment, weights)):
        for curve, values in other.curves.items():
            assert values == pytest.approx(cached.curves[curve], rel=1e-3), curve
        for one, two, before in zip(cached.after, other.after, cached.before, strict=True):
            # A bias in front of a batch normalization has no gradient but rounding, which moves it by 1e-8 a value.
            assert np.linalg.norm(one - two) <= 0.01 * np.linalg.norm(two - before) + 1e-6
    moved = [not np.array_equal(one, two) for one, two in zip(cached.after, cached.before, strict=True)]
    assert sum(moved) == MOVED[name], "variables that training moved"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_seed_gives_the_same_after_another_seed_as_alone(name: str) -> None:
    experiment = _short(name)
    protocol = experiment.protocol
    backbone = protocol.backbone
    weights = _weights(backbone, normalization=protocol.normalization) if backbone else None
    models, features = CompiledModelCache(), FeatureCache()
    train(experiment, DATASET, SEED + 1, weights=weights, features=features, models=models)
    after = train(experiment, DATASET, SEED, weights=weights, features=features, models=models)
    alone = train(experiment, DATASET, SEED, weights=weights, features=FeatureCache(), models=CompiledModelCache())
    assert (after.curves, after.evaluation) == (alone.curves, alone.evaluation)
