"""The seeds of a night: a block for each day, and none that the baseline has."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.statistics.seeds import BLOCK, fresh_seeds

pytestmark = pytest.mark.unit

DAY = datetime.date(2025, 1, 31)
days = st.dates(datetime.date(2000, 1, 1), datetime.date(2200, 1, 1))


def test_the_same_day_has_the_same_seeds_and_more_of_them_begin_alike() -> None:
    assert fresh_seeds(3, day=DAY) == fresh_seeds(5, day=DAY)[:3]


@given(first=days, second=days)
@settings(max_examples=50)
def test_two_days_share_no_seed(first: datetime.date, second: datetime.date) -> None:
    both = {*fresh_seeds(BLOCK, day=first)} & {*fresh_seeds(BLOCK, day=second)}
    assert len(both) == (BLOCK if first == second else 0)


@given(day=days, taken=st.sets(st.integers(0, 5), max_size=5), count=st.integers(1, 50))
@settings(max_examples=50)
def test_the_baseline_s_seeds_are_passed_over(day: datetime.date, taken: set[int], count: int) -> None:
    taken = taken | {fresh_seeds(1, day=day)[0]}
    seeds = fresh_seeds(count, day=day, taken=taken)
    assert len(set(seeds)) == count
    assert not set(seeds) & taken
    assert all(0 <= seed < 2**32 for seed in seeds)


@pytest.mark.parametrize("count", [0, -1, BLOCK + 1])
def test_a_number_that_no_block_has_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"count: found {count}, expected 1 to {BLOCK}"):
        fresh_seeds(count, day=DAY)


def test_a_day_before_all_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="day: found 1999-12-31, expected 2000-01-01 or later"):
        fresh_seeds(1, day=datetime.date(1999, 12, 31))
