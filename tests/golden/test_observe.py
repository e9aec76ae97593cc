"""What is seen of a training's steps is what they did, and seeing it changes nothing."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from cifar_models.datasets.normalization import unit_scale
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import Experiment, Protocol
from cifar_models.models.builders import improved_cnn
from cifar_models.results.run import Run
from cifar_models.training.compiled import CompiledModelCache
from cifar_models.training.train import train
from tests.golden.observe import Observer, names_in_a_new_process
from tests.golden.trajectory import read_trajectories

pytestmark = pytest.mark.unit

DATASET = load_synthetic(train_count=30, evaluation_count=30)
STEPS = 3
DETAILED_STEPS = 2


def _model(dropout: float = 0.5) -> keras.Model:
    images = keras.Input((32, 32, 3))
    features = layers.Flatten()(layers.AveragePooling2D(8)(images))
    features = layers.Dropout(dropout)(layers.BatchNormalization()(features))
    return keras.Model(images, layers.Dense(10, activation="softmax")(features))


def _train(observer: Observer | None, dropout: float = 0.5) -> Run:
    experiment = Experiment("small", lambda: _model(dropout), Protocol(epochs=STEPS, patience=STEPS), "")
    models, progress = (observer, observer.see) if observer else (CompiledModelCache(), None)
    return train(experiment, DATASET, 0, models=models, progress=progress)


@pytest.fixture(scope="module")
def observer() -> Observer:
    """Return one that has seen a training without dropout, which a gradient tape can repeat."""
    observer = Observer(DETAILED_STEPS)
    _train(observer, dropout=0)
    return observer


def test_seeing_changes_nothing() -> None:
    observer = Observer(DETAILED_STEPS)
    assert _train(observer).curves == _train(None).curves
    for name, count in (("dropped share", 48 * 30), ("mean of ones after dropout", 48 * 30)):
        assert all(value * count == pytest.approx(round(value * count), abs=1e-3) for value in _of(observer, name))
    assert _of(observer, "dropped share")[0] != _of(observer, "dropped share")[1]


def _of(observer: Observer, quantity: str, layer: str = "dropout") -> list[float]:
    values = observer.quantities[quantity][layer]
    assert len(values) == DETAILED_STEPS
    return values


def test_the_gradient_is_that_of_the_loss(observer: Observer) -> None:
    keras.utils.set_random_seed(0)
    model = _model(dropout=0)
    weights = model.get_layer(index=-1).get_weights()
    probabilities = model(unit_scale(DATASET.train_images), training=True).numpy().astype(np.float64)
    error = (probabilities - np.eye(10)[DATASET.train_labels]) / 30  # of the logits
    inputs = keras.Model(model.input, model.get_layer(index=-2).output)(
        unit_scale(DATASET.train_images), training=True
    ).numpy()
    kernel, bias = inputs.T @ error, error.sum(axis=0)
    norm = np.hypot(np.linalg.norm(kernel), np.linalg.norm(bias))
    assert _of(observer, "gradient", "dense")[0] == pytest.approx(norm, rel=1e-5)
    cosine = (kernel * weights[0]).sum() / norm / np.linalg.norm(weights[0])
    assert _of(observer, "cosine of gradient and weights", "dense")[0] == pytest.approx(cosine, abs=1e-6)
    # Adam's first update is the learning rate for each weight, but for its epsilon.
    update = 1e-3 * np.linalg.norm(np.sign(kernel)[abs(kernel) > 0])
    assert _of(observer, "update", "dense")[0] == pytest.approx(np.hypot(update, 1e-3 * np.sqrt(10)), rel=1e-2)
    assert _of(observer, "second moment's norm over the first's", "all layers")[0] == pytest.approx(1, abs=1e-6)


def test_all_variables_of_a_model_without_a_frozen_part_move(observer: Observer) -> None:
    normalization = {f"batch_normalization/{name}" for name in ("gamma", "beta", "moving_mean", "moving_variance")}
    assert observer.moved == {"dense/kernel", "dense/bias"} | normalization
    assert observer.learning_rates[:STEPS] == pytest.approx([1e-3] * STEPS)


def test_a_weight_that_is_not_the_best_epochs_is_named(observer: Observer) -> None:
    assert observer.not_restored() == []
    weight = next(weight for _, weight in observer._weights() if weight.name == "moving_variance")
    weight.assign(weight + 1)
    assert observer.not_restored() == ["batch_normalization/moving_variance"]


def test_layers_are_named_alike_whatever_was_built_before() -> None:
    names = [list(names_in_a_new_process(improved_cnn()).values()) for _ in range(2)]
    assert names[0] == names[1]
    stored = read_trajectories()["improved_cnn"].trajectory.quantities
    assert set(stored["gradient"]) | set(stored["dropped share"]) <= set(names[0])
    assert {"conv2d", "conv2d_1", "dropout_3", "probabilities"} <= set(names[0])
