"""A rewritten model gives what the original gives: outputs and gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from cifar_models import cheaper_layers
from cifar_models.cheaper_layers import (
    RANDOM_LEVELS,
    ConvolutionToOnePosition,
    Normalization,
    PooledConvolution,
    _draw_kept,
)
from cifar_models.models import builders
from cifar_models.rewriting import rewrite_for_speed

pytestmark = pytest.mark.unit


def _convolution() -> layers.Layer:
    bias = keras.initializers.RandomNormal(stddev=0.5, seed=1)
    return layers.Conv2D(3, 3, padding="same", bias_initializer=bias)


def _activation() -> layers.Layer:
    return layers.Activation("relu")


def _pooling() -> layers.Layer:
    return layers.MaxPooling2D(padding="same")


KINDS: dict[str, Callable[[], layers.Layer]] = {
    "convolution": _convolution,
    "activation": _activation,
    "pooling": _pooling,
    "normalization": lambda: layers.BatchNormalization(momentum=0.7, epsilon=0.01),
    "to one position": lambda: layers.Conv2D(4, 8),
}


@dataclass(frozen=True)
class Step:
    """Layers of a random model, whether they are frozen, and whether their input is read past them."""

    kinds: tuple[str, ...]
    frozen: bool
    residual: bool


steps = st.lists(
    st.builds(
        Step,
        kinds=st.sampled_from(
            [("convolution", "activation", "pooling"), ("normalization", "activation"), *((kind,) for kind in KINDS)]
        ),
        frozen=st.booleans(),
        residual=st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def _build(steps: list[Step]) -> keras.Model:
    images = keras.Input((8, 8, 3))
    features = images
    for step in steps:
        before = features
        for kind in step.kinds:
            if kind == "to one position" and features.shape[1] < 8:
                continue
            layer = KINDS[kind]()
            layer.trainable = not step.frozen
            features = layer(features)
        if step.residual and before.shape == features.shape:
            features = layers.Add()([before, features])
    return keras.Model(images, layers.Dense(10)(layers.Flatten()(features)))


def _chain(*made: layers.Layer) -> keras.Model:
    images = keras.Input((8, 8, 3))
    features = images
    for layer in made:
        features = layer(features)
    return keras.Model(images, features)


def _step(model: keras.Model, images: Any, variables: list[Any]) -> tuple[Any, list[Any]]:
    """Return the outputs in training mode and the gradients of their weighted sum."""
    with tf.GradientTape() as tape:
        outputs = model(images, training=True)
        loss = tf.reduce_sum(outputs * tf.reshape(tf.cos(tf.range(tf.size(outputs), dtype=tf.float32)), outputs.shape))
    return outputs, tape.gradient(loss, [*map(_value, variables)])


def _value(variable: Any) -> tf.Variable:
    return variable.value


def _assert_same(model: keras.Model, size: int = 8) -> None:
    images = tf.constant(np.random.default_rng(0).random((6, size, size, 3), np.float32))
    rewritten = rewrite_for_speed(model)
    assert [tensor.shape for tensor in rewritten.outputs] == [tensor.shape for tensor in model.outputs]
    assert {id(variable) for variable in rewritten.variables} == {id(variable) for variable in model.variables}
    trainable = model.trainable_variables
    assert {id(variable) for variable in rewritten.trainable_variables} == {id(variable) for variable in trainable}
    np.testing.assert_allclose(rewritten(images), model(images), rtol=1e-4, atol=1e-5)
    before = model.get_weights()
    results = []
    for each in (model, rewritten):
        model.set_weights(before)
        outputs, gradients = _step(each, images, trainable)
        results.append([outputs, *gradients, *model.get_weights()])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.property
@settings(deadline=None, max_examples=15)
@given(steps=steps)
def test_a_random_model_and_its_rewriting_give_the_same(steps: list[Step]) -> None:
    keras.utils.set_random_seed(0)
    _assert_same(_build(steps))


def _replaced(model: keras.Model) -> list[type[layers.Layer]]:
    return [
        type(layer) for layer in rewrite_for_speed(model).layers if type(layer).__module__ == cheaper_layers.__name__
    ]


def test_the_tables_own_models_are_rewritten_where_it_pays() -> None:
    assert _replaced(builders.simple_cnn()) == [PooledConvolution] * 2
    assert _replaced(builders.improved_cnn()) == [Normalization] * 4, "it pools first itself"


@pytest.mark.parametrize(
    "made",
    [
        lambda: (_convolution(), layers.Activation("tanh"), _pooling()),
        lambda: (_convolution(), _activation(), layers.AveragePooling2D(2)),
        lambda: (layers.Conv2D(3, 3, use_bias=False), _activation(), _pooling()),
        lambda: (layers.Conv2D(3, 3, activation="tanh"), _activation(), _pooling()),
        lambda: (_convolution(), _pooling()),
        lambda: (_activation(), _pooling()),
        lambda: (layers.BatchNormalization(axis=1),),
        lambda: (layers.BatchNormalization(scale=False),),
        lambda: (layers.BatchNormalization(center=False),),
        lambda: (layers.BatchNormalization(renorm=True),),
        lambda: (layers.BatchNormalization(dtype="mixed_float16"),),
        lambda: (_activation(), layers.Dropout(0.5)),
        lambda: (layers.Conv2D(3, 8, groups=3),),
        lambda: (layers.Conv2D(3, 2, dilation_rate=7),),
        lambda: (layers.Conv2D(3, 7),),
    ],
)
def test_what_no_rule_is_for_stays(made: Callable[[], tuple[layers.Layer, ...]]) -> None:
    assert _replaced(_chain(*made())) == []


def test_a_chain_that_something_else_reads_stays() -> None:
    images = keras.Input((8, 8, 3))
    activated = _activation()(convolved := _convolution()(images))
    pooled = _pooling()(activated)
    for other in (activated, convolved):
        assert _replaced(keras.Model(images, [pooled, other])) == []
        assert _replaced(keras.Model(images, [pooled, layers.Flatten()(other)])) == []


def test_an_output_that_nothing_reads_is_no_hindrance() -> None:
    images = keras.Input((8, 8, 4))
    one, _ = keras.ops.split(images, 2, axis=-1)
    model = keras.Model(images, _activation()(layers.BatchNormalization()(one)))
    assert _replaced(model) == [Normalization]


def test_a_layer_that_is_used_twice_stays() -> None:
    images = keras.Input((8, 8, 3))
    activation = _activation()
    once = _pooling()(activation(_convolution()(images)))
    model = keras.Model(images, _pooling()(activation(_convolution()(once))))
    assert _replaced(model) == []
    _assert_same(model)


@pytest.mark.parametrize("options", [{"strides": 2}, {"strides": (1, 2), "padding": "same"}, {"dilation_rate": 2}])
def test_a_convolution_keeps_its_options(options: dict[str, Any]) -> None:
    model = _chain(layers.Conv2D(3, 3, **options), _activation(), _pooling())
    assert _replaced(model) == [PooledConvolution]
    _assert_same(model)


def test_a_model_in_a_row_is_rewritten_too() -> None:
    _assert_same(keras.Sequential([keras.Input((8, 8, 3)), _convolution(), _activation(), _pooling()]))


KERNELS: list[tuple[Any, int]] = [(1, 3), (2, 3), ((3, 1), 3), (4, 4), (5, 3)]


@pytest.mark.parametrize(
    ("size", "padding", "kernel", "strides"),
    [
        (size, padding, kernel, strides)
        for size in (1, 2, 3)
        for padding in ("same", "valid")
        for kernel, strides in KERNELS
        if padding == "same" or np.max(kernel) <= size  # Keras refuses the others
    ],
)
@pytest.mark.parametrize("use_bias", [False, True])
def test_a_convolution_to_one_position_is_a_product(
    size: int, padding: str, kernel: Any, strides: int, use_bias: bool
) -> None:
    images = keras.Input((size, size, 3))
    convolution = layers.Conv2D(
        4, kernel, strides=strides, padding=padding, use_bias=use_bias, bias_initializer="normal", activation="tanh"
    )
    model = keras.Model(images, convolution(images))
    assert _replaced(model) == [ConvolutionToOnePosition]
    _assert_same(model, size)


def test_a_normalization_that_is_told_its_mode_stays() -> None:
    images = keras.Input((8, 8, 3))
    assert _replaced(keras.Model(images, layers.BatchNormalization()(images, training=True))) == []


def test_on_a_gpu_a_normalization_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", {"GPU": ["GPU:0"]}.__getitem__)
    assert _replaced(_chain(layers.BatchNormalization(), _activation())) == []


def test_a_normalization_frozen_after_the_rewriting_keeps_its_averages() -> None:
    normalization = layers.BatchNormalization()
    rewritten = rewrite_for_speed(_chain(normalization, _activation()))
    normalization.trainable = False
    images = tf.random.stateless_normal((4, 8, 8, 3), (1, 2))
    np.testing.assert_allclose(rewritten(images, training=True), tf.nn.relu(images / np.sqrt(1.001)), rtol=1e-5)
    np.testing.assert_array_equal(normalization.moving_mean, np.zeros(3))


class TestDropout:
    RATE = 0.3

    def _model(self) -> tuple[keras.Model, keras.Model]:
        """Return a rewritten model with dropout, and its like without."""
        normalization = layers.BatchNormalization(beta_initializer="ones")
        rewritten = rewrite_for_speed(_chain(normalization, _activation(), layers.Dropout(self.RATE, seed=1)))
        assert [type(layer) for layer in rewritten.layers[1:]] == [Normalization]
        return rewritten, _chain(normalization, _activation())

    def test_what_is_kept_is_scaled_and_the_rest_is_0(self) -> None:
        rewritten, _ = self._model()
        images = np.random.default_rng(0).standard_normal((128, 8, 8, 3)).astype(np.float32)
        dropped = rewritten(images, training=True).numpy()
        kept = dropped != 0
        # In float64: over so many values Keras's own mean is off by 5e-6.
        spread = np.sqrt(images.var((0, 1, 2), np.float64) + 0.001)
        positive = (expected := (images - images.mean((0, 1, 2), np.float64)) / spread + 1) > 0
        np.testing.assert_allclose(dropped[kept], expected[kept] / (1 - self.RATE), rtol=1e-5, atol=2e-6)
        rate = 1 - kept[positive].mean()
        assert rate == pytest.approx(self.RATE, abs=1 / RANDOM_LEVELS + 5 * self._deviation(positive.sum()))
        for axis in range(4):  # no image, row, column or channel is dropped more than another
            others = tuple(other for other in range(4) if other != axis)
            count = positive.sum(axis=others)
            rates = 1 - (kept & positive).sum(axis=others) / count
            assert np.all(abs(rates - rate) < 5 * self._deviation(count))

    def _deviation(self, count: Any) -> Any:
        return np.sqrt(self.RATE * (1 - self.RATE) / count)

    @pytest.mark.parametrize("rate", [0.1, 0.2, 0.25, 0.3])
    def test_over_steps_the_rate_is_the_one_that_was_asked_for(self, rate: float) -> None:
        dropout, count, steps = layers.Dropout(rate, seed=1), 50_003, 100
        rates = np.array([1 - _draw_kept(tf.constant([count]), dropout).numpy().mean() for _ in range(steps)])
        # Far less than one level: a step drops one of the two that are next to the rate.
        assert rates.mean() == pytest.approx(rate, abs=0.3 / RANDOM_LEVELS)
        assert np.all(abs(rates - rate) < 1 / RANDOM_LEVELS + 5 * np.sqrt(rate * (1 - rate) / count))

    def test_the_gradients_are_those_of_the_values_it_kept(self) -> None:
        rewritten, whole = self._model()
        sources = [images := tf.random.stateless_normal((8, 8, 8, 3), (1, 2)), *map(_value, whole.trainable_variables)]
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = rewritten(images, training=True)
        weights = tf.random.stateless_normal(outputs.shape, (3, 4))
        found = tape.gradient(outputs, sources, output_gradients=weights)
        with tf.GradientTape() as tape:
            tape.watch(images)
            kept = tf.cast(outputs != 0, tf.float32) * whole(images, training=True) / (1 - self.RATE)
        for one, other in zip(found, tape.gradient(kept, sources, output_gradients=weights), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)

    def test_each_step_drops_other_places_and_the_seed_says_which(self) -> None:
        images = tf.ones((1, 8, 8, 3)) * tf.random.stateless_normal((5, 1, 1, 1), (1, 2))
        (one, _), (other, _) = self._model(), self._model()
        first, second = (one(images, training=True).numpy() for _ in range(2))
        assert (first != second).mean() > 0.1
        np.testing.assert_array_equal(first, other(images, training=True))

    def test_none_drops_in_inference(self) -> None:
        rewritten, whole = self._model()
        images = tf.random.stateless_normal((8, 8, 8, 3), (1, 2))
        np.testing.assert_allclose(rewritten(images), whole(images), rtol=1e-5)

    @pytest.mark.parametrize(
        "dropout", [layers.Dropout(0.5, noise_shape=(None, 1, 1, 3)), layers.Dropout(1e-3), layers.Dropout(0.999)]
    )
    def test_another_dropout_is_keras_s_own(self, dropout: layers.Dropout) -> None:
        rewritten = rewrite_for_speed(_chain(layers.BatchNormalization(), _activation(), dropout))
        assert [type(layer) for layer in rewritten.layers[1:]] == [Normalization, layers.Dropout]
