"""JSON into dataclasses and back: what the dataclasses do not say is refused, by its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_models.storage.strict_json import added_later, parse_json, read_as, to_json

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Inner:
    size: float
    count: int


@dataclass(frozen=True)
class Grown:
    size: float
    weight: float | None = added_later()


@dataclass(frozen=True)
class Outer:
    name: str
    note: str | None
    inner: Inner
    parts: list[Inner]
    shares: dict[str, list[float]]
    free: Any


OUTER = Outer("é", None, Inner(0.5, 1), [Inner(1.0, 2)], {"b": [0.25], "a": []}, {"z": [1, None]})

finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
inners = st.builds(Inner, size=finite, count=st.integers())
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
outers = st.builds(
    Outer,
    name=texts,
    note=st.none() | texts,
    inner=inners,
    parts=st.lists(inners, max_size=2),
    shares=st.dictionaries(texts, st.lists(finite, max_size=2), max_size=2),
    free=json_values,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize("kind", [Colour, Literal["red", "blue"]])
def test_one_of_several_texts_is_read_and_any_other_value_refused(kind: Any) -> None:
    assert read_as(kind, json.loads(to_json({"colour": Colour.RED}))["colour"], "here") == Colour.RED
    for value in ("green", "RED", 1, None, ["red"]):
        assert _refusal(kind, value) == f"here: found {value!r}, expected one of red, blue"


def _refusal(kind: Any, value: Any) -> str:
    with pytest.raises(ValueError, match="expected") as caught:
        read_as(kind, value, "here")
    return str(caught.value)


@pytest.mark.property
@settings(deadline=None, max_examples=60)
@given(record=outers)
def test_a_record_is_read_back_as_it_was_written(record: Outer) -> None:
    assert read_as(Outer, parse_json(to_json(record)), "outer") == record


@pytest.mark.property
@settings(deadline=None, max_examples=100)
@given(value=json_values)
def test_any_value_is_read_as_a_record_or_refused_by_its_place(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^outer"):
        read_as(Outer, value, "outer")
    try:
        assert isinstance(read_as(list[dict[str, float | None]], value, "outer"), list)
    except ValueError as error:
        assert str(error).startswith("outer")  # noqa: PT017 - either outcome is right


def test_the_text_has_sorted_keys_two_spaces_of_indent_and_one_line_end() -> None:
    assert to_json({"b": [1], "a": Inner(0.5, 1).size}) == '{\n  "a": 0.5,\n  "b": [\n    1\n  ]\n}\n'
    assert to_json(Inner(0.5, 1)) == '{\n  "count": 1,\n  "size": 0.5\n}\n'
    assert '"name": "é"' in to_json(OUTER)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_lacks_is_not_written(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"a": [number]})


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_number_that_is_not_finite_is_not_parsed(number: str) -> None:
    with pytest.raises(ValueError, match=rf"^found {number}, expected a finite number$"):
        parse_json(f'{{"a": [{number}]}}')


def test_a_key_that_stands_twice_is_refused_at_any_depth() -> None:
    assert parse_json('[{"a": 1}, {"a": 2}]') == [{"a": 1}, {"a": 2}]
    with pytest.raises(ValueError, match=r"^found the key 'a' twice in one object, expected it once$"):
        parse_json('[{"b": {"a": 1, "a": 1}}]')


@pytest.mark.parametrize("text", [r'"\ud800"', r'{"\ud800": 1}', r'[{"a": ["\udc00z"]}]'])
def test_text_that_no_file_can_hold_is_refused_wherever_it_stands(text: str) -> None:
    with pytest.raises(ValueError, match=r"^found half a surrogate pair \('\\ud[8c]00'\), expected text$"):
        parse_json(text)
    assert parse_json(r'"\ud83d\ude00"') == "\U0001f600"


def test_what_is_no_json_is_refused_by_line_and_column() -> None:
    with pytest.raises(ValueError, match=r"^line 2, column 1: found no JSON \(.+\), expected JSON text$"):
        parse_json('{"a":\n}')
    with pytest.raises(ValueError, match=r"^line 1, column 1: found no JSON"):
        parse_json("")


def test_values_nested_without_end_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^found values nested too deeply, expected"):
        parse_json("[" * 100_000)


def test_values_that_are_just_not_too_deep_to_parse_are_refused_too() -> None:
    # They are shown from further down the stack than they were parsed, where the limit may be nearer.
    kind = dict[str, dict[str, dict[str, dict[str, dict[str, list[float]]]]]]
    refused = 0
    for depth in range(800, 1000):
        text = '{"a":{"b":{"c":{"d":{"e":[' + "[" * depth + "]" * depth + "]}}}}}"
        with pytest.raises(ValueError, match="expected"):
            read_as(kind, parse_json(text), "here")
        refused += 1
    assert refused == 200


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (str, ""),
        (int, 0),
        (float, 0.5),
        (str | None, None),
        (str | None, "a"),
        (list[int], []),
        (list[int], [1, 2]),
        (dict[str, str], {"a": "b"}),
        (dict[str, str | None], {"a": None}),
        (Any, [None, {"a": True}]),
    ],
)
def test_a_value_of_its_type_is_read_as_it_is(kind: Any, value: Any) -> None:
    assert read_as(kind, value, "here") == value


def test_a_whole_number_is_read_as_a_float_where_one_belongs() -> None:
    value = read_as(float, 3, "here")
    assert type(value) is float
    assert value == 3


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (str, 1, "here: found 1, expected str"),
        (str, None, "here: found None, expected str"),
        (int, 1.0, "here: found 1.0, expected int"),
        (int, True, "here: found True, expected int"),
        (int, "1", "here: found '1', expected int"),
        (float, False, "here: found False, expected float"),
        (float, "0.5", "here: found '0.5', expected float"),
        (float, float("nan"), "here: found nan, expected float"),
        (float, float("inf"), "here: found inf, expected float"),
        (str | None, 1, "here: found 1, expected str"),
        (list[int], {}, "here: found {}, expected list"),
        (list[int], [1, "2"], "here[1]: found '2', expected int"),
        (dict[str, int], [], "here: found [], expected dict"),
        (dict[str, int], {"a": None}, "here.a: found None, expected int"),
        (dict[str, list[int]], {"a": [1, None]}, "here.a[1]: found None, expected int"),
        (Inner, [], "here: found [], expected an object with the keys ['count', 'size']"),
        (Inner, {"size": 1}, "here: found no key 'count', expected the keys ['count', 'size']"),
        (
            Inner,
            {"size": 1, "count": 1, "colour": 1},
            "here: found the unknown key 'colour', expected the keys ['count', 'size']",
        ),
        (list[Inner], [{"size": "1", "count": 1}], "here[0].size: found '1', expected float"),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_place(kind: Any, value: Any, expected: str) -> None:
    assert _refusal(kind, value) == expected


@pytest.mark.parametrize(
    ("value", "read"),
    [({"size": 1}, Grown(1.0)), ({"size": 1, "weight": None}, Grown(1.0)), ({"size": 1, "weight": 2}, Grown(1.0, 2.0))],
)
def test_a_field_that_was_added_later_may_be_missing(value: Any, read: Grown) -> None:
    assert read_as(Grown, value, "here") == read


def test_a_field_that_was_added_later_is_checked_where_it_is_there() -> None:
    assert _refusal(Grown, {"size": 1, "weight": "2"}) == "here.weight: found '2', expected float"
    assert _refusal(Grown, {"weight": 2}) == "here: found no key 'size', expected the keys ['size', 'weight']"


def test_an_integer_beyond_all_floats_is_refused_and_shown_in_short() -> None:
    text = _refusal(float, 10**400)
    assert text.startswith("here: found 1000")
    assert text.endswith("..., expected float")
    assert len(text) < 100


def test_reading_leaves_what_was_parsed_as_it_was() -> None:
    parsed = json.loads(to_json(OUTER))
    read_as(Outer, parsed, "outer")
    assert parsed == json.loads(to_json(OUTER))
