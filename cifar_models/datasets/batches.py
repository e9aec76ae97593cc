"""The two layouts in which CIFAR-10 is published: Python pickles and binary files, with the same images.

Source: https://www.cs.toronto.edu/~kriz/cifar.html. Each has five train batches, a test batch and a file of class
names. An image is 3,072 bytes: its red, green and blue planes, each row by row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from cifar_models.datasets.dataset import CLASS_COUNT, Images, Labels, refusal
from cifar_models.datasets.unpickling import unpickle

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
IMAGE_BYTES = 3 * 32 * 32

_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class Layout:
    """One layout of the data set: its file names, and how to read its files.

    Attributes:
        folder: the folder of the files, also inside the archive.
        meta: the file with the class names.
        read_batch: takes a batch's content and its name for error messages; returns images, a ``(rows, 32, 32, 3)``
            uint8 view, and labels, ``(rows,)`` int64, 0 to 9.
        check_class_names: takes the content of ``meta`` and its name; refuses class names other than CIFAR-10's.
    """

    folder: str
    archive: str
    train: tuple[str, ...]
    test: str
    meta: str
    read_batch: Callable[[bytes, str], tuple[Images, Labels]]
    check_class_names: Callable[[bytes, str], None]

    @property
    def names(self) -> tuple[str, ...]:
        """All seven file names."""
        return (*self.train, self.test, self.meta)


def _pickled_batch(content: bytes, where: str) -> tuple[Images, Labels]:
    batch = _unpickled_dict(content, where)
    data = _entry(batch, b"data", np.ndarray, where)  # the unpickler makes only uint8 arrays
    if data.ndim != 2 or data.shape[1] != IMAGE_BYTES:
        raise refusal(where, f"data of shape {data.shape}", f"(rows, {IMAGE_BYTES})")
    labels = _entry(batch, b"labels", list, where)
    if len(labels) != len(data):
        raise refusal(where, f"{len(labels)} labels for {len(data)} images", "as many")
    for row, label in enumerate(labels):
        if type(label) is not int or not 0 <= label < CLASS_COUNT:
            found = f"{label}" if type(label) is int else f"a {type(label).__name__}"
            raise refusal(where, f"{found} as label of row {row}", f"0 to {CLASS_COUNT - 1}")
    return _images(data), np.array(labels, dtype=np.int64)


def _pickled_class_names(content: bytes, where: str) -> None:
    names = _entry(_unpickled_dict(content, where), b"label_names", list, where)
    if names != [name.encode() for name in CLASS_NAMES]:
        found = [name[:20] if isinstance(name, bytes) else type(name).__name__ for name in names[:CLASS_COUNT]]
        raise refusal(where, f"{len(names)} label names {found}", f"{', '.join(CLASS_NAMES)} as bytes")


def _unpickled_dict(content: bytes, where: str) -> dict[Any, Any]:
    value = unpickle(content, where=where)
    if not isinstance(value, dict):
        raise refusal(where, f"a pickled {type(value).__name__}", "a pickled dict")
    return value


def _entry(values: dict[Any, Any], key: bytes, kind: type[_Kind], where: str) -> _Kind:
    """Return an entry of an unpickled dict, after checking its type."""
    entry = values.get(key)
    if not isinstance(entry, kind):
        found = f"a {type(entry).__name__}" if key in values else "nothing"
        raise refusal(where, f"{found} under {key!r}", f"a {kind.__name__}")
    return entry


def _binary_batch(content: bytes, where: str) -> tuple[Images, Labels]:
    """Read records of one label byte and 3,072 image bytes."""
    if not content or len(content) % (1 + IMAGE_BYTES):
        raise refusal(where, f"{len(content)} bytes", f"a multiple of {1 + IMAGE_BYTES}, one record an image")
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + IMAGE_BYTES)
    labels = records[:, 0].astype(np.int64)
    if (outside := np.flatnonzero(labels >= CLASS_COUNT)).size:
        raise refusal(where, f"{labels[outside[0]]} as label of row {outside[0]}", f"0 to {CLASS_COUNT - 1}")
    return _images(records[:, 1:]), labels


def _text_class_names(content: bytes, where: str) -> None:
    if content.split() != [name.encode() for name in CLASS_NAMES]:
        raise refusal(where, f"the class names {content[:100]!r}", f"{', '.join(CLASS_NAMES)}, one a line")


def _images(rows: Images) -> Images:
    return rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
PYTHON = Layout(
    folder="cifar-10-batches-py",
    archive="cifar-10-python.tar.gz",
    train=_TRAIN,
    test="test_batch",
    meta="batches.meta",
    read_batch=_pickled_batch,
    check_class_names=_pickled_class_names,
)
BINARY = Layout(
    folder="cifar-10-batches-bin",
    archive="cifar-10-binary.tar.gz",
    train=tuple(f"{name}.bin" for name in _TRAIN),
    test="test_batch.bin",
    meta="batches.meta.txt",
    read_batch=_binary_batch,
    check_class_names=_text_class_names,
)
