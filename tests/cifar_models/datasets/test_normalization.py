"""Normalizations: their ranges, their inverses, what they leave alone and what they refuse."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cifar_models.datasets.normalization import (
    FITS,
    IMAGENET_MEAN_BGR,
    Standardization,
    imagenet_caffe,
    standardize,
    unit_scale,
)

pytestmark = pytest.mark.unit

Images = npt.NDArray[np.uint8]

# Every level once in every channel, and the extremes side by side.
ALL_LEVELS = np.stack([np.arange(256), np.arange(256)[::-1], np.roll(np.arange(256), 7)], axis=-1)
ALL_LEVELS = ALL_LEVELS.astype(np.uint8).reshape(4, 8, 8, 3)

images_of_any_size = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)).flatmap(
    lambda size: arrays(np.uint8, (*size, 3))
)
laws = settings(deadline=None, max_examples=25)


def _fitted(name: str) -> Callable[[Images], npt.NDArray[np.float32]]:
    return FITS[name](ALL_LEVELS)


def _undo(name: str, values: npt.NDArray[np.float32]) -> Any:
    """Go back to pixels by the formula's inverse, in float64."""
    if name == "unit_scale":
        return np.rint(values.astype(np.float64) * 255)
    if name == "imagenet_caffe":
        return np.rint(values.astype(np.float64) + np.array(IMAGENET_MEAN_BGR))[..., ::-1]
    fit = standardize(ALL_LEVELS)
    return np.rint(values.astype(np.float64) * np.array(fit.standard_deviation) + np.array(fit.mean))


@pytest.mark.property
@pytest.mark.parametrize("name", FITS)
@laws
@given(images=images_of_any_size)
def test_rounding_back_gives_the_pixels(name: str, images: Images) -> None:
    normalized = _fitted(name)(images)
    assert normalized.dtype == np.float32
    assert normalized.shape == images.shape
    np.testing.assert_array_equal(_undo(name, normalized), images)


def test_a_fit_takes_little_memory() -> None:
    images = np.resize(ALL_LEVELS, (5000, 32, 32, 3))
    tracemalloc.start()
    try:
        standardize(images)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < images.nbytes, "one channel as int64 would take more than twice as much"


@pytest.mark.property
@pytest.mark.parametrize("name", FITS)
@laws
@given(images=images_of_any_size)
def test_the_images_stay_as_they_are_and_may_be_read_only(name: str, images: Images) -> None:
    before = images.copy()
    normalized = _fitted(name)(images)
    np.testing.assert_array_equal(images, before)
    assert not np.shares_memory(normalized, images)
    images.flags.writeable = False
    np.testing.assert_array_equal(_fitted(name)(images), normalized)


@pytest.mark.property
@pytest.mark.parametrize("name", FITS)
@laws
@given(images=images_of_any_size)
def test_an_image_is_normalized_alike_alone_and_among_others(name: str, images: Images) -> None:
    normalize = _fitted(name)
    one_by_one = [normalize(images[row : row + 1]) for row in range(len(images))]
    np.testing.assert_array_equal(np.concatenate(one_by_one), normalize(images))


@pytest.mark.parametrize("name", FITS)
def test_no_image_gives_no_value(name: str) -> None:
    assert _fitted(name)(ALL_LEVELS[:0]).shape == (0, 8, 8, 3)


def test_the_names_of_protocols_stand_for_the_functions() -> None:
    assert list(FITS) == ["unit_scale", "imagenet_caffe", "standardize"]
    assert FITS["unit_scale"](ALL_LEVELS) is unit_scale
    assert FITS["imagenet_caffe"](ALL_LEVELS) is imagenet_caffe
    assert FITS["standardize"](ALL_LEVELS) == standardize(ALL_LEVELS)


class TestUnitScale:
    def test_black_is_exactly_0_and_white_exactly_1(self) -> None:
        assert unit_scale(np.zeros((1, 1, 1, 3), np.uint8)).tolist() == [[[[0.0, 0.0, 0.0]]]]
        assert unit_scale(np.full((1, 1, 1, 3), 255, np.uint8)).tolist() == [[[[1.0, 1.0, 1.0]]]]

    def test_every_level_is_the_float32_nearest_to_its_255th(self) -> None:
        nearest = (ALL_LEVELS / np.float64(255)).astype(np.float32)
        np.testing.assert_array_equal(unit_scale(ALL_LEVELS), nearest)
        assert unit_scale(ALL_LEVELS).min() == 0
        assert unit_scale(ALL_LEVELS).max() == 1


class TestImagenetCaffe:
    @pytest.mark.parametrize("application", ["vgg16", "resnet50"])
    def test_it_agrees_with_keras_to_the_last_bit(self, application: str) -> None:
        theirs = getattr(keras.applications, application).preprocess_input(ALL_LEVELS.copy())
        ours = imagenet_caffe(ALL_LEVELS)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours.view(np.uint32), np.ascontiguousarray(theirs).view(np.uint32))

    def test_blue_comes_first_less_its_own_mean(self) -> None:
        pixel = np.array([[[[10, 20, 30]]]], np.uint8)
        expected = np.array([30 - 103.939, 20 - 116.779, 10 - 123.68])
        np.testing.assert_allclose(imagenet_caffe(pixel)[0, 0, 0], expected, rtol=1e-6)

    def test_values_lie_between_minus_124_and_152(self) -> None:
        values = imagenet_caffe(ALL_LEVELS)
        assert values.min() == np.float32(-123.68)
        assert values.max() == np.float32(255) - np.float32(103.939)


class TestStandardize:
    @pytest.mark.property
    @laws
    @given(seed=st.integers(0, 1000), spread=st.integers(1, 255), count=st.integers(1, 4))
    def test_it_fits_the_moments_that_numpy_finds(self, seed: int, spread: int, count: int) -> None:
        images = np.random.default_rng(seed).integers(0, spread, (count, 5, 7, 3), np.uint8, endpoint=True)
        fit = standardize(images)
        np.testing.assert_allclose(fit.mean, images.mean(axis=(0, 1, 2)), rtol=1e-12)
        np.testing.assert_allclose(fit.standard_deviation, images.std(axis=(0, 1, 2)), rtol=1e-10)
        normalized = fit(images).astype(np.float64)
        np.testing.assert_allclose(normalized.mean(axis=(0, 1, 2)), 0, atol=1e-5)
        np.testing.assert_allclose(normalized.std(axis=(0, 1, 2)), 1, atol=1e-5)

    @pytest.mark.property
    @laws
    @given(seed=st.integers(0, 1000))
    def test_the_order_of_images_is_irrelevant(self, seed: int) -> None:
        assert standardize(np.random.default_rng(seed).permutation(ALL_LEVELS)) == standardize(ALL_LEVELS)

    def test_a_hand_worked_example(self) -> None:
        images = np.array([[[[0, 10, 1]]], [[[4, 30, 2]]]], np.uint8)
        assert standardize(images) == Standardization((2.0, 20.0, 1.5), (2.0, 10.0, 0.5))
        assert standardize(images)(images).tolist() == [[[[-1, -1, -1]]], [[[1, 1, 1]]]]

    def test_it_is_applied_with_the_moments_of_the_images_it_was_fitted_on(self) -> None:
        fit = standardize(np.array([[[[0, 10, 1]]], [[[4, 30, 2]]]], np.uint8))
        assert fit(np.array([[[[6, 20, 3]]]], np.uint8)).tolist() == [[[[2, 0, 3]]]]

    def test_no_image_is_refused(self) -> None:
        with pytest.raises(ValueError, match="found no training image, expected at least one"):
            standardize(ALL_LEVELS[:0])

    @pytest.mark.parametrize("channel", [0, 1, 2])
    @pytest.mark.parametrize("value", [0, 127, 255])
    def test_a_channel_with_one_value_is_refused(self, channel: int, value: int) -> None:
        images = ALL_LEVELS.copy()
        images[..., channel] = value
        text = f"standardize: found one value in channel {channel}, expected a spread to divide by"
        with pytest.raises(ValueError, match=text):
            standardize(images)


# Fitting and applying refuse alike.
REFUSING = [unit_scale, imagenet_caffe, standardize, lambda images: standardize(ALL_LEVELS)(images)]


@pytest.mark.parametrize("normalize", REFUSING, ids=["unit_scale", "imagenet_caffe", "standardize", "fitted"])
class TestRefusals:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int8, bool])
    def test_another_dtype_is_refused(self, normalize: Callable[[Any], Any], dtype: Any) -> None:
        images = np.zeros((2, 4, 4, 3), dtype)
        with pytest.raises(ValueError, match=f"images: found dtype {images.dtype}, expected uint8"):
            normalize(images)

    @pytest.mark.parametrize("shape", [(4, 4, 3), (2, 3, 4, 4), (2, 4, 4), (2, 4, 4, 1), (1, 2, 4, 4, 3)])
    def test_another_shape_is_refused(self, normalize: Callable[[Any], Any], shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="images: found shape") as caught:
            normalize(np.zeros(shape, np.uint8))
        assert str(caught.value) == f"images: found shape {shape}, expected (N, height, width, 3)"


@pytest.mark.parametrize("name", FITS)
def test_what_was_normalized_cannot_be_normalized_again(name: str) -> None:
    normalize: Callable[[Any], Any] = _fitted(name)
    with pytest.raises(ValueError, match="expected uint8 pixels from 0 to 255"):
        normalize(normalize(ALL_LEVELS))
