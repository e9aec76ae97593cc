"""What can be said of sharing a training without sharing one; test_training_on_devices.py shares some."""

from __future__ import annotations

import keras
import pytest
from keras import layers

from cifar_models.distribution import mirror, require_equal_shares, synchronize_batch_normalization

pytestmark = pytest.mark.unit

TWO, THREE = ("GPU:0", "GPU:1"), ("GPU:0", "GPU:1", "GPU:2")


def test_without_devices_there_is_no_strategy() -> None:
    assert mirror(()) is None


@pytest.mark.parametrize(("devices", "images"), [(TWO, 50_000), (TWO, 2_000), (TWO, 256), (THREE, 129), ((), 101)])
def test_equal_shares_are_accepted(devices: tuple[str, ...], images: int) -> None:
    require_equal_shares(devices, batch_size=129 if devices == THREE else 128, images=images)


@pytest.mark.parametrize(("devices", "images", "last"), [(THREE, 300, 44), (THREE, 256, 128), (TWO, 129, 1)])
def test_unequal_shares_are_refused(devices: tuple[str, ...], images: int, last: int) -> None:
    with pytest.raises(ValueError, match="devices: found") as caught:
        require_equal_shares(devices, batch_size=128, images=images)
    assert str(caught.value) == (
        f"devices: found {len(devices)} for batches of 128 and a last one of {last}, expected a number that divides "
        f"both, so that each image counts the same"
    )


def test_a_last_batch_that_cannot_be_shared_is_refused_where_the_others_can() -> None:
    with pytest.raises(ValueError, match="found 3 for batches of 129 and a last one of 1, expected"):
        require_equal_shares(THREE, batch_size=129, images=130)


def test_all_of_a_model_s_batch_normalization_is_synchronized() -> None:
    images = keras.Input((4,))
    features = layers.BatchNormalization()(layers.Dense(2)(layers.BatchNormalization()(images)))
    model = keras.Model(images, features)
    synchronize_batch_normalization(model)
    assert [layer.synchronized for layer in model.layers if hasattr(layer, "synchronized")] == [True, True]
