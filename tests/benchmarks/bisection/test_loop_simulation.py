"""Hundreds of searches with the spread of recorded runs: how often a candidate is named with which nothing changed."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest

from benchmarks.bisection.decide import Action, Word
from benchmarks.bisection.record import Step
from tests.benchmarks.bisection.machine import Machine
from tests.benchmarks.bisection.simulation import LIMITS, most, outcomes_of

pytestmark = pytest.mark.sensitivity  # minutes of computing

SEARCHES = 200


@pytest.mark.parametrize("effect", [1.5, 3.0, 6.0])
@pytest.mark.parametrize("candidates", [3, 13, 200])
def test_a_search_names_the_culprit_and_seldom_another(effect: float, candidates: int) -> None:
    outcomes = outcomes_of(effect, candidates, SEARCHES)
    assert outcomes[Word.FOUND] <= most(SEARCHES), outcomes
    assert outcomes["right"] >= (0.85 if effect < 2 else 0.95) * SEARCHES, outcomes


def test_ends_that_differ_by_chance_have_a_candidate_named_at_most_as_often_as_stated() -> None:
    class LuckyEnds(Machine):
        """Nothing changes; BAD's first runs are bad by chance."""

        def take(self, action: Action) -> Step:
            step = super().take(action)
            if step.accuracy is not None and action.candidate == self.candidates - 1 and (action.seed or 0) < 3:
                return dataclasses.replace(step, accuracy=step.accuracy - 0.05, identity=f"by chance {action.seed}")
            return step

    rng = np.random.default_rng(0)
    words = Counter(
        LuckyEnds(rng, 13, 99, 0, rounding=range(1, 13), repeatable=bool(number % 2)).search(LIMITS)[0].word
        for number in range(SEARCHES)
    )
    assert words[Word.FOUND] <= most(SEARCHES), words
    assert words[Word.NO_DIFFERENCE] <= 0.05 * SEARCHES, "all searches have begun"
