"""Features are computed once, kept apart by all that they depend on, and forgotten when told."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
from keras import layers

from cifar_models.datasets.dataset import Dataset
from cifar_models.datasets.normalization import Normalize, Standardization, imagenet_caffe, unit_scale
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.training import features
from cifar_models.training.features import FeatureCache, batch_size_for, compile_prefix, fingerprint_model

pytestmark = pytest.mark.unit


def _prefix(value: float = 0.5, *, outputs: int = 1, activation: str = "relu", name: str | None = None) -> keras.Model:
    """Build a frozen part that keeps no image's features equal to another's."""
    images = keras.Input((32, 32, 3))
    features = layers.Conv2D(2, 4, strides=8, name=name, activation=activation)(images)
    tensors = [features, layers.Flatten()(layers.AveragePooling2D(2)(features))]
    model = keras.Model(images, tensors[0] if outputs == 1 else tensors)
    model.set_weights([np.full(weight.shape, value, np.float32) for weight in model.weights])
    return model


@pytest.fixture(scope="module")
def prefix() -> keras.Model:
    return _prefix(outputs=2)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_synthetic(train_count=20, evaluation_count=10)


@pytest.fixture
def cache() -> Iterator[FeatureCache]:
    cache = FeatureCache()
    yield cache
    cache.clear()


class Counting:
    """A normalization that counts the images it is given."""

    def __init__(self) -> None:
        self.images = 0

    def __call__(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        self.images += len(images)
        return unit_scale(images)


class TestTheCache:
    def test_features_are_the_prefix_s_output_for_every_image_in_order(
        self, cache: FeatureCache, prefix: keras.Model, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(features, "BATCH_SIZE", 8)  # with a smaller last batch
        found = cache.get(prefix, normalize=unit_scale, dataset=dataset)
        for arrays, images in ((found.train, dataset.train_images), (found.evaluation, dataset.evaluation_images)):
            expected = [tensor.numpy() for tensor in prefix(unit_scale(images))]
            assert [array.shape for array in arrays] == [tensor.shape for tensor in expected]
            for array, tensor in zip(arrays, expected, strict=True):
                assert array.dtype == np.float32
                np.testing.assert_allclose(array, tensor, rtol=1e-5)

    def test_a_lone_output_is_a_list_of_one(self, cache: FeatureCache, dataset: Dataset) -> None:
        prefix = _prefix()
        found = cache.get(prefix, normalize=unit_scale, dataset=dataset)
        assert [array.shape for array in found.train] == [(20, 4, 4, 2)]
        np.testing.assert_allclose(found.train[0], prefix(unit_scale(dataset.train_images)).numpy(), rtol=1e-5)

    def test_the_same_is_computed_once(self, cache: FeatureCache, prefix: keras.Model, dataset: Dataset) -> None:
        normalize = Counting()
        get = partial(cache.get, prefix, normalize=normalize, dataset=dataset)
        first = get()
        assert get() is first
        assert normalize.images == 30
        cache.clear()
        assert get() is not first
        assert normalize.images == 60

    def test_another_build_of_the_prefix_with_the_same_weights_finds_the_features(
        self, cache: FeatureCache, dataset: Dataset
    ) -> None:
        first, second = (cache.get(_prefix(), normalize=unit_scale, dataset=dataset) for _ in range(2))
        assert second is first

    def test_another_normalization_data_set_or_weight_is_computed_anew(
        self, cache: FeatureCache, prefix: keras.Model, dataset: Dataset
    ) -> None:
        other = load_synthetic(seed=1, train_count=20, evaluation_count=10)
        scaled = cache.get(prefix, normalize=unit_scale, dataset=dataset)
        caffe = cache.get(prefix, normalize=imagenet_caffe, dataset=dataset)
        others = cache.get(prefix, normalize=imagenet_caffe, dataset=other)
        weights = prefix.get_weights()
        prefix.set_weights([weight * 2 for weight in weights])
        doubled = cache.get(prefix, normalize=imagenet_caffe, dataset=other)
        prefix.set_weights(weights)
        means = [float(found.train[0].mean()) for found in (scaled, caffe, others, doubled)]
        assert len({round(mean, 3) for mean in means}) == 4

    def test_fitted_normalizations_are_told_apart_by_what_they_were_fitted_to(
        self, cache: FeatureCache, prefix: keras.Model, dataset: Dataset
    ) -> None:
        one, equal, other = (Standardization((mean, 1.0, 1.0), (2.0, 2.0, 2.0)) for mean in (3.0, 3.0, 4.0))
        first = cache.get(prefix, normalize=one, dataset=dataset)
        assert cache.get(prefix, normalize=equal, dataset=dataset) is first
        assert cache.get(prefix, normalize=other, dataset=dataset) is not first

    def test_the_features_of_several_parts_are_kept_until_the_oldest_make_room(
        self, cache: FeatureCache, prefix: keras.Model, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(features, "MEMORY_LIMIT", 2 * 30 * (32 + 8) * 4)  # of 30 images, two times
        normalizations: dict[str, Normalize] = {
            "scaled": unit_scale,
            "caffe": imagenet_caffe,
            "fitted": Standardization((3.0, 3.0, 3.0), (2.0, 2.0, 2.0)),
        }

        def computed(name: str) -> bool:
            cache.get(prefix, normalize=normalizations[name], dataset=dataset)
            return cache.seconds > 0

        asked = ["scaled", "caffe", "scaled", "fitted", "scaled", "caffe"]
        assert [computed(name) for name in asked] == [True, True, False, True, False, True]

    def test_beyond_the_memory_limit_they_are_kept_in_a_file(
        self, cache: FeatureCache, prefix: keras.Model, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        get = partial(cache.get, prefix, normalize=unit_scale, dataset=dataset)
        in_memory = get()
        assert not any(isinstance(array, np.memmap) for array in in_memory.train + in_memory.evaluation)
        cache.clear()

        # Of 20 images with 32 + 8 float32 values each, and of 10.
        monkeypatch.setattr(features, "MEMORY_LIMIT", 20 * (32 + 8) * 4 - 1)
        on_disk = get()
        assert all(isinstance(array, np.memmap) for array in on_disk.train)
        assert not any(isinstance(array, np.memmap) for array in on_disk.evaluation)
        for one, other in zip(on_disk.train, in_memory.train, strict=True):
            np.testing.assert_array_equal(one, other)
        assert get() is on_disk
        cache.clear()
        assert get() is not on_disk

    def test_features_of_one_prefix_make_room_for_those_of_another(
        self, cache: FeatureCache, prefix: keras.Model, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(features, "MEMORY_LIMIT", 0)
        first = cache.get(prefix, normalize=unit_scale, dataset=dataset)
        file = Path(str(first.train[0].filename))  # type: ignore[attr-defined]
        cache.get(prefix, normalize=imagenet_caffe, dataset=dataset)
        assert not file.exists()

    def test_a_disk_without_room_for_them_is_an_error_before_any_is_computed(
        self, cache: FeatureCache, prefix: keras.Model, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: int) -> None:
            raise OSError(28, "No space left on device")

        normalize = Counting()
        monkeypatch.setattr(features, "MEMORY_LIMIT", 0)
        monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
        with pytest.raises(MemoryError, match=r"^found less than 0\.0 GB free for temp.+No space left.+set TMPDIR"):
            cache.get(prefix, normalize=normalize, dataset=dataset)
        assert normalize.images == 0

    def test_without_a_folder_for_temporary_files_the_error_is_the_same(
        self, cache: FeatureCache, prefix: keras.Model, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def none(**_: str) -> None:
            raise FileNotFoundError(2, "No usable temporary directory found")

        monkeypatch.setattr(features, "MEMORY_LIMIT", 0)
        monkeypatch.setattr(tempfile, "TemporaryFile", none)
        with pytest.raises(MemoryError, match=r"^found less than .+No usable temporary directory.+set TMPDIR"):
            cache.get(prefix, normalize=unit_scale, dataset=dataset)

    def test_each_batch_is_reported_with_the_time_left(
        self, cache: FeatureCache, prefix: keras.Model, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(features, "BATCH_SIZE", 8)
        monkeypatch.setattr(features, "time", SimpleNamespace(perf_counter=itertools.count().__next__))
        told: list[Any] = []
        cache.get(prefix, normalize=unit_scale, dataset=dataset, progress=told.append)
        # A second a batch, of which there are three and two.
        assert [(each.images, each.all_images) for each in told] == [(n, 30) for n in (8, 16, 20, 28, 30)]
        assert [each.seconds_left for each in told] == pytest.approx(
            [1 * 22 / 8, 2 * 14 / 16, 3 * 10 / 20, 4 * 2 / 28, 0]
        )

    @pytest.mark.parametrize(("size", "batch"), [(16, 128), (32, 40), (64, 10), (2000, 1)])
    def test_larger_images_come_in_smaller_batches(
        self, monkeypatch: pytest.MonkeyPatch, size: int, batch: int
    ) -> None:
        monkeypatch.setattr(features, "LAYER_LIMIT", 10 * 64 * 64 * 16)  # ten images of 64 x 64, of 4 float32 each
        images = keras.Input((8, 8, 3))
        largest = layers.Conv2D(4, 3, padding="same")(layers.Resizing(size, size)(images))
        prefix = keras.Model(images, layers.GlobalAveragePooling2D()(largest))
        assert batch_size_for(prefix) == batch

    def test_a_smaller_batch_is_not_traced_again(self, prefix: keras.Model) -> None:
        compute: Any = compile_prefix(prefix)
        for count in (8, 3):
            assert len(compute(np.zeros((count, 32, 32, 3), np.float32))[0]) == count
        assert compute.experimental_get_tracing_count() == 1

    def test_they_are_computed_without_xla_even_where_keras_would_take_it(
        self, prefix: keras.Model, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keras.Model, "_resolve_auto_jit_compile", lambda _: True)
        compute: Any = compile_prefix(prefix)
        assert "_XlaMustCompile" not in compute.get_concrete_function().function_def.attr

    def test_an_empty_cache_can_be_cleared(self, cache: FeatureCache) -> None:
        cache.clear()
        cache.clear()


def _changed_weight() -> keras.Model:
    model = _prefix()
    kernel, bias = model.get_weights()
    bias[1] = np.nextafter(bias[1], np.float32(1))
    model.set_weights([kernel, bias])
    return model


def _other_stride() -> keras.Model:
    images = keras.Input((32, 32, 3))
    model = keras.Model(images, layers.Conv2D(2, 4, strides=7, activation="relu")(images))
    model.set_weights(_prefix().get_weights())
    return model


def _in_mixed_precision() -> keras.Model:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return _prefix()
    finally:
        keras.config.set_dtype_policy("float32")


def _chain(*activations: str) -> keras.Model:
    images = tensor = keras.Input((2,))
    for activation in activations:
        tensor = layers.Activation(activation)(tensor)
    return keras.Model(images, tensor)


def _sum(*places: int) -> keras.Model:
    """Build two layers of the same weights and add the outputs of two places, 0 for the input."""
    tensors = [keras.Input((2,))]
    for _ in range(2):
        tensors.append(layers.Activation("tanh")(tensors[-1]))
    return keras.Model(tensors[0], layers.Add()([tensors[-1], *(tensors[place] for place in places)]))


class TestTheFingerprintOfAModel:
    def test_it_is_blind_to_names(self) -> None:
        assert fingerprint_model(_prefix()) == fingerprint_model(_prefix())
        assert fingerprint_model(_prefix(name="a_name")) == fingerprint_model(_prefix(name="another"))
        assert fingerprint_model(_sum(1)) == fingerprint_model(_sum(1))

    @pytest.mark.parametrize(
        "build",
        [
            _changed_weight,
            _other_stride,
            lambda: _prefix(0.25),
            lambda: _prefix(outputs=2),
            lambda: _prefix(activation="tanh"),
            _in_mixed_precision,
        ],
        ids=["last digit of a weight", "stride", "weights", "outputs", "activation", "precision"],
    )
    def test_it_tells_weights_and_graphs_apart(self, build: Callable[[], keras.Model]) -> None:
        assert fingerprint_model(build()) != fingerprint_model(_prefix())

    def test_it_tells_orders_and_links_apart(self) -> None:
        models: list[Any] = [_chain("relu", "tanh"), _chain("tanh", "relu"), _chain("relu"), _sum(0), _sum(1)]
        assert len({fingerprint_model(model) for model in models}) == 5

    def test_a_layer_named_after_its_activation_hides_nothing(self) -> None:
        one, other = (_prefix(activation=activation, name=activation) for activation in ("relu", "tanh"))
        assert fingerprint_model(one) != fingerprint_model(other)
