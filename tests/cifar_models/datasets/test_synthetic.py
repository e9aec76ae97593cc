"""The synthetic data set: the same bytes for the same seed, balanced, and with nothing shared between its splits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_models.datasets import synthetic
from cifar_models.datasets.dataset import Dataset
from cifar_models.datasets.synthetic import load_synthetic

pytestmark = pytest.mark.unit

# Of a small draw. It changes with every change of the images, and baselines on synthetic data with it.
PINNED = "sha256:92b3da44dfa9f9a6c24b8f1d47ac06a6c20f2509760e0ddb6de98a2bd9a5bdf8"

tens = st.integers(1, 6).map(lambda tenth: 10 * tenth)


def _small(seed: int = 7) -> Dataset:
    return load_synthetic(seed=seed, train_count=100, evaluation_count=50)


def test_the_bytes_of_a_seed_are_the_same_on_every_machine() -> None:
    assert _small().fingerprint == PINNED


def test_another_seed_gives_other_images() -> None:
    assert _small(8).fingerprint != _small().fingerprint
    assert not np.array_equal(_small(8).train_images[0], _small().train_images[0])


def test_the_default_is_small_enough_to_train_on_anywhere() -> None:
    default = load_synthetic()
    assert 1_000 <= len(default.train_labels) <= 4_000
    assert 100 <= len(default.evaluation_labels) <= 4_000
    assert default.name == "synthetic"
    assert len(set(default.class_names)) == 10


@pytest.mark.property
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**64), train_count=tens, evaluation_count=tens)
def test_every_draw_is_repeatable_balanced_and_apart(seed: int, train_count: int, evaluation_count: int) -> None:
    counts = {"train_count": train_count, "evaluation_count": evaluation_count}
    dataset = load_synthetic(seed=seed, **counts)
    assert np.bincount(dataset.train_labels).tolist() == [train_count // 10] * 10
    assert np.bincount(dataset.evaluation_labels).tolist() == [evaluation_count // 10] * 10
    images = [image.tobytes() for image in (*dataset.train_images, *dataset.evaluation_images)]
    assert len(set(images)) == train_count + evaluation_count
    assert load_synthetic(seed=seed, **counts).fingerprint == dataset.fingerprint


def test_labels_are_shuffled_differently_in_each_split() -> None:
    dataset = load_synthetic(train_count=100, evaluation_count=100)
    in_turn = np.arange(100) % 10
    for labels in (dataset.train_labels, dataset.evaluation_labels):
        assert not np.array_equal(labels, in_turn)
        assert not np.array_equal(labels, np.sort(labels))
    assert not np.array_equal(dataset.train_labels, dataset.evaluation_labels)


def test_nothing_of_the_data_can_be_changed() -> None:
    dataset = _small()
    for array in (dataset.train_images, dataset.evaluation_images, dataset.train_labels, dataset.evaluation_labels):
        assert not array.flags.writeable


def test_labels_belong_to_their_images() -> None:
    """Mean images of one class agree between draws, and differ between classes."""
    means = []
    for seed in (1, 2):
        dataset = load_synthetic(seed=seed, train_count=1_000, evaluation_count=10)
        images = dataset.train_images.astype(np.float64)
        means.append([images[dataset.train_labels == label].mean(axis=0).ravel() for label in range(10)])
    distances = np.array([[np.abs(one - other).mean() for other in means[1]] for one in means[0]])
    assert (distances.argmin(axis=1) == np.arange(10)).all()


@pytest.mark.parametrize("name", ["train_count", "evaluation_count"])
@pytest.mark.parametrize("count", [0, -10, 5, 11])
def test_a_count_that_is_no_positive_multiple_of_ten_is_refused(name: str, count: int) -> None:
    counts: dict[str, int] = {"train_count": 10, "evaluation_count": 10, name: count}
    with pytest.raises(ValueError, match=f"{name}: found {count}, expected a positive multiple of 10"):
        load_synthetic(seed=0, **counts)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="non-negative"):
        load_synthetic(seed=-1)


class TestIntegers:
    @pytest.mark.property
    @settings(deadline=None, max_examples=15)
    @given(low=st.integers(-60, 60), extent=st.integers(0, 255), seed=st.integers(0, 100))
    def test_they_fill_their_range_and_stay_in_it(self, low: int, extent: int, seed: int) -> None:
        drawn = synthetic._integers(np.random.PCG64(seed), (8_000,), low, low + extent)
        assert drawn.dtype == np.int32
        assert np.unique(drawn).tolist() == list(range(low, low + extent + 1))

    @pytest.mark.parametrize("shape", [(1,), (7,), (8,), (9,), (3, 1, 1, 3)])
    def test_they_come_in_the_shape_asked_for(self, shape: tuple[int, ...]) -> None:
        assert synthetic._integers(np.random.PCG64(0), shape, 0, 9).shape == shape


def test_no_float_is_computed_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Float results differ between processors; every array on the way is of integers."""
    dtypes = []

    def clip(images: Any, *limits: Any) -> Any:
        dtypes.append(images.dtype)
        return original_clip(images, *limits)

    original_clip, original_waves = np.clip, synthetic._waves

    def waves(*arguments: Any) -> Any:
        dtypes.extend(argument.dtype for argument in arguments)
        result = original_waves(*arguments)
        dtypes.append(result.dtype)
        assert result.min() == -16
        assert result.max() == 16
        return result

    monkeypatch.setattr(np, "clip", clip)
    monkeypatch.setattr(synthetic, "_waves", waves)
    _small()
    assert len(dtypes) == 2 * (1 + 2 * 3)
    assert set(dtypes) == {np.dtype(np.int32)}
