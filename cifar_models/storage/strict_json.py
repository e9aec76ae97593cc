"""JSON into dataclasses and back, refusing whatever the dataclasses do not say."""

from __future__ import annotations

import json
import math
import re
import types
import typing
from dataclasses import asdict, field, fields, is_dataclass
from enum import StrEnum
from typing import Any

_HALF_PAIR = re.compile("[\ud800-\udfff]")
"""Half a surrogate pair: JSON can escape it, but no file can hold it as text."""
_ADDED_LATER = "added later"


def added_later() -> Any:
    """Return the default of a dataclass field that older files do not have: reading those gives None."""
    return field(default=None, metadata={_ADDED_LATER: True})


def to_json(record: Any) -> str:
    """Return a dataclass, or a dict of them, as JSON text: sorted keys, two-space indent, no NaN.

    Raises:
        ValueError: a number that is not finite.
    """
    plain = asdict(record) if is_dataclass(record) and not isinstance(record, type) else record
    return json.dumps(plain, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def parse_json(text: str) -> Any:
    """Parse JSON text.

    Raises:
        ValueError: no JSON, a NaN or infinity, a key that stands twice in one object, text that no file can hold, or
            nesting without end.
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


def read_as(kind: Any, value: Any, where: str) -> Any:
    """Turn a parsed JSON value into ``kind``: a dataclass, or a type such as its fields are annotated with.

    Args:
        kind: a dataclass, ``list[...]``, ``dict[str, ...]``, ``... | None``, ``float``, ``int``, ``str``, a
            ``StrEnum``, a ``Literal`` of texts, or ``Any``.
        value: what ``parse_json`` returned.
        where: the value's place in the file, for error messages.

    Raises:
        ValueError: a key missing or unknown, or a value of another type; says where, and what was found and
            expected.
    """
    origin = typing.get_origin(kind)
    if kind is Any:
        return value
    if is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        if not isinstance(value, dict):
            raise ValueError(f"{where}: found {_shown(value)}, expected an object with the keys {sorted(hints)}")
        if unknown := sorted(value.keys() - hints.keys()):
            raise ValueError(f"{where}: found the unknown key {unknown[0]!r}, expected the keys {sorted(hints)}")
        later = {entry.name for entry in fields(kind) if _ADDED_LATER in entry.metadata}
        if missing := sorted(hints.keys() - value.keys() - later):
            raise ValueError(f"{where}: found no key {missing[0]!r}, expected the keys {sorted(hints)}")
        given = {name: hint for name, hint in hints.items() if name in value}
        return kind(**{name: read_as(hint, value[name], f"{where}.{name}") for name, hint in given.items()})
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
    if kind is str and isinstance(value, str):
        return value
    if kind in (int, bool) and type(value) is kind:  # True is an int to isinstance
        return value
    raise ValueError(f"{where}: found {_shown(value)}, expected {getattr(kind, '__name__', kind)}")


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer too large for a float
        return False


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except RecursionError:  # what could be parsed may be too deep to be shown from further down the stack
        return "values nested too deeply"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _refuse_constant(name: str) -> None:
    raise ValueError(f"found {name}, expected a finite number")


def _parse_finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse_constant(text)  # such as 1e999, which would be read as infinity
    return value


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"found the key {key!r} twice in one object, expected it once")
        result[key] = value
    return result
