"""A fingerprint names values: the same for the same values, another for any other."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_models.storage.fingerprint import fingerprint_arrays, fingerprint_json

pytestmark = pytest.mark.unit


def test_the_fingerprint_of_arrays_is_the_sha256_of_dtype_shape_and_little_endian_bytes() -> None:
    written_out = b"<i8(2,)" + bytes([1, 0, 0, 0, 0, 0, 0, 0]) + bytes([0, 1, 0, 0, 0, 0, 0, 0]) + b"|u1(1, 1)\x07"
    arrays = (np.array([1, 256], dtype=np.int64), np.array([[7]], dtype=np.uint8))
    assert fingerprint_arrays(*arrays) == f"sha256:{hashlib.sha256(written_out).hexdigest()}"


def test_the_fingerprint_of_arrays_does_not_depend_on_byte_order_or_memory_layout() -> None:
    array = np.arange(12, dtype="<i8").reshape(3, 4)
    expected = fingerprint_arrays(array)
    assert fingerprint_arrays(array.astype(">i8")) == expected
    assert fingerprint_arrays(np.asfortranarray(array)) == expected
    assert fingerprint_arrays(np.repeat(array, 2, axis=1)[:, ::2]) == expected


def test_the_fingerprint_of_arrays_tells_dtypes_shapes_and_orders_apart() -> None:
    zeros = np.zeros(4, dtype=np.uint8)
    fingerprints = {
        fingerprint_arrays(zeros),
        fingerprint_arrays(zeros.astype(np.int8)),
        fingerprint_arrays(zeros.reshape(2, 2)),
        fingerprint_arrays(zeros[:2], zeros[2:]),
        fingerprint_arrays(zeros[:0], zeros),
        fingerprint_arrays(zeros, zeros[:0]),
        fingerprint_arrays(),
    }
    assert len(fingerprints) == 7


@pytest.mark.property
@settings(deadline=None, max_examples=50)
@given(
    values=st.lists(st.integers(0, 255), min_size=1, max_size=20),
    place=st.integers(0, 19),
    step=st.integers(1, 255),
)
def test_any_changed_value_changes_the_fingerprint(values: list[int], place: int, step: int) -> None:
    array = np.array(values, dtype=np.uint8)
    other = array.copy()
    other[place % len(values)] = (values[place % len(values)] + step) % 256
    assert fingerprint_arrays(array) != fingerprint_arrays(other)
    assert fingerprint_arrays(array) == fingerprint_arrays(array.copy())


def test_the_fingerprint_of_a_json_value_is_the_sha256_of_its_sorted_text_without_spaces() -> None:
    written_out = b'{"a":[1,null],"b":"x"}'
    expected = f"sha256:{hashlib.sha256(written_out).hexdigest()}"
    assert fingerprint_json({"b": "x", "a": [1, None]}) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_a_value_that_json_cannot_hold_has_no_fingerprint(value: Any) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        fingerprint_json(value)


@pytest.mark.property
@settings(deadline=None, max_examples=50)
@given(record=st.dictionaries(st.text("abc", max_size=5), st.integers() | st.text("abc"), max_size=5))
def test_the_order_of_keys_does_not_change_the_fingerprint_of_a_json_value(record: dict[str, Any]) -> None:
    assert fingerprint_json(dict(reversed(record.items()))) == fingerprint_json(record)
    assert fingerprint_json(record | {"another key": 1}) != fingerprint_json(record)
