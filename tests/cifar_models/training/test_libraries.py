"""What a training takes from its libraries, against NumPy by hand: evaluation, prediction, early stopping."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
from keras import layers

from cifar_models.datasets.normalization import unit_scale
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import Experiment, Protocol
from cifar_models.results.evaluation import Evaluation, evaluate
from cifar_models.results.run import Run
from cifar_models.training import train as training
from cifar_models.training.compiled import CompiledModelCache
from cifar_models.training.progress import FeatureProgress, Progress
from cifar_models.training.train import train

pytestmark = pytest.mark.unit

Array = npt.NDArray[np.float64]
Weights = dict[str, npt.NDArray[np.float32]]
DATASET = load_synthetic(seed=3, train_count=60, evaluation_count=50)
# Batches of 32 leave 18 of the 50 evaluation images for a smaller one. The rate is so high that the best epoch is not
# the last.
PROTOCOL = Protocol(learning_rate=0.1, batch_size=32, epochs=5, patience=5)


@dataclass
class Trained:
    """A run of a model with moving averages and dropout, and what was seen of it."""

    model: keras.Model
    epochs: list[Weights] = field(default_factory=list)
    probabilities: list[npt.NDArray[np.float32]] = field(default_factory=list)
    run: Run = field(init=False)

    def see(self, progress: Progress | FeatureProgress) -> None:
        if isinstance(progress, Progress) and progress.validation_accuracy is not None:
            self.epochs.append(self.weights())

    def weights(self) -> Weights:
        return {weight.path: weight.numpy() for weight in self.model.weights}


@pytest.fixture(scope="module")
def trained() -> Trained:
    """Train from weights of the tests' own: what the libraries draw is for other tests."""
    images = keras.Input((32, 32, 3))
    features = layers.Flatten()(layers.AveragePooling2D(8)(images))
    features = layers.Dropout(0.5, seed=1)(layers.BatchNormalization(momentum=0.5, name="normalization")(features))
    trained = Trained(keras.Model(images, layers.Dense(10, activation="softmax", name="head")(features)))
    trained.model.get_layer("head").kernel.assign(np.random.default_rng(1).normal(0, 0.1, (48, 10)))

    def spy(probabilities: npt.NDArray[np.float32], *arguments: Any) -> Evaluation:
        trained.probabilities.append(probabilities)
        return evaluate(probabilities, *arguments)

    experiment = Experiment("small", lambda: trained.model, PROTOCOL, "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "evaluate", spy)
        trained.run = train(experiment, DATASET, 1, progress=trained.see, models=CompiledModelCache())
    return trained


def _probabilities(weights: Weights) -> Array:
    """Return what the model gives in inference mode for the evaluation images, in float64."""
    images = unit_scale(DATASET.evaluation_images).astype(np.float64)
    features = images.reshape(-1, 4, 8, 4, 8, 3).mean(axis=(2, 4)).reshape(-1, 48)
    gamma, beta, mean, variance = (
        weights[f"normalization/{name}"] for name in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    features = (features - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    logits = features @ weights["head/kernel"] + weights["head/bias"]
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def test_validation_is_that_of_all_evaluation_images_in_inference_mode(trained: Trained) -> None:
    labels = DATASET.evaluation_labels
    by_hand = [_probabilities(weights) for weights in trained.epochs]
    losses = [-np.log(each[np.arange(50), labels]).mean() for each in by_hand]
    assert trained.run.curves.val_loss == pytest.approx(losses, rel=1e-4)
    accuracies = [(each.argmax(axis=1) == labels).mean() for each in by_hand]
    assert trained.run.curves.val_accuracy == pytest.approx(accuracies, abs=1e-6)


def test_the_best_epochs_weights_are_restored_moving_averages_included(trained: Trained) -> None:
    best = trained.epochs[int(np.argmax(trained.run.curves.val_accuracy))]
    restored, last = trained.weights(), trained.epochs[-1]
    assert all(not np.array_equal(best[name], last[name]) for name in best), "no case to try"
    assert [name for name in best if not np.array_equal(restored[name], best[name])] == []


def test_predictions_are_the_probabilities_of_the_restored_weights(trained: Trained) -> None:
    (probabilities,) = trained.probabilities
    np.testing.assert_allclose(probabilities, _probabilities(trained.weights()), rtol=1e-3, atol=1e-6)


@pytest.fixture(scope="module")
def follow() -> Iterator[Callable[[list[float]], tuple[int, float]]]:
    """Return a function that trains through a given curve of validation accuracies.

    It returns the number of epochs, and the last bias, which counts the epochs from 0.
    """
    models = CompiledModelCache()  # traced once
    built: list[keras.Model] = []

    def build() -> keras.Model:
        images = keras.Input((32, 32, 3))
        features = layers.Flatten()(layers.AveragePooling2D(16)(images))
        built.append(keras.Model(images, layers.Dense(10, activation="softmax")(features)))
        return built[-1]

    with pytest.MonkeyPatch.context() as patch:

        def follow(curve: list[float]) -> tuple[int, float]:
            epochs = enumerate(curve)

            def evaluate(model: keras.Model, *_: Any, **__: Any) -> dict[str, float]:
                epoch, accuracy = next(epochs)
                model.set_weights([np.full(weight.shape, epoch) for weight in model.weights])
                return {"loss": 1.0, "accuracy": accuracy}

            patch.setattr(keras.Model, "evaluate", evaluate)
            protocol = Protocol(batch_size=60, epochs=6, patience=2)
            run = train(Experiment("small", build, protocol, ""), DATASET, 1, models=models)
            return run.epochs, float(built[-1].get_weights()[1][0])

        yield follow


class TestEarlyStopping:
    def test_the_smallest_gain_is_a_new_best(self, follow: Callable[[list[float]], tuple[int, float]]) -> None:
        assert follow([0.5, 0.5001, 0.5002, 0.5003, 0.5004, 0.5005]) == (6, 5)

    def test_the_first_of_equals_is_the_best(self, follow: Callable[[list[float]], tuple[int, float]]) -> None:
        assert follow([0.4, 0.5, 0.5, 0.5, 0.6, 0.7]) == (4, 1)

    def test_a_new_best_starts_the_count_anew(self, follow: Callable[[list[float]], tuple[int, float]]) -> None:
        assert follow([0.5, 0.4, 0.6, 0.5, 0.5, 0.9]) == (5, 2)
