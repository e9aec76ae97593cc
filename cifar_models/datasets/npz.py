"""Reads CIFAR-10 from a ``.npz`` file with the arrays that ``keras.datasets.cifar10.load_data`` returns.

``numpy.load`` allocates an array of the size in its header before it reads a value, and accepts two arrays of one name.
So the archive and the headers are checked first. Nothing is unpickled.
"""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cifar_models.datasets.dataset import CLASS_COUNT, IMAGE_SHAPE, Images, Labels, reading, refusal

KEYS = ("x_train", "y_train", "x_test", "y_test")
MAXIMUM_ARRAY_BYTES = 320 * 2**20  # twice the official train images; a decompression bomb is refused unread


def read_npz(path: Path) -> tuple[tuple[Images, Labels], tuple[Images, Labels]]:
    """Read the training and the evaluation split, each as images and ``(N,)`` int64 labels.

    Args:
        path: a file with ``x_train`` and ``x_test``, ``(N, 32, 32, 3)`` uint8, and ``y_train`` and ``y_test``, integers
            of any type from 0 to 9, ``(N,)`` or ``(N, 1)``. Other arrays are ignored.

    Raises:
        DatasetError: the file is broken, or an array is missing, repeated or of another type or shape.
    """
    with reading(str(path), "file", f"a whole .npz with {', '.join(KEYS)}"), zipfile.ZipFile(path) as archive:
        x_train, y_train, x_test, y_test = (_read_array(archive, key, f"{path}, {key}") for key in KEYS)
    return _checked(path, "train", x_train, y_train), _checked(path, "test", x_test, y_test)


def _read_array(archive: zipfile.ZipFile, key: str, where: str) -> npt.NDArray[Any]:
    members = [member for member in archive.infolist() if member.filename == f"{key}.npy"]
    if len(members) != 1:
        held = ", ".join(sorted({member.filename.removesuffix(".npy")[:40] for member in archive.infolist()}))[:200]
        raise refusal(where, f"{len(members)} arrays of that name (the file has: {held})", "one")
    (member,) = members
    if member.file_size > MAXIMUM_ARRAY_BYTES:
        raise refusal(where, f"{member.file_size} bytes", f"at most {MAXIMUM_ARRAY_BYTES}")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refusal(where, f"compression method {member.compress_type}", "that of numpy.savez or savez_compressed")
    content = archive.read(member)  # at most the size checked above; also checks the checksum
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, fortran_order, dtype = readers[version](stream)
    if dtype.kind not in "iu":
        raise refusal(where, f"dtype {dtype}", "uint8 pixels from 0 to 255" if key[0] == "x" else "whole numbers")
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise refusal(where, f"{len(content) - stream.tell()} bytes for shape {shape} of {dtype}", "as many as fit")
    values = np.frombuffer(content, dtype, offset=stream.tell())
    return values.reshape(shape, order="F" if fortran_order else "C")


def _checked(path: Path, split: str, images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> tuple[Images, Labels]:
    """Refuse images and labels of a wrong dtype, shape or range."""
    where = f"{path}, x_{split}"
    if images.dtype != np.uint8:
        raise refusal(where, f"dtype {images.dtype}", "uint8 pixels from 0 to 255")
    if images.ndim != 4 or images.shape[1:] != IMAGE_SHAPE or not len(images):
        raise refusal(where, f"shape {images.shape}", "(N, 32, 32, 3), one image or more")
    where = f"{path}, y_{split}"
    if labels.shape not in ((len(images),), (len(images), 1)):
        raise refusal(where, f"shape {labels.shape}", f"({len(images)},) or ({len(images)}, 1), a class for each image")
    if (outside := np.flatnonzero((labels < 0) | (labels >= CLASS_COUNT))).size:
        row = outside[0]
        raise refusal(where, f"{labels.ravel()[row]} as label of row {row}", f"0 to {CLASS_COUNT - 1}")
    return np.ascontiguousarray(images), labels.ravel().astype(np.int64)
