"""JSON to dataclasses and back; whatever the dataclasses do not declare is refused."""

from __future__ import annotations

import functools
import json
import math
import re
import types
import typing
from collections.abc import Collection
from dataclasses import asdict, field, fields, is_dataclass
from enum import StrEnum
from typing import Any

_HALF_PAIR = re.compile("[\ud800-\udfff]")
"""Half a surrogate pair, which JSON can escape but no text file can contain."""
_ADDED_LATER = "added later"


def added_later() -> Any:
    """Return the default of a dataclass field that older files lack; reading such a file gives None."""
    return field(default=None, metadata={_ADDED_LATER: True})


def to_json(record: Any) -> str:
    """Return a dataclass or a JSON value as JSON text with sorted keys and two-space indent.

    Raises:
        ValueError: a number is not finite.
    """
    plain = asdict(record) if is_dataclass(record) and not isinstance(record, type) else record
    return json.dumps(plain, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def parse_json(text: str) -> Any:
    """Parse JSON text.

    Raises:
        ValueError: the text is not JSON, has a NaN, an infinity or half a surrogate pair, repeats a key of an object,
            or is nested too deeply.
    """
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_parse_finite,
            object_pairs_hook=_refuse_duplicates,
        )
        if half := _HALF_PAIR.search(json.dumps(value, ensure_ascii=False)):
            raise ValueError(f"found half a surrogate pair ({half[0]!r}), expected text")
        return value
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"{place}: found no JSON ({error.msg}), expected JSON text") from None
    except RecursionError:
        raise ValueError("found values nested too deeply, expected those of a record") from None


def parse_record(text: str, key: str, versions: Collection[int]) -> tuple[int, dict[str, Any]]:
    """Parse a JSON object whose ``key`` is the version of its layout; return the version and the other keys.

    Raises:
        ValueError: as ``parse_json``, or the version is missing or not one of ``versions``.
    """
    record = parse_json(text)
    version = record.pop(key, None) if isinstance(record, dict) else None
    if type(version) is not int or version not in versions:  # True == 1, hence the type
        raise ValueError(f"{key}: found {version!r}, expected {' or '.join(map(str, versions))}")
    return version, record


def read_as(kind: Any, value: Any, where: str) -> Any:
    """Convert a parsed JSON value to ``kind``.

    Args:
        kind: a dataclass, ``list[...]``, ``dict[str, ...]``, ``... | None``, ``float``, ``int``, ``bool``, ``str``, a
            ``StrEnum``, a ``Literal`` of texts, or ``Any``; dataclass fields may have these types too.
        value: as ``parse_json`` returns it.
        where: the value's place in the file, for error messages.

    Raises:
        ValueError: a key is missing or unknown, or a value has another type.
    """
    origin = typing.get_origin(kind)
    if kind is Any:
        return value
    if is_dataclass(kind) and isinstance(kind, type):
        return _read_dataclass(kind, value, where)
    if origin is list and isinstance(value, list):
        (item,) = typing.get_args(kind)
        return [read_as(item, element, f"{where}[{position}]") for position, element in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        _, item = typing.get_args(kind)
        return {key: read_as(item, element, f"{where}.{key}") for key, element in value.items()}
    if origin is types.UnionType:
        return None if value is None else read_as(typing.get_args(kind)[0], value, where)
    if origin is typing.Literal or (isinstance(kind, type) and issubclass(kind, StrEnum)):
        members = typing.get_args(kind) or [str(member) for member in kind]
        if not isinstance(value, str) or value not in members:
            raise ValueError(f"{where}: found {_shown(value)}, expected one of {', '.join(members)}")
        return value if origin else kind(value)
    if kind is float and type(value) in (int, float) and _is_finite(value):
        return float(value)
    if kind in (str, int, bool) and type(value) is kind:  # True is an int to isinstance
        return value
    raise ValueError(f"{where}: found {_shown(value)}, expected {getattr(kind, '__name__', kind)}")


def _read_dataclass(kind: Any, value: Any, where: str) -> Any:
    hints = _type_hints(kind)
    if not isinstance(value, dict):
        raise ValueError(f"{where}: found {_shown(value)}, expected an object with the keys {sorted(hints)}")
    if unknown := sorted(value.keys() - hints.keys()):
        raise ValueError(f"{where}: found the unknown key {unknown[0]!r}, expected the keys {sorted(hints)}")
    later = {entry.name for entry in fields(kind) if _ADDED_LATER in entry.metadata}
    if missing := sorted(hints.keys() - value.keys() - later):
        raise ValueError(f"{where}: found no key {missing[0]!r}, expected the keys {sorted(hints)}")
    return kind(**{name: read_as(hints[name], each, f"{where}.{name}") for name, each in value.items()})


@functools.cache
def _type_hints(kind: Any) -> dict[str, Any]:
    """Return the types of a dataclass's fields. To evaluate them takes longer than to read a record."""
    return typing.get_type_hints(kind)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer too large for a float
        return False


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except RecursionError:  # further down the stack, even a value that could be parsed may be too deep
        return "values nested too deeply"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _refuse_constant(name: str) -> None:
    raise ValueError(f"found {name}, expected a finite number")


def _parse_finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse_constant(text)  # such as 1e999, which Python reads as infinity
    return value


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"found the key {key!r} twice in one object, expected it once")
        result[key] = value
    return result
