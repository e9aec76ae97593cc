"""The seeds of a night: a block for each day, and none that a baseline has."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.statistics.seeds import BLOCK, day_of, first_seed_of

pytestmark = pytest.mark.unit

days = st.dates(datetime.date(2000, 1, 1), datetime.date(2500, 1, 1))


@given(first=days, second=days)
@settings(max_examples=50)
def test_two_days_share_no_seed(first: datetime.date, second: datetime.date) -> None:
    apart = abs(first_seed_of(first) - first_seed_of(second))
    assert apart == 0 if first == second else apart >= BLOCK


@given(day=days)
@settings(max_examples=50)
def test_no_day_has_a_baseline_s_seeds_or_one_that_keras_refuses(day: datetime.date) -> None:
    assert BLOCK <= first_seed_of(day) < 2**32 - BLOCK


@given(day=days)
@settings(max_examples=50)
def test_a_first_seed_says_its_day(day: datetime.date) -> None:
    assert day_of(first_seed_of(day)) == day


def test_a_day_before_all_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="day: found 1999-12-31, expected 2000-01-01 or later"):
        first_seed_of(datetime.date(1999, 12, 31))
