"""Images are held out by class, in the same way everywhere."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_models.datasets.dataset import DatasetError
from cifar_models.datasets.held_out import hold_out
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.storage.fingerprint import fingerprint_arrays

pytestmark = pytest.mark.unit


def test_a_tenth_of_each_class_is_held_out_and_all_else_is_trained_on() -> None:
    labels = np.arange(600, dtype=np.int64) % 10
    labels[labels == 9] = np.where(np.arange(60) < 45, 9, 0)  # 75 images of class 0 and 45 of class 9
    train, held_out = hold_out(labels)
    assert np.bincount(labels[held_out]).tolist() == [8, *[6] * 8, 5]
    assert sorted([*train, *held_out]) == list(range(600))
    assert (np.diff(train) > 0).all()
    assert (np.diff(held_out) > 0).all()
    assert np.bincount(held_out // 200).min() > 10, "they come from all over the data set"


def test_they_are_the_same_images_for_ever() -> None:
    train, held_out = hold_out(load_synthetic().train_labels)
    assert (len(train), len(held_out)) == (2700, 300)
    assert (
        fingerprint_arrays(held_out.astype(np.int64))
        == "sha256:f10096a9812af122c70cf99dc6e127a3f4babd142114758273eab880516a0bd7"
    )


@pytest.mark.parametrize("count", [0, 1])
def test_a_class_of_which_none_would_be_left_is_refused(count: int) -> None:
    labels = np.array([*range(9)] * 3 + [9] * count, np.int64)
    with pytest.raises(DatasetError, match=f"^held_out: found {count} training images of class 9, expected 2 or more"):
        hold_out(labels)


def test_of_two_images_one_is_left() -> None:
    train, held_out = hold_out(np.arange(20, dtype=np.int64) % 10)
    assert (len(train), len(held_out)) == (10, 10)
