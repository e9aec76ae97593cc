"""Reads the pickles of the CIFAR-10 batches without running what they name.

A ``pickle.Unpickler`` whose ``find_class`` allows only NumPy's array types is not safe enough. NumPy trusts the state
that a pickle gives to an array or a dtype, and with chosen flags and fields it takes raw bytes for object pointers. The
unpickler itself allocates memory for any memo index, and hashes tuples of any depth. So this module parses the opcodes
with ``pickletools``, carries out the few that the files need, and calls its own functions in place of NumPy's.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from cifar_models.datasets.dataset import reading, refusal

# A batch of 10,000 labels and file names takes 30,000 opcodes in a pickle of Python 2, 100,000 in one of Python 3 with
# protocol 2.
MAXIMUM_OPCODES = 200_000
MAXIMUM_AXES = 4
LATEST_PROTOCOL = 5

# What a stack may hold beside plain values: two of NumPy's types, and an array that has no content yet.
_NDARRAY, _UINT8, _UNFILLED_ARRAY = object(), object(), object()


class _RefusedError(ValueError):
    """What was found in a pickle, and what was expected instead."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found, expected)
        self.found, self.expected = found, expected


def unpickle(content: bytes, *, where: str) -> object:
    """Return the value of a pickle of protocol 2 to 5 that holds plain values and NumPy arrays of uint8.

    ``where`` is the pickle's name in errors, such as its path.

    Returns:
        None, bool, int, str, bytes (also for Python 2's strings), a read-only uint8 array of at most four axes, or a
        tuple, list or dict of these. A type that the pickle names but does not use is an opaque object.

    Raises:
        DatasetError: the pickle is broken, too long, or has another class, dtype or opcode.
    """
    with reading(where, "pickle", "a whole pickle"):
        try:
            return _run(content)
        except _RefusedError as error:
            raise refusal(where, error.found, error.expected) from error


def _run(content: bytes) -> object:
    """Carry out the opcodes on a stack, as the comments of ``pickletools`` define them."""
    stack: list[Any] = []
    stacks_below_marks: list[list[Any]] = []
    memo: dict[int, object] = {}  # a dict, so that a huge index takes no more memory than any other
    encoded_length = 0
    opcodes: Iterator[tuple[Any, Any, Any]] = pickletools.genops(content)
    for count, (opcode, argument, _) in enumerate(opcodes):
        if count >= MAXIMUM_OPCODES:
            raise _RefusedError(f"more than {MAXIMUM_OPCODES} opcodes", "at most so many in a batch")
        match opcode.name:
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "BININT1" | "BININT2" | "BININT" | "LONG1" | "BINBYTES" | "SHORT_BINBYTES" | "BINBYTES8":
                stack.append(argument)
            case "BINUNICODE" | "SHORT_BINUNICODE" | "BINUNICODE8":
                stack.append(argument)
            case "BINSTRING" | "SHORT_BINSTRING":
                stack.append(argument.encode("latin-1"))  # which pickletools decoded it with
            case "BYTEARRAY8":
                stack.append(bytes(argument))  # arrays are read-only
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[opcode.name])
            case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE":
                stack.append({"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}[opcode.name]())
            case "MARK":
                stacks_below_marks.append(stack)
                stack = []
            case "TUPLE":
                items, stack = stack, stacks_below_marks.pop()
                stack.append(tuple(items))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(_pop(stack, int(opcode.name[-1]))))
            case "APPEND" | "SETITEM":
                items = _pop(stack, 1 if opcode.name == "APPEND" else 2)
                _extend(stack[-1], items, dict if opcode.name == "SETITEM" else list)
            case "APPENDS" | "SETITEMS":
                items, stack = stack, stacks_below_marks.pop()
                _extend(stack[-1], items, dict if opcode.name == "SETITEMS" else list)
            case "GLOBAL":
                stack.append(_named(argument))
            case "STACK_GLOBAL":
                stack.append(_named(" ".join(_pop(stack, 2))))
            case "REDUCE":
                function, arguments = _pop(stack, 2)
                if not callable(function) or not isinstance(arguments, tuple):
                    raise _RefusedError(f"a call of a {type(function).__name__}", "one of NumPy's constructors")
                stack.append(function(*arguments))  # one of this module's functions: a stack holds no others
                if isinstance(stack[-1], bytes):
                    encoded_length += len(stack[-1])
                if encoded_length > len(content):
                    raise _RefusedError("the same text encoded over and over", "each text once")
            case "BUILD":
                state = stack.pop()
                stack[-1] = _built(stack[-1], state)
            case "PROTO":
                if argument > LATEST_PROTOCOL:
                    raise _RefusedError(f"protocol {argument}", f"2 to {LATEST_PROTOCOL}")
            case "FRAME" | "STOP":
                pass
            case other:
                raise _RefusedError(f"the opcode {other}", "those that values and arrays need in protocols 2 to 5")
    if stacks_below_marks or len(stack) != 1:
        raise _RefusedError("a pickle that ends in the middle of a value", "one whole value")
    return stack[0]


def _pop(stack: list[Any], length: int) -> list[Any]:
    """Remove and return the last ``length`` values.

    Raises:
        IndexError: there are fewer.
    """
    if len(stack) < length:
        raise IndexError("too few values on the stack")
    values = stack[-length:]
    del stack[-length:]
    return values


def _extend(target: Any, items: list[Any], kind: type[Any]) -> None:
    """Add items to a list, or keys and values in turn to a dict."""
    if type(target) is not kind:
        raise _RefusedError(f"items for a {type(target).__name__}", f"a {kind.__name__}")
    if kind is list:
        target.extend(items)
        return
    for key, value in zip(items[::2], items[1::2], strict=True):
        if type(key) not in (bytes, str, int):  # hashing nested tuples can take exponential time
            raise _RefusedError(f"a dict key of type {type(key).__name__}", "bytes, str or int")
        target[key] = value


def _named(name: str) -> object:
    """Return this module's replacement for a class or function, given as ``module name``."""
    if name not in _ADMITTED:
        raise _RefusedError(
            f"a pickle that names {name.replace(' ', '.')[:100]!r}",
            "plain values and NumPy's uint8 arrays alone",
        )
    return _ADMITTED[name]


def _built(target: object, state: Any) -> object:
    """Return an array with the state that ``ndarray.__reduce__`` gives, or the uint8 dtype unchanged."""
    if target is _UNFILLED_ARRAY:
        _, shape, dtype, is_fortran, content = state
        return _array(content, dtype, shape, "F" if is_fortran else "C")
    if target is not _UINT8:
        raise _RefusedError(f"a state for a {type(target).__name__}", "one for a NumPy array or dtype")
    subarray, names, fields = state[2:5]
    if subarray is not None or names is not None or fields is not None:
        raise _RefusedError("a dtype with fields", "plain 'u1' (uint8)")
    return target


def _array(
    content: object, dtype: object, shape: Any, order: object, axis_order: object = None
) -> npt.NDArray[np.uint8]:
    """Replace ``_frombuffer``: return an array of the pickle's own bytes."""
    if dtype is not _UINT8 or not isinstance(content, bytes):
        raise _RefusedError(f"an array whose content is a {type(content).__name__}", "bytes of dtype 'u1' (uint8)")
    if not isinstance(shape, tuple) or not all(type(length) is int and length > 0 for length in shape):
        raise _RefusedError("an array with a bad shape", "a tuple of positive integers")
    if len(shape) > MAXIMUM_AXES or math.prod(shape) != len(content):
        axes = f"shape {shape}" if len(shape) <= MAXIMUM_AXES else f"{len(shape)} axes"
        raise _RefusedError(f"an array of {axes} in {len(content)} bytes", "as many values as bytes")
    if order not in ("C", "F") or axis_order is not None:
        raise _RefusedError("an array in an unknown order of its axes", "'C' or 'F'")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape, order="F" if order == "F" else "C")


def _unfilled_array(subtype: object, _shape: object, _typecode: object) -> object:
    """Replace ``_reconstruct``, which makes an array without content."""
    if subtype is not _NDARRAY:
        raise _RefusedError("an array of another class", "numpy.ndarray")
    return _UNFILLED_ARRAY


def _dtype(code: object, _align: object = False, _copy: object = False) -> object:
    """Replace ``numpy.dtype``: accept only uint8."""
    if code not in ("u1", b"u1"):
        found = repr(code[:20]) if isinstance(code, str | bytes) else f"a {type(code).__name__}"
        raise _RefusedError(f"an array of dtype {found}", "'u1' (uint8)")
    return _UINT8


def _encode(text: object, encoding: object) -> bytes:
    """Replace ``_codecs.encode``, by which Python 3 writes bytes in protocol 2."""
    if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
        raise _RefusedError("a call of _codecs.encode with other arguments", "text and 'latin1'")
    return text.encode("latin-1")


# By "module name", as pickletools writes it. NumPy 2 renamed numpy.core to numpy._core.
_ADMITTED: dict[str, object] = {
    "numpy ndarray": _NDARRAY,
    "numpy dtype": _dtype,
    "numpy.core.multiarray _reconstruct": _unfilled_array,
    "numpy._core.multiarray _reconstruct": _unfilled_array,
    "numpy.core.numeric _frombuffer": _array,
    "numpy._core.numeric _frombuffer": _array,
    "_codecs encode": _encode,
}
