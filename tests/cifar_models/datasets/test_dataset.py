"""A data set is checked once, when it is made, and named by a fingerprint over its bytes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from cifar_models.datasets.dataset import Dataset, DatasetError, reading
from cifar_models.storage.fingerprint import fingerprint_arrays

pytestmark = pytest.mark.unit

NAMES = tuple("abcdefghij")


def _arguments() -> dict[str, Any]:
    stream = np.random.default_rng(3)
    return {
        "name": "small",
        "train_images": stream.integers(0, 256, size=(20, 32, 32, 3), dtype=np.uint8),
        "train_labels": np.arange(20, dtype=np.int64) % 10,
        "evaluation_images": stream.integers(0, 256, size=(10, 32, 32, 3), dtype=np.uint8),
        "evaluation_labels": np.arange(10, dtype=np.int64),
        "class_names": NAMES,
    }


def _refusal(**changed: Any) -> str:
    with pytest.raises(DatasetError) as caught:
        Dataset(**_arguments() | changed)
    return str(caught.value)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_a_file_that_cannot_be_read_is_not_called_broken(error: OSError) -> None:
    with pytest.raises(OSError, match=error.strerror), reading("x.npz", "file", "a whole file"):
        raise error


@pytest.mark.parametrize(
    "error", [OSError("not a gzip file"), OSError(22, "Invalid argument"), EOFError(), KeyError("a")]
)
def test_content_that_a_library_cannot_use_is_broken(error: Exception) -> None:
    with pytest.raises(DatasetError, match=r"^x\.npz: found a broken file"), reading("x.npz", "file", "a whole file"):
        raise error


def test_too_little_memory_is_no_broken_file() -> None:
    said = r"^x\.npz: found too little memory \(no room\), expected enough"
    with pytest.raises(DatasetError, match=said), reading("x.npz", "file", "a whole file"):
        raise MemoryError("no room")


def test_a_data_set_keeps_what_it_was_given_without_a_copy() -> None:
    arguments = _arguments()
    dataset = Dataset(**arguments)
    for name, value in arguments.items():
        assert getattr(dataset, name) is value


def test_a_dataset_error_is_a_value_error() -> None:
    assert issubclass(DatasetError, ValueError)


def test_nothing_of_a_data_set_can_be_changed() -> None:
    dataset = Dataset(**_arguments())
    for array in (
        dataset.train_images,
        dataset.train_labels,
        dataset.evaluation_images,
        dataset.evaluation_labels,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        dataset.name = "another"  # type: ignore[misc]


def test_the_fingerprint_is_that_of_the_four_arrays_in_order() -> None:
    arguments = _arguments()
    arrays = [arguments[name] for name in arguments if name.endswith(("images", "labels"))]
    assert Dataset(**arguments).fingerprint == fingerprint_arrays(*arrays)


def test_the_fingerprint_depends_on_every_array_and_on_no_name() -> None:
    fingerprints = {Dataset(**_arguments()).fingerprint}
    assert Dataset(**_arguments() | {"name": "another"}).fingerprint in fingerprints
    for name in ("train_images", "train_labels", "evaluation_images", "evaluation_labels"):
        arguments = _arguments()
        arguments[name] = arguments[name][::-1].copy()
        fingerprints.add(Dataset(**arguments).fingerprint)
    assert len(fingerprints) == 5


def test_a_fingerprint_cannot_be_given() -> None:
    with pytest.raises(TypeError, match="fingerprint"):
        Dataset(**_arguments() | {"fingerprint": "sha256:0"})


@pytest.mark.parametrize("count", [9, 11])
def test_another_number_of_class_names_than_ten_is_refused(count: int) -> None:
    assert _refusal(class_names=("x",) * count) == f"small: found {count} class names, expected 10"


@pytest.mark.parametrize("split", ["train", "evaluation"])
class TestEachSplit:
    @pytest.mark.parametrize("dtype", [np.float32, np.int8, bool])
    def test_images_of_another_dtype_are_refused(self, split: str, dtype: Any) -> None:
        images = _arguments()[f"{split}_images"].astype(dtype)
        expected = f"small, {split} images: found dtype {images.dtype}, expected uint8 (0 to 255)"
        assert _refusal(**{f"{split}_images": images}) == expected

    @pytest.mark.parametrize("shape", [(10, 3, 32, 32), (10, 32, 32), (10, 32, 32, 1), (10, 32, 32, 3, 1)])
    def test_images_of_another_shape_are_refused(self, split: str, shape: tuple[int, ...]) -> None:
        expected = f"small, {split} images: found shape {shape}, expected (N, 32, 32, 3)"
        assert _refusal(**{f"{split}_images": np.zeros(shape, dtype=np.uint8)}) == expected

    @pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.float64])
    def test_labels_of_another_dtype_are_refused(self, split: str, dtype: Any) -> None:
        labels = _arguments()[f"{split}_labels"].astype(dtype)
        expected = f"small, {split} labels: found dtype {labels.dtype}, expected int64"
        assert _refusal(**{f"{split}_labels": labels}) == expected

    def test_labels_of_another_count_or_shape_are_refused(self, split: str) -> None:
        labels = _arguments()[f"{split}_labels"]
        for other in (labels[:-1], labels[:, np.newaxis]):
            expected = f"small, {split} labels: found shape {other.shape}, expected ({len(labels)},)"
            assert _refusal(**{f"{split}_labels": other}) == expected

    @pytest.mark.parametrize("label", [-1, 10])
    def test_a_label_outside_0_to_9_is_refused(self, split: str, label: int) -> None:
        labels = _arguments()[f"{split}_labels"]
        labels[4] = label
        assert _refusal(**{f"{split}_labels": labels}) == (f"small, {split} labels: found {label}, expected 0 to 9")

    def test_a_class_without_images_is_refused(self, split: str) -> None:
        labels = _arguments()[f"{split}_labels"]
        labels[labels == 7] = 2
        expected = f"small, {split} labels: found no image of class [7], expected all ten classes"
        assert _refusal(**{f"{split}_labels": labels}) == expected

    def test_a_split_without_images_is_refused(self, split: str) -> None:
        empty = {
            f"{split}_images": np.zeros((0, 32, 32, 3), dtype=np.uint8),
            f"{split}_labels": np.zeros(0, dtype=np.int64),
        }
        assert "expected all ten classes" in _refusal(**empty)
