"""Batches of another layout than the published ones: refused, with what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cifar_models.datasets.cifar10_files import (
    NAMES,
    binary_files,
    make_values,
    pickled_files,
    refusal_of,
    write_folder,
)
from tests.cifar_models.datasets.test_unpickling import python2_pickle

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "key", "value", "text"),
    [
        ("data_batch_2", b"data", None, "found nothing under b'data', expected a ndarray"),
        ("data_batch_2", b"data", [1, 2], "found a list under b'data', expected a ndarray"),
        (
            "data_batch_2",
            b"data",
            np.zeros((2, 3071), np.uint8),
            "found data of shape (2, 3071), expected (rows, 3072)",
        ),
        (
            "data_batch_2",
            b"data",
            np.zeros(3072, np.uint8),
            "found data of shape (3072,), expected (rows, 3072)",
        ),
        ("data_batch_2", b"labels", None, "found nothing under b'labels', expected a list"),
        ("data_batch_2", b"labels", (2, 3), "found a tuple under b'labels', expected a list"),
        ("test_batch", b"labels", [1] * 9, "found 9 labels for 10 images, expected as many"),
        ("data_batch_2", b"labels", [2, 10], "found 10 as label of row 1, expected 0 to 9"),
        ("data_batch_2", b"labels", [-1, 2], "found -1 as label of row 0, expected 0 to 9"),
        ("data_batch_2", b"labels", [2, True], "found a bool as label of row 1, expected 0 to 9"),
        ("data_batch_2", b"labels", [b"2", 2], "found a bytes as label of row 0, expected 0 to 9"),
        ("batches.meta", b"label_names", None, "found nothing under b'label_names', expected a list"),
        (
            "batches.meta",
            b"label_names",
            [b"airplane"],
            "found 1 label names [b'airplane'], expected airplane, ",
        ),
        ("batches.meta", b"label_names", [1] * 11, "found 11 label names ['int', "),
        ("batches.meta", b"label_names", [name.encode() for name in reversed(NAMES)], "names [b'truck', "),
    ],
)
def test_an_entry_of_another_layout_is_refused_with_what_was_found(
    tmp_path: Path, name: str, key: bytes, value: Any, text: str
) -> None:
    values = make_values()
    if value is None:
        del values[name][key]
    else:
        values[name][key] = value
    folder = write_folder(tmp_path, pickled_files(values))
    refusal = refusal_of(folder)
    assert refusal.startswith(f"{folder}, {name}: found ")
    assert text in refusal


def test_a_pickle_that_is_no_dict_is_refused(tmp_path: Path) -> None:
    files = pickled_files() | {"data_batch_4": python2_pickle([1])}
    assert "data_batch_4: found a pickled list, expected a pickled dict" in refusal_of(write_folder(tmp_path, files))


def test_a_hostile_pickle_is_refused_with_its_file_named(tmp_path: Path) -> None:
    files = pickled_files() | {"data_batch_5": b"\x80\x02cposix\nsystem\nU\x04true\x85R."}
    text = refusal_of(write_folder(tmp_path, files))
    assert text.startswith(f"{tmp_path}, data_batch_5: found a pickle that names 'posix.system'")


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("data_batch_2.bin", b"", "found 0 bytes, expected a multiple of 3073, one record an image"),
        ("data_batch_2.bin", bytes(3072), "found 3072 bytes, expected a multiple of 3073"),
        ("test_batch.bin", bytes(3073) + b"\x0a" + bytes(3072), "found 10 as label of row 1, expected 0 to 9"),
        ("batches.meta.txt", b"", "found the class names b'', expected airplane, "),
        ("batches.meta.txt", "\n".join(reversed(NAMES)).encode(), "found the class names b'truck"),
        ("batches.meta.txt", "\n".join((*NAMES, "boat")).encode(), "found the class names b'airplane"),
        ("data_batch_2.bin", bytes(3 * 3073), "found 3 images, expected 2 as in the other train batches"),
    ],
)
def test_a_binary_file_of_another_layout_is_refused(tmp_path: Path, name: str, content: bytes, text: str) -> None:
    folder = write_folder(tmp_path, binary_files() | {name: content})
    assert refusal_of(folder).startswith(f"{folder}, {name}: {text}")
