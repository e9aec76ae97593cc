"""Functions that take an attribute of a library and return a broken one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def with_arguments(**changes: Any) -> Callable[[Any], Any]:
    """Return what calls a function with some of its keyword arguments replaced."""
    return lambda original: lambda *arguments, **options: original(*arguments, **options | changes)


def change_result(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what changes a function's result."""
    return lambda original: lambda *arguments, **options: change(original(*arguments, **options))


def do_nothing(_: Any) -> Any:
    return lambda *_, **__: None


def change_meanwhile(attribute: str, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what changes an attribute of the object while one of its methods runs."""

    def broken(original: Any) -> Any:
        @functools.wraps(original)  # Keras reads the names of a layer's arguments
        def method(self: Any, *arguments: Any, **options: Any) -> Any:
            value = getattr(self, attribute)
            object.__setattr__(self, attribute, change(value))
            try:
                return original(self, *arguments, **options)
            finally:
                object.__setattr__(self, attribute, value)

        return method

    return broken


def dropout_without_scaling(original: Any) -> Any:
    def call(self: Any, inputs: Any, training: bool = False) -> Any:
        outputs = original(self, inputs, training=training)
        return outputs * (1 - self.rate) if training else outputs

    return call


def convolve_shifted(original: Any) -> Any:
    def convolution(images: Any, kernel: Any, strides: Any, padding: str, **options: Any) -> Any:
        if padding == "SAME":  # all of the padding above and on the left
            images = tf.pad(images, [[0, 0], *([size - 1, 0] for size in kernel.shape[:2]), [0, 0]])
        return original(images, kernel, strides, "VALID", **options)

    return convolution


def in_bfloat16(original: Any) -> Any:
    def convolution(images: Any, kernel: Any, *arguments: Any, **options: Any) -> Any:
        rounded = (tf.cast(tf.cast(each, tf.bfloat16), tf.float32) for each in (images, kernel))
        return original(*rounded, *arguments, **options)

    return convolution


def leaky_gradient(original: Any) -> Any:
    return lambda x: x + tf.stop_gradient(original(x) - x)


def update_without_bias_correction(_: Any) -> Any:
    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        position = self._get_variable_index(variable)
        first, second = self._momentums[position], self._velocities[position]
        self.assign_add(first, (gradient - first) * (1 - self.beta_1))
        self.assign_add(second, (tf.square(gradient) - second) * (1 - self.beta_2))
        self.assign_sub(variable, learning_rate * first / (tf.sqrt(second) + self.epsilon))

    return update_step


def quarter_of_the_rate(original: Any) -> Any:
    return lambda self, gradient, variable, rate: original(self, gradient, variable, rate / 4)


def without_momentum(original: Any) -> Any:
    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        first = self._momentums[self._get_variable_index(variable)]
        first.assign(tf.zeros_like(first))
        original(self, gradient, variable, learning_rate)

    return update_step


def count_no_step(original: Any) -> Any:
    def apply(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        self.iterations.assign_sub(1)

    return apply


def no_first_gradient(original: Any) -> Any:
    def gradient(self: Any, target: Any, sources: Any, *arguments: Any, **options: Any) -> Any:
        first, *others = original(self, target, sources, *arguments, **options)
        return [tf.zeros_like(first), *others]

    return gradient


def smooth_labels(original: Any) -> Any:
    return lambda labels, *arguments, **options: original(0.9 * labels + 0.01, *arguments, **options)


def evaluate_in_training_mode(_: Any) -> Any:
    def test_step(self: Any, data: Any) -> Any:
        inputs, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        outputs = self(inputs, training=True)
        loss = self._compute_loss(x=inputs, y=labels, y_pred=outputs, training=False)
        self._loss_tracker.update_state(loss, sample_weight=tf.shape(outputs)[0])
        return self.compute_metrics(inputs, labels, outputs)

    return test_step


def predict_in_training_mode(_: Any) -> Any:
    return lambda self, data: self(keras.utils.unpack_x_y_sample_weight(data)[0], training=True)


def restore_what_trains(_: Any) -> Any:
    def on_train_end(self: Any, logs: Any = None) -> None:  # noqa: ARG001
        for weight, best in zip(self.model.weights, self.best_weights, strict=True):
            if weight.trainable:
                weight.assign(best)

    return on_train_end


def permute_by(permutation: Callable[[np.random.Generator, int], Any]) -> Callable[[Any], Any]:
    """Return a ``default_rng`` whose generators permute in another way."""

    class Broken(np.random.Generator):
        def permutation(self, x: Any, axis: int = 0) -> Any:  # noqa: ARG002
            return permutation(self, x)

    return lambda original: lambda seed=None: Broken(original(seed).bit_generator)


def other_layers(**changes: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a namespace of layers, some of them changed."""
    return lambda layers: SimpleNamespace(
        **vars(layers) | {name: change(getattr(layers, name)) for name, change in changes.items()}
    )


def keep_biases(original: Any) -> Any:
    return lambda self, weights: original(self, [*weights[:1], *(each.numpy() for each in self.weights[1:])])


def f1_as_a_plain_mean(original: Any) -> Any:
    def scores(*arguments: Any, **options: Any) -> Any:
        precision, recall, _, support = original(*arguments, **options)
        return precision, recall, (precision + recall) / 2, support

    return scores
