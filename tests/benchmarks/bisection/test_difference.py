"""The test of two sides keeps its error rate over any number of looks, and sees what it says it sees."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.bisection.difference import Difference, level_of, looks_up_to
from benchmarks.bisection.difference import difference as of_tuples

pytestmark = pytest.mark.unit


def difference(before: Iterable[float], after: Iterable[float], rate: float) -> Difference | None:
    return of_tuples(tuple(before), tuple(after), rate)


def test_looks_double_up_to_the_most() -> None:
    assert looks_up_to(3) == looks_up_to(5) == [3]
    assert looks_up_to(24) == looks_up_to(47) == [3, 6, 12, 24]


def test_the_parts_of_a_rate_never_add_up_to_more() -> None:
    assert sum(level_of(look, 0.05) for look in range(1000)) == pytest.approx(0.05, rel=2e-3)
    assert sum(level_of(look, 0.05) for look in range(1000)) < 0.05


def test_the_last_look_with_enough_runs_is_taken() -> None:
    values = list(range(30))
    for count, runs in ((30, 24), (12, 12), (11, 6), (3, 3)):
        found = difference(values[:count], values[:count], 0.05)
        assert found
        assert found.runs == runs
        assert found.before == np.mean(values[:runs])
    assert difference(values[:2], values[:2], 0.05) is None


def test_values_without_a_spread_differ_if_they_do() -> None:
    for after, significant in (([0.0] * 3, False), ([1.0] * 3, True)):
        found = difference([0.0] * 3, after, 0.05)
        assert found
        assert (found.significant, found.smallest) == (significant, 0.0)


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=6), st.floats(-1, 1))
def test_a_shift_of_both_sides_changes_nothing(values: list[float], shift: float) -> None:
    one = difference(values[:3], values[3:], 0.05)
    other = difference([value + shift for value in values[:3]], [value + shift for value in values[3:]], 0.05)
    assert one
    assert other
    assert one.after - one.before == pytest.approx(other.after - other.before, abs=1e-9)
    assert one.level == other.level


def _significant(drop: float, searches: int) -> list[bool]:
    rng = np.random.default_rng(1)
    found = []
    for _ in range(searches):
        before, after = rng.normal(size=12), rng.normal(size=12) - drop
        looks = [difference(list(before[:look]), list(after[:look]), 0.05) for look in looks_up_to(12)]
        found.append(any(look is not None and look.significant for look in looks))
    return found


def test_equal_sides_differ_at_any_look_at_most_as_often_as_stated() -> None:
    assert np.mean(_significant(0, 1000)) <= 0.05


def test_what_runs_of_the_same_seed_share_hides_no_difference() -> None:
    rng = np.random.default_rng(0)
    shared, one, other = rng.normal(size=(3, 12))
    before, after = list(shared + 0.2 * one), list(shared + 0.2 * other - 0.5)
    found, without = difference(before, after, 0.05), difference(before, sorted(after), 0.05)
    assert found
    assert without
    assert found.significant
    assert not without.significant
    repeated = difference(before, before, 0.05)
    assert repeated
    assert repeated.p_value == 1


def test_the_smallest_change_is_found_as_often_as_stated() -> None:
    rng = np.random.default_rng(0)
    smallest = [difference(rng.normal(size=12), rng.normal(size=12), 0.05).smallest for _ in range(30)]  # type: ignore[union-attr]
    assert np.mean(_significant(float(np.mean(smallest)), 400)) >= 0.94
