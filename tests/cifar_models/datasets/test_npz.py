"""An .npz file of anything but classified images: refused, and nothing is unpickled."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_models.datasets import npz
from cifar_models.datasets.cifar10 import load_cifar10
from tests.cifar_models.datasets.cifar10_files import (
    make_arrays,
    refusal_of,
    write_npz,
)

pytestmark = pytest.mark.unit

IMAGES = make_arrays()["x_train"]


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("x_train", IMAGES / 255, "found dtype float64, expected uint8 pixels from 0 to 255"),
        ("x_train", IMAGES.astype(np.int64), "found dtype int64, expected uint8 pixels from 0 to 255"),
        ("x_train", IMAGES.astype(np.int8), "found dtype int8, expected uint8 pixels from 0 to 255"),
        ("x_test", IMAGES.transpose(0, 3, 1, 2), "found shape (10, 3, 32, 32), expected (N, 32, 32, 3)"),
        ("x_test", IMAGES.reshape(10, -1), "found shape (10, 3072), expected (N, 32, 32, 3)"),
        ("x_test", IMAGES[:0], "found shape (0, 32, 32, 3), expected (N, 32, 32, 3), one image or more"),
        ("x_test", np.uint8(1), "found shape (), expected (N, 32, 32, 3)"),
        ("y_train", np.eye(10, dtype=np.uint8), "found shape (10, 10), expected (10,) or (10, 1)"),
        ("y_train", np.arange(9), "found shape (9,), expected (10,) or (10, 1)"),
        ("y_train", np.arange(10.0), "found dtype float64, expected whole numbers"),
        ("y_train", np.arange(10) < 5, "found dtype bool, expected whole numbers"),
        ("y_train", np.arange(1, 11), "found 10 as label of row 9, expected 0 to 9"),
        ("y_test", np.arange(-1, 9), "found -1 as label of row 0, expected 0 to 9"),
        ("y_test", np.full(10, 2**64 - 1, np.uint64), "found 18446744073709551615 as label of row 0"),
        ("y_test", np.array([1, None] * 5), "found dtype object, expected whole numbers"),
        ("y_test", np.zeros(10, [("a", "i8")]), "found dtype [('a', '<i8')], expected whole numbers"),
        ("y_test", np.array(["3"] * 10), "found dtype <U1, expected whole numbers"),
    ],
)
def test_an_array_of_another_kind_is_refused_with_what_was_found(
    tmp_path: Path, key: str, value: Any, text: str
) -> None:
    path = write_npz(tmp_path / "c.npz", make_arrays(**{key: value}))
    assert refusal_of(tmp_path).startswith(f"{path}, {key}: {text}")


def test_other_arrays_beside_the_four_are_ignored(tmp_path: Path) -> None:
    write_npz(tmp_path / "c.npz", make_arrays(x_val=np.zeros(3), note=np.array([object()])))
    assert len(load_cifar10(tmp_path).train_labels) == 10


@pytest.mark.parametrize("key", ["x_train", "y_train", "x_test", "y_test"])
def test_a_missing_array_is_named_with_those_that_are_there(tmp_path: Path, key: str) -> None:
    arrays = make_arrays(images=np.zeros(1))
    del arrays[key]
    path = write_npz(tmp_path / "c.npz", arrays)
    text = refusal_of(tmp_path)
    assert text.startswith(f"{path}, {key}: found 0 arrays of that name (the file has: images, ")
    assert "), expected one; " in text


def _npy(header: bytes, values: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + values


def _with_member(path: Path, name: str, content: bytes, compression: int = zipfile.ZIP_STORED) -> Path:
    """Write a file whose other arrays are as they should be."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for key, array in make_arrays().items():
            if f"{key}.npy" != name:
                stream = io.BytesIO()
                np.save(stream, array)
                archive.writestr(f"{key}.npy", stream.getvalue())
        archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("shape", "values", "text"),
    [
        (b"(1000000000000,)", 10, "found 10 bytes for shape (1000000000000,) of uint8, expected as many as fit"),
        (b"(10,)", 11, "found 11 bytes for shape (10,) of uint8"),
        (b"(-10, -1)", 10, "found 10 bytes for shape (-10, -1) of uint8"),
        (b"(10,", 10, "found a broken file ("),
        (b"(" * 9000 + b")" * 9000, 10, "found a broken file ("),
        (b"10", 10, "found a broken file ("),
    ],
)
def test_a_header_that_the_values_do_not_fit_is_refused(tmp_path: Path, shape: bytes, values: int, text: str) -> None:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': " + shape + b"}"
    path = _with_member(tmp_path / "c.npz", "y_test.npy", _npy(header, bytes(values)))
    refusal = refusal_of(tmp_path)
    assert refusal.startswith(str(path))
    assert text in refusal


def test_an_array_that_unpacks_to_more_than_any_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_npz(tmp_path / "c.npz")
    monkeypatch.setattr(npz, "MAXIMUM_ARRAY_BYTES", IMAGES.nbytes)
    assert f"c.npz, x_train: found {IMAGES.nbytes + 128} bytes, expected at most {IMAGES.nbytes}" in refusal_of(
        tmp_path
    )


def test_an_array_that_comes_twice_is_refused(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "c.npz")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("y_test.npy", archive.read("y_test.npy"))
    assert "y_test: found 2 arrays of that name" in refusal_of(tmp_path)


def test_a_compression_that_numpy_does_not_write_is_refused(tmp_path: Path) -> None:
    _with_member(tmp_path / "c.npz", "y_test.npy", b"", zipfile.ZIP_LZMA)
    assert "found compression method 14, expected that of numpy.savez" in refusal_of(tmp_path)


@pytest.mark.parametrize("position", [0.3, 0.9])
def test_a_byte_that_changed_is_noticed(tmp_path: Path, position: float) -> None:
    path = write_npz(tmp_path / "c.npz", compressed=False)
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= 1
    path.write_bytes(content)
    assert "found a broken file (BadZipFile: Bad CRC-32" in refusal_of(tmp_path)


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "c.npz")
    content = path.read_bytes()
    for length in (*range(0, len(content), len(content) // 20), len(content) - 1):
        path.write_bytes(content[:length])
        assert refusal_of(tmp_path).startswith(f"{path}: found a broken file (")
