"""A few searches with the spread of recorded runs on every commit: a wrong answer is as rare as stated."""

from __future__ import annotations

import pytest

from benchmarks.bisection.decide import Word
from tests.benchmarks.bisection.simulation import most, outcomes_of

pytestmark = pytest.mark.integration

SEARCHES = 40


@pytest.mark.parametrize("candidates", [3, 13])
def test_a_search_names_another_candidate_at_most_as_often_as_stated(candidates: int) -> None:
    outcomes = outcomes_of(3.0, candidates, SEARCHES)
    assert outcomes[Word.FOUND] <= most(SEARCHES), outcomes
    assert outcomes["right"] > SEARCHES / 2, outcomes
