"""What can be seen from outside of each step of a training: of its gradients, updates, moving averages and dropout."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from cifar_models.experiments import Protocol
from cifar_models.models.freezing import nodes_in_order
from cifar_models.training.compiled import CompiledModel, CompiledModelCache
from cifar_models.training.progress import FeatureProgress, Progress

Arrays = list[npt.NDArray[Any]]
Quantities = dict[str, dict[str, list[float]]]

IMAGES = 30
"""One batch, which each step sees anew, and as many for evaluation."""


class Observer(CompiledModelCache):
    """Reads a training's variables before the first step, after each step and at the best epoch.

    It is passed to ``train`` as the cache that hands out the compiled model, and its ``see`` as the progress callback.
    Each epoch is one step. It changes nothing that the training reads.

    Args:
        detailed_steps: how many steps to read the quantities of; the learning rate is read at every step.

    Attributes:
        learning_rates: that the optimizer has before each step.
        quantities: by name and layer, a value for each detailed step.
        moved: the variables that any of the detailed steps changed.
    """

    def __init__(self, detailed_steps: int) -> None:
        super().__init__()
        self.learning_rates: list[float] = []
        self.quantities: Quantities = defaultdict(lambda: defaultdict(list))
        self.moved: set[str] = set()
        self._detailed_steps = detailed_steps
        self._best = -math.inf
        self._best_weights: Arrays = []

    def get(self, fresh: keras.Model, protocol: Protocol, steps: int, *, split: bool) -> CompiledModel:
        """Return the compiled model, and remember it."""
        compiled = super().get(fresh, protocol, steps, split=split)
        self._model, self._trained = compiled.model, compiled.trained
        self._names = names_in_a_new_process(compiled.model)
        self._shapes = {  # of what a layer reads: its own record of it is ambiguous once it has been called twice
            id(node.operation): node.input_tensors[0].shape[1:] for node in nodes_in_order(compiled.trained)
        }
        self._read()
        return compiled

    def see(self, progress: Progress | FeatureProgress) -> None:
        """Read what a step has changed, or keep a copy of the best epoch's weights."""
        if isinstance(progress, FeatureProgress):
            return
        if progress.validation_accuracy is None:
            self._step()
        elif progress.validation_accuracy > self._best:
            self._best = progress.validation_accuracy
            self._best_weights = [weight.numpy() for _, weight in self._weights()]

    def not_restored(self) -> list[str]:
        """Return the weights that differ from those that the model had at the best epoch's end."""
        return [
            self._name(layer, weight)
            for (layer, weight), best in zip(self._weights(), self._best_weights, strict=True)
            if not np.array_equal(weight.numpy(), best)
        ]

    def _weights(self) -> list[tuple[keras.layers.Layer, keras.Variable]]:
        return [(layer, weight) for layer in self._model.layers for weight in layer.weights]

    def _name(self, layer: keras.layers.Layer, weight: keras.Variable) -> str:
        return f"{self._names[layer.name]}/{weight.name}"

    def _read(self) -> None:
        """Read all that a step may change, for the comparison with what it is after the step."""
        optimizer = self._trained.optimizer
        self.learning_rates.append(float(optimizer.learning_rate))
        self._before = {id(weight): weight.numpy() for _, weight in self._weights()}
        self._moments = {
            kind: [variable.numpy() for variable in optimizer.variables if variable.name.endswith(kind)]
            for kind in ("_momentum", "_velocity")
        }
        self._seeds = {id(layer): layer.seed_generator.state.numpy() for layer in self._dropouts()}

    def _step(self) -> None:
        if len(self.learning_rates) > self._detailed_steps:
            self.learning_rates.append(float(self._trained.optimizer.learning_rate))
            return
        before, moments = self._before, self._moments
        self._read_dropout()
        self._read()
        self._read_gradients(before, moments)
        for layer in self._model.layers:
            name, after = self._names[layer.name], self._before
            if weights := layer.trainable_weights:
                self._add("update", name, _norm([after[id(each)] - before[id(each)] for each in weights]))
            if weights and isinstance(layer, keras.layers.BatchNormalization):
                self._add("moving mean", name, _norm([layer.moving_mean.numpy()]))
                self._add("moving variance", name, _norm([layer.moving_variance.numpy()]))
        for layer, weight in self._weights():
            if not np.array_equal(before[id(weight)], self._before[id(weight)]):
                self.moved.add(self._name(layer, weight))

    def _read_gradients(self, weights_before: dict[int, npt.NDArray[Any]], before: dict[str, Arrays]) -> None:
        """Derive the gradient that the optimizer was given from how its moments changed.

        Adam adds to its first moment ``(1 - beta_1) * (g - m)`` and to its second ``(1 - beta_2) * (g**2 - v)``
        (Kingma and Ba 2015, algorithm 1). Other optimizers are seen through their updates alone. The cosine sees what
        the norm does not: the small gradient of a penalty, which points along the weights.
        """
        optimizer, after = self._trained.optimizer, self._moments
        if not isinstance(optimizer, keras.optimizers.Adam):
            return
        first, second = (
            [
                (new.astype(np.float64) - beta * old) / (1 - beta)
                for new, old in zip(after[kind], before[kind], strict=True)
            ]
            for kind, beta in (("_momentum", optimizer.beta_1), ("_velocity", optimizer.beta_2))
        )
        gradients = {
            id(weight): gradient for weight, gradient in zip(self._trained.trainable_weights, first, strict=True)
        }
        for layer in self._model.layers:
            if weights := layer.trainable_weights:
                name, own = self._names[layer.name], [gradients[id(weight)] for weight in weights]
                values = [weights_before[id(weight)] for weight in weights]
                along = sum(float(np.vdot(gradient, value)) for gradient, value in zip(own, values, strict=True))
                scale = _norm(own) * _norm(values)
                self._add("gradient", name, _norm(own))
                self._add("cosine of gradient and weights", name, round(along / scale, 7) if scale else 0.0)
        norm, squares = _norm(first), sum(float(square.sum()) for square in second)
        ratio = math.sqrt(max(squares, 0.0)) / norm if norm else math.inf
        self._add("second moment's norm over the first's", "all layers", ratio)

    def _read_dropout(self) -> None:
        """Repeat on ones what each dropout did in the step: from the random state that the step began with."""
        for layer in self._dropouts():
            before, after = self._seeds[id(layer)], layer.seed_generator.state.numpy()
            dropped, mean = 0.0, 1.0
            if not np.array_equal(before, after):
                layer.seed_generator.state.assign(before)
                output = np.asarray(layer(np.ones((IMAGES, *self._shapes[id(layer)]), np.float32), training=True))
                layer.seed_generator.state.assign(after)
                dropped, mean = float((output == 0).mean()), float(output.mean(dtype=np.float64))
            self._add("dropped share", self._names[layer.name], dropped)
            self._add("mean of ones after dropout", self._names[layer.name], mean)

    def _dropouts(self) -> list[keras.layers.Dropout]:
        return [layer for layer in self._trained.layers if isinstance(layer, keras.layers.Dropout) and layer.rate > 0]

    def _add(self, quantity: str, layer: str, value: float) -> None:
        self.quantities[quantity][layer].append(float(f"{value:.7g}"))


def _norm(arrays: list[npt.NDArray[Any]]) -> float:
    return math.sqrt(sum(float(np.vdot(array, array)) for array in (each.astype(np.float64) for each in arrays)))


def names_in_a_new_process(model: keras.Model) -> dict[str, str]:
    """Return what each layer would be called in a process that builds only this model, by its name in this one.

    Keras numbers the layers without a name of their own through all the models that a process builds.
    """
    names, seen = {}, Counter[str]()
    for layer in model.layers:
        names[layer.name] = layer.name
        stem = layer.name.rstrip("0123456789").removesuffix("_")
        if stem.replace("_", "") == type(layer).__name__.lower():
            names[layer.name] = f"{stem}_{seen[stem]}" if seen[stem] else stem
            seen[stem] += 1
    return names
