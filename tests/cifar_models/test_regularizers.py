"""L2 as one operation costs and pulls as Keras's own does."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from cifar_models.regularizers import FusedL2, fuse_regularizers

pytestmark = pytest.mark.unit


def _model() -> keras.Model:
    l1, l2 = keras.regularizers.L1(0.1), keras.regularizers.L2(0.3)
    images = keras.Input((4, 4, 3))
    features = layers.Conv2D(5, 3, kernel_regularizer=l2, bias_regularizer=l1)(images)
    frozen = layers.Conv2D(5, 1, kernel_regularizer=l2, trainable=False)(features)
    return keras.Model(images, layers.Dense(2, kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2))(frozen))


def _losses(model: keras.Model) -> tuple[list[float], list[np.ndarray]]:
    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        losses = model.losses
        total = tf.add_n(losses)
    return losses, tape.gradient(total, variables, unconnected_gradients="zero")


def test_the_losses_and_gradients_are_keras_s_own() -> None:
    model = _model()
    expected, expected_gradients = _losses(model)
    fuse_regularizers(model)
    losses, gradients = _losses(model)
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    for gradient, expected_gradient in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-6)


def test_only_keras_s_l2_of_what_trains_is_replaced() -> None:
    model = _model()
    fuse_regularizers(model)
    fused = [variable.path.split("/")[-2:] for variable in model.variables if type(variable.regularizer) is FusedL2]
    assert fused == [[model.layers[1].name, "kernel"]]


def test_a_saved_model_names_keras_s_own() -> None:
    model = _model()
    before = model.to_json()
    fuse_regularizers(model)
    assert model.to_json() == before
