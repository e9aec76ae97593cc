"""Adam in one pass moves variables as Keras's own does."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from cifar_models.optimizers import FusedAdam

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("rate", [0.01, keras.optimizers.schedules.CosineDecay(0.01, decay_steps=5)])
def test_it_moves_variables_as_keras_s_own_does(rate: float | keras.optimizers.schedules.LearningRateSchedule) -> None:
    random = np.random.default_rng(0)
    first, gradients = (
        random.normal(size=(4, 3)),
        random.normal(size=(5, 4, 3)) * 10.0 ** np.arange(-4, 1)[:, None, None],
    )
    moved = []
    for kind in (keras.optimizers.Adam, FusedAdam):
        optimizer, variables = kind(rate), [keras.Variable(first), keras.Variable(first[0])]
        for gradient in gradients:
            optimizer.apply([tf.constant(gradient, tf.float32), tf.constant(gradient[0], tf.float32)], variables)
        moved.append([*variables, *optimizer.variables])
    assert not np.allclose(moved[0][0], first, atol=1e-3)
    for one, other in zip(*moved, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
