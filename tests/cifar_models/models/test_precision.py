"""The precision of layers that are made meanwhile, and of none before or after."""

from __future__ import annotations

import keras
import pytest

from cifar_models.models.precision import precision_of_new_layers

pytestmark = pytest.mark.unit


def test_layers_that_are_made_meanwhile_compute_in_it_and_keep_their_weights_in_float32() -> None:
    before = keras.layers.Dense(1)
    with precision_of_new_layers("mixed_float16"):
        meanwhile = keras.layers.Dense(1)
    after = keras.layers.Dense(1)
    assert [layer.compute_dtype for layer in (before, meanwhile, after)] == ["float32", "float16", "float32"]
    assert meanwhile.variable_dtype == "float32"


def test_the_former_one_is_restored_after_an_error_too() -> None:
    class Failed(Exception):
        pass

    with precision_of_new_layers("mixed_bfloat16"):
        with pytest.raises(Failed), precision_of_new_layers("mixed_float16"):
            raise Failed
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    assert keras.config.dtype_policy().name == "float32"


def test_one_that_keras_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="float17"), precision_of_new_layers("float17"):
        pass
    assert keras.config.dtype_policy().name == "float32"
