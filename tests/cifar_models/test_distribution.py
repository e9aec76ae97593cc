"""What can be said of sharing a training without sharing one; test_training_on_devices.py shares some."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from cifar_models.datasets.dataset import Dataset
from cifar_models.distribution import mirror, require_equal_shares, synchronize_batch_normalization

pytestmark = pytest.mark.unit

TWO, THREE = ("GPU:0", "GPU:1"), ("GPU:0", "GPU:1", "GPU:2")


def test_without_devices_there_is_no_strategy() -> None:
    assert mirror(()) is None


def _dataset(train: int, evaluation: int) -> Dataset:
    train_images, images = (np.zeros((count, 32, 32, 3), np.uint8) for count in (train, evaluation))
    labels = np.arange(max(train, evaluation)) % 10
    return Dataset("some", train_images, labels[:train], images, labels[:evaluation], tuple("abcdefghij"))


@pytest.mark.parametrize(
    ("devices", "train", "evaluation"),
    [(TWO, 80, 40), (TWO, 88, 44), (THREE, 60, 120), ((), 33, 21)],
    ids=["no last batch", "a last batch", "three", "one device"],
)
def test_equal_shares_are_accepted(devices: tuple[str, ...], train: int, evaluation: int) -> None:
    require_equal_shares(devices, 30 if devices == THREE else 20, _dataset(train, evaluation))


@pytest.mark.parametrize(
    ("devices", "train", "evaluation", "sizes"),
    [
        (THREE, 60, 40, "20"),
        (TWO, 61, 40, "20, 1"),
        (TWO, 60, 55, "20, 15"),
        (TWO, 64, 53, "20, 4, 13"),
    ],
    ids=["every batch", "the last training batch", "the last evaluation batch", "one of two last batches"],
)
def test_unequal_shares_are_refused(devices: tuple[str, ...], train: int, evaluation: int, sizes: str) -> None:
    with pytest.raises(ValueError, match="devices: found") as caught:
        require_equal_shares(devices, 20, _dataset(train, evaluation))
    assert str(caught.value) == (
        f"devices: found {len(devices)} for batches of {sizes} images, expected a number that divides them all"
    )


def test_all_of_a_model_s_batch_normalization_is_synchronized() -> None:
    images = keras.Input((4,))
    features = layers.BatchNormalization()(layers.Dense(2)(layers.BatchNormalization()(images)))
    model = keras.Model(images, features)
    synchronize_batch_normalization(model)
    assert [layer.synchronized for layer in model.layers if hasattr(layer, "synchronized")] == [True, True]
