"""Small CIFAR-10 files in every container, and the data that they must give."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_models.datasets.cifar10 import load_cifar10
from cifar_models.datasets.dataset import Dataset, DatasetError
from tests.cifar_models.datasets.test_unpickling import python2_pickle

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FILES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")


def make_batch(seed: int, labels: list[int]) -> dict[bytes, Any]:
    data = np.random.default_rng(seed).integers(0, 256, size=(len(labels), 3072), dtype=np.uint8)
    return {b"batch_label": b"a batch", b"labels": labels, b"data": data}


def make_values() -> dict[str, dict[bytes, Any]]:
    """Return what the seven files hold: two images in each train batch, ten in the test batch."""
    values = {name: make_batch(number, [2 * number, 2 * number + 1]) for number, name in enumerate(FILES[:5])}
    values["test_batch"] = make_batch(9, list(range(10)))
    values["batches.meta"] = {b"num_vis": 3072, b"label_names": [name.encode() for name in NAMES]}
    return values


def pickled_files(values: dict[str, dict[bytes, Any]] | None = None) -> dict[str, bytes]:
    return {name: python2_pickle(value) for name, value in (values or make_values()).items()}


def write_folder(folder: Path, files: dict[str, bytes] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (files or pickled_files()).items():
        (folder / name).write_bytes(content)
    return folder


def make_member(name: str, content: bytes = b"") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member, content


def make_members(
    files: dict[str, bytes] | None = None, folder: str = "cifar-10-batches-py"
) -> list[tuple[tarfile.TarInfo, bytes]]:
    files = files or pickled_files()
    top = tarfile.TarInfo(folder)
    top.type = tarfile.DIRTYPE
    # In another order than that of the batches, as the official archives have them.
    members = [(name, files[name]) for name in sorted(files, reverse=True)]
    members.insert(2, ("readme.html", b"<html>"))
    return [(top, b""), *(make_member(f"{folder}/{name}", content) for name, content in members)]


def write_archive(path: Path, members: list[tuple[tarfile.TarInfo, bytes]] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members or make_members():
            archive.addfile(member, io.BytesIO(content))
    return path


def binary_files() -> dict[str, bytes]:
    """Return the same images in the binary version's seven files."""
    files = {"batches.meta.txt": "".join(f"{name}\n" for name in (*NAMES, "")).encode()}
    for name, batch in make_values().items():
        if name != "batches.meta":
            labels = np.array(batch[b"labels"], np.uint8)
            files[f"{name}.bin"] = np.column_stack([labels, batch[b"data"]]).tobytes()
    return files


def make_arrays(**changed: Any) -> dict[str, Any]:
    """Return the same images as Keras's ``load_data`` returns them, with labels in a column."""
    values = make_values()
    arrays: dict[str, Any] = {}
    for part, names in (("train", FILES[:5]), ("test", FILES[5:6])):
        rows = np.concatenate([values[name][b"data"] for name in names])
        arrays[f"x_{part}"] = np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        arrays[f"y_{part}"] = np.concatenate([values[name][b"labels"] for name in names]).astype(np.uint8)[:, None]
    return arrays | changed


def write_npz(path: Path, arrays: dict[str, Any] | None = None, *, compressed: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (np.savez_compressed if compressed else np.savez)(path, **(arrays or make_arrays()))
    return path


CONTAINERS: dict[str, Callable[[Path], object]] = {
    "python folder": lambda folder: write_folder(folder / "cifar-10-batches-py"),
    "python archive": lambda folder: write_archive(folder / "cifar-10-python.tar.gz"),
    "binary folder": lambda folder: write_folder(folder / "cifar-10-batches-bin", binary_files()),
    "binary archive": lambda folder: write_archive(
        folder / "cifar-10-binary.tar.gz", make_members(binary_files(), "cifar-10-batches-bin")
    ),
    "npz": lambda folder: write_npz(folder / "cifar10.npz"),
    "npz, not compressed": lambda folder: write_npz(folder / "any name.npz", compressed=False),
    "npz, flat labels": lambda folder: write_npz(
        folder / "cifar10.npz", {key: array.ravel() if key[0] == "y" else array for key, array in make_arrays().items()}
    ),
    "npz, other integers and order": lambda folder: write_npz(
        folder / "cifar10.npz",
        {
            key: array.astype(">i8") if key[0] == "y" else np.asfortranarray(array)
            for key, array in make_arrays().items()
        },
    ),
}
"""Each way in which the same images may come: writes them into a folder."""


def refusal_of(data_dir: Path | None) -> str:
    with pytest.raises(DatasetError) as caught:
        load_cifar10(data_dir)
    text = str(caught.value)
    assert "found " in text
    assert ", expected " in text
    assert "https://www.cs.toronto.edu/~kriz/cifar.html" in text or "--dataset synthetic" in text
    return text


def assert_is_the_small_set(dataset: Dataset) -> None:
    values = make_values()
    rows = np.concatenate([values[name][b"data"] for name in FILES[:5]])
    for images, data in (
        (dataset.train_images, rows),
        (dataset.evaluation_images, values["test_batch"][b"data"]),
    ):
        assert images.shape == (10, 32, 32, 3)
        assert images.dtype == np.uint8
        assert images.flags.c_contiguous
        for image, row, column, channel in ((0, 0, 0, 0), (3, 0, 31, 0), (4, 1, 0, 1), (9, 31, 30, 2)):
            assert images[image, row, column, channel] == data[image, channel * 1024 + row * 32 + column]
        np.testing.assert_array_equal(images.transpose(0, 3, 1, 2).reshape(10, 3072), data)
    for labels in (dataset.train_labels, dataset.evaluation_labels):
        assert labels.dtype == np.int64
        assert labels.tolist() == list(range(10))
    assert dataset.class_names == NAMES
