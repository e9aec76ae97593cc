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

from cifar_models import builders
from cifar_models.rewriting import rewrite_for_training

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
    "normalization": lambda: layers.BatchNormalization(momentum=0.7),
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
        kinds=st.just(("convolution", "activation", "pooling")) | st.sampled_from([(kind,) for kind in KINDS]),
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
    return outputs, tape.gradient(loss, [variable.value for variable in variables])


def _assert_same(model: keras.Model) -> None:
    images = tf.constant(np.random.default_rng(0).random((6, 8, 8, 3), np.float32))
    rewritten = rewrite_for_training(model)
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


def _replaced(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in rewrite_for_training(model).layers if type(layer).__name__[0] == "_"]


def test_the_tables_own_models_are_rewritten_where_it_pays() -> None:
    assert _replaced(builders.simple_cnn()) == ["_PooledConvolution"] * 2
    assert _replaced(builders.improved_cnn()) == [], "it pools first itself"


@pytest.mark.parametrize(
    "made",
    [
        lambda: (_convolution(), layers.Activation("tanh"), _pooling()),
        lambda: (_convolution(), _activation(), layers.AveragePooling2D(2)),
        lambda: (layers.Conv2D(3, 3, use_bias=False), _activation(), _pooling()),
        lambda: (layers.Conv2D(3, 3, activation="tanh"), _activation(), _pooling()),
        lambda: (_convolution(), _pooling()),
        lambda: (_activation(), _pooling()),
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
    assert _replaced(model) == ["_PooledConvolution"]
    _assert_same(model)


def test_a_model_in_a_row_is_rewritten_too() -> None:
    _assert_same(keras.Sequential([keras.Input((8, 8, 3)), _convolution(), _activation(), _pooling()]))
