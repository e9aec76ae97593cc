"""The data set class: uint8 images, labels and their fingerprint, checked on construction."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cifar_models.storage.fingerprint import fingerprint_arrays

IMAGE_SHAPE = (32, 32, 3)
CLASS_COUNT = 10

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


REMEDY = "replace or remove it: the official files are at https://www.cs.toronto.edu/~kriz/cifar.html"


class DatasetError(ValueError):
    """A data set cannot be used; the message says what was found, what was expected and what to do."""


def refusal(where: str, found: str, expected: str) -> DatasetError:
    """Return the error for a CIFAR-10 file that cannot be used."""
    return DatasetError(f"{where}: found {found}, expected {expected}; {REMEDY}")


@contextmanager
def reading(where: str, what: str, expected: str) -> Iterator[None]:
    """Convert the many kinds of errors that broken content raises in libraries to DatasetError.

    Raises:
        DatasetError: the content is broken, or there is too little memory for it.
        OSError: the file cannot be read, which says nothing about its content.
    """
    try:
        yield
    except DatasetError:
        raise
    except MemoryError as error:
        reason = f" ({error})" if str(error) else ""
        raise DatasetError(f"{where}: found too little memory{reason}, expected enough to read it; free some") from None
    except Exception as error:
        # An archive can name a place that no file has, which is an invalid argument of ``seek``.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        found = f"a broken {what} ({type(error).__name__}: {str(error)[:200]})"
        raise refusal(where, found, expected) from error


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and evaluation images of one data set; the arrays become read-only.

    Attributes:
        name: key of its baselines: ``cifar10`` (the official images and labels), ``cifar10-unofficial`` (other images
            in the same containers) or ``synthetic``.
        train_images, evaluation_images: ``(N, 32, 32, 3)`` uint8, RGB, 0 to 255.
        train_labels, evaluation_labels: ``(N,)`` int64, 0 to 9.
        fingerprint: ``sha256:`` over the four arrays with their shapes.

    Raises:
        DatasetError: a wrong shape or dtype, unequal counts, a label outside 0 to 9, or a class without images.
    """

    name: str
    train_images: Images
    train_labels: Labels
    evaluation_images: Images
    evaluation_labels: Labels
    class_names: tuple[str, ...]
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        if len(self.class_names) != CLASS_COUNT:
            raise DatasetError(f"{self.name}: found {len(self.class_names)} class names, expected {CLASS_COUNT}")
        _check_split(self.name, "train", self.train_images, self.train_labels)
        _check_split(self.name, "evaluation", self.evaluation_images, self.evaluation_labels)
        arrays = (self.train_images, self.train_labels, self.evaluation_images, self.evaluation_labels)
        object.__setattr__(self, "fingerprint", fingerprint_arrays(*arrays))
        for array in arrays:
            array.flags.writeable = False  # so that no training can change the data of the next one


def _check_split(name: str, split: str, images: Images, labels: Labels) -> None:
    """Refuse images or labels of a wrong dtype, shape or range."""
    where = f"{name}, {split} images"
    if images.dtype != np.uint8:
        raise DatasetError(f"{where}: found dtype {images.dtype}, expected uint8 (0 to 255)")
    if images.ndim != 4 or images.shape[1:] != IMAGE_SHAPE:
        raise DatasetError(f"{where}: found shape {images.shape}, expected (N, 32, 32, 3)")
    if labels.dtype != np.int64:
        raise DatasetError(f"{name}, {split} labels: found dtype {labels.dtype}, expected int64")
    if labels.shape != (len(images),):
        raise DatasetError(f"{name}, {split} labels: found shape {labels.shape}, expected ({len(images)},)")
    outside = labels[(labels < 0) | (labels >= CLASS_COUNT)]
    if outside.size:
        raise DatasetError(f"{name}, {split} labels: found {outside[0]}, expected 0 to {CLASS_COUNT - 1}")
    missing = sorted(set(range(CLASS_COUNT)) - set(np.unique(labels).tolist()))
    if missing:
        raise DatasetError(f"{name}, {split} labels: found no image of class {missing}, expected all ten classes")
