"""Mutations of a valid file: bytes changed, removed, inserted or moved, and JSON of another structure."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

a_thousand = settings(deadline=None, max_examples=1000, suppress_health_check=list(HealthCheck))
"""For what is read in a millisecond."""
hundreds = settings(a_thousand, max_examples=300)
"""For what Keras reads, in some thirty of them."""

texts = st.text('az"\\\n\0é\ud800', max_size=4) | st.text(max_size=8)
numbers = st.integers() | st.floats() | st.sampled_from([10**400, -(2**63), 2**53 + 1, 1e308, 5e-324, -0.0])
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
JSON_WORDS = (
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"-", b"0", b".5", b"e9", b"e999"),
    *(b"null", b"true", b"NaN", b"-Infinity", b'""', b"{}", b"[]", b'"\\ud800"', b"9" * 5000, b"[" * 3000),
)


@st.composite
def mutated_bytes(draw: st.DrawFn, valid: bytes, words: Sequence[bytes] = (b"",)) -> bytes:
    """Draw a content near a valid one: up to six times a part is replaced by others, or by one from elsewhere in it.

    Args:
        draw: given by hypothesis.
        valid: the content.
        words: what means something in such a file, and may replace a part of it.
    """
    content = valid
    for _ in range(draw(st.integers(1, 6))):
        # Most of a file of images or weights is numbers; what says how to read them stands at its ends.
        start = draw(st.integers(0, len(content)) | st.integers(0, 300) | st.integers(len(content) - 300, len(content)))
        start = min(max(start, 0), len(content))
        length = draw(st.integers(0, 12) | st.integers(0, len(content)))
        elsewhere = draw(st.integers(0, len(valid)))
        inserted = draw(
            st.binary(max_size=12) | st.just(valid[elsewhere : elsewhere + length]) | st.sampled_from(list(words))
        )
        content = content[:start] + inserted + content[start + length :]
    return content


@st.composite
def mutated_json(draw: st.DrawFn, valid: Any, values: st.SearchStrategy[Any] = json_values) -> str:
    """Draw JSON near a valid value: up to three times a part is replaced, removed, put elsewhere or named otherwise."""
    value = {"root": copy.deepcopy(valid)}
    for _ in range(draw(st.integers(1, 3))):
        holders = [holder for holder in _holders(value) if holder]
        holder = draw(st.sampled_from(holders))
        key = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        match draw(st.sampled_from(["replace", "remove", "move", "add"])):
            case "replace":
                holder[key] = copy.deepcopy(draw(values))
            case "remove" if holder is not value:
                del holder[key]
            case "move":
                other = draw(st.sampled_from(holders))
                holder[key] = copy.deepcopy(draw(st.sampled_from(list(_items(other)))))
            case "add" if isinstance(holder, dict) and holder is not value:
                holder[draw(texts | st.sampled_from(sorted(holder)))] = copy.deepcopy(draw(values))
            case "add" if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(draw(values)))
    return json.dumps(value["root"])


def _holders(value: Any) -> list[Any]:
    """Return all objects and arrays within a value, itself included."""
    if not isinstance(value, dict | list):
        return []
    return [value, *(holder for item in _items(value) for holder in _holders(item))]


def _items(holder: Any) -> list[Any]:
    return list(holder.values()) if isinstance(holder, dict) else list(holder)
