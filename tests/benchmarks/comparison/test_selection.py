"""Which experiments two sides are compared in."""

from __future__ import annotations

import pytest

from benchmarks.comparison.selection import in_both, parse_keyword
from cifar_models.experiments import left_out_by_nights

pytestmark = pytest.mark.unit

NAMES = ("simple_cnn", "vgg16_frozen", "resnet50_frozen", "resnet50_finetuned")


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        (None, NAMES),
        ("simple_cnn", ("simple_cnn",)),
        ("FROZEN", ("vgg16_frozen", "resnet50_frozen")),
        ("resnet50 and not finetuned", ("resnet50_frozen",)),
        ("simple_cnn or vgg", ("simple_cnn", "vgg16_frozen")),
    ],
)
def test_the_names_that_pytest_would_select(expression: str | None, selected: tuple[str, ...]) -> None:
    assert in_both(NAMES, NAMES, parse_keyword(expression)) == [*selected]


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        (None, []),
        ("vgg16", []),
        ("vgg16_matched", ["vgg16_matched", "vgg16_matched_finetuned"]),
        ("matched and not vgg16", ["resnet50_matched", "resnet50_matched_finetuned"]),
        ("not matched", []),
    ],
)
def test_what_a_night_leaves_out_is_selected_by_its_name_alone(expression: str | None, selected: list[str]) -> None:
    left_out = left_out_by_nights("synthetic")
    found = in_both([*NAMES, *left_out], [*NAMES, *left_out], parse_keyword(expression, left_out))
    assert [name for name in found if name in left_out] == selected


@pytest.mark.parametrize("expression", ["simple or", "(", "and"])
def test_what_is_no_expression_is_an_error(expression: str) -> None:
    with pytest.raises(ValueError, match=r"-k: found .* expected parts of names with and, or, not"):
        parse_keyword(expression)


def test_experiments_that_one_side_lacks_are_left_out() -> None:
    assert in_both(["simple_cnn", "old"], ["new", "simple_cnn"], parse_keyword(None)) == ["simple_cnn"]


@pytest.mark.parametrize(("a", "expression"), [(["old"], None), (NAMES, "nothing")])
def test_none_is_an_error_that_says_what_there_is(a: list[str], expression: str | None) -> None:
    with pytest.raises(ValueError, match=r"found no matching experiment .* A has .*; B has simple_cnn"):
        in_both(a, NAMES, parse_keyword(expression))
