"""Plain readings of files by Python alone, to hold against the package's own: what do the bytes say?"""

from __future__ import annotations

import _codecs
import io
import json
import pickle
from typing import Any

import numpy as np


def same_json(one: Any, other: Any) -> bool:
    """Return whether JSON as written says the same as JSON as found: an integer may stand for the float nearest to it.

    A key that was added later may be absent from what was found. It is written with null.
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, float) != isinstance(other, float) and isinstance(one, int | float):
        return isinstance(other, int | float) and float(one) == float(other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() >= other.keys() and all(same_json(value, other.get(key)) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)


def parsed(content: str | bytes) -> Any:
    """Return what JSON says, by Python's own parser."""
    return json.loads(content)


class _Array:
    """An array of a pickle, when its state arrives."""

    def __init__(self, *_: object) -> None:
        self.values = np.empty(0, np.uint8)

    def __setstate__(self, state: Any) -> None:
        _, shape, _, is_fortran, content = state
        self.values = np.frombuffer(content, np.uint8).reshape(shape, order="F" if is_fortran else "C")


class _DataType:
    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass


def _array(content: bytes, _: object, shape: Any, order: Any, *__: object) -> _Array:
    array = _Array()
    array.values = np.frombuffer(content, np.uint8).reshape(shape, order=order)
    return array


class _Unpickler(pickle._Unpickler):  # the one in C allocates what a memo index says
    """Python's unpickler, with stand-ins for NumPy's types, which believe every state.

    Frames are passed over: they say how many bytes to read at once, and nothing of the value.
    """

    dispatch = {**pickle._Unpickler.dispatch, pickle.FRAME[0]: lambda self: self.read(8)}  # type: ignore[attr-defined] # noqa: RUF012

    def find_class(self, _: str, name: str) -> object:
        stand_ins = {"ndarray": None, "dtype": _DataType, "_reconstruct": _Array, "_frombuffer": _array}
        return stand_ins[name] if name in stand_ins else getattr(_codecs, name)


def unpickled(content: bytes) -> dict[Any, Any]:
    """Return the dict of a pickled batch, by Python's own unpickler."""
    value = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    return {key: entry.values if isinstance(entry, _Array) else entry for key, entry in value.items()}
