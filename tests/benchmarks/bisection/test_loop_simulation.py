"""Thousands of searches with the spread of recorded runs: how often a candidate is named with which nothing changed."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from benchmarks.bisection.decide import Action, Limits, Word
from benchmarks.bisection.record import Step
from tests.benchmarks.bisection.machine import Machine

SEARCHES = 200
FEWER_SEARCHES = 40
LIMITS = Limits(error_rate=0.05, max_seeds=24)


def _most(searches: int) -> int:
    """Return how often at most an event is seen that has the stated error rate, 999 times in 1,000."""
    return int(stats.binom.ppf(0.999, searches, LIMITS.error_rate))


def _outcomes(effect: float, candidates: int, searches: int) -> Counter[str]:
    """Search for a culprit at random, and return how often each answer was given; the right one is ``right``."""
    rng = np.random.default_rng(candidates)
    outcomes: Counter[str] = Counter()
    turns, wrong = 0, 0
    for _ in range(searches):
        culprit = int(rng.integers(1, candidates))
        rounding = tuple(map(int, rng.integers(1, candidates, size=rng.integers(3))))
        machine = Machine(rng, candidates, culprit, effect, rounding=rounding, seen=bool(rng.integers(2)))
        answer, bisection = machine.search(LIMITS)
        outcomes["right" if (answer.word, answer.bad) == (Word.FOUND, culprit) else answer.word] += 1
        decided = [step for step in bisection.steps if step.bad is not None and abs(step.bad - 0.5) > 0.45]
        turns += len(decided)
        wrong += sum((step.bad > 0.5) != (step.candidate >= culprit) for step in decided if step.bad is not None)
    assert wrong <= LIMITS.error_rate * turns, "what a step says of a candidate holds as often as it says"
    return outcomes


@pytest.mark.integration
@pytest.mark.parametrize("candidates", [3, 13])
def test_a_search_names_another_candidate_at_most_as_often_as_stated(candidates: int) -> None:
    outcomes = _outcomes(3.0, candidates, FEWER_SEARCHES)
    assert outcomes[Word.FOUND] <= _most(FEWER_SEARCHES), outcomes
    assert outcomes["right"] > FEWER_SEARCHES / 2, outcomes


@pytest.mark.sensitivity  # minutes of computing
@pytest.mark.parametrize("effect", [1.5, 3.0, 6.0])
@pytest.mark.parametrize("candidates", [3, 13, 200])
def test_a_search_names_the_culprit_and_seldom_another(effect: float, candidates: int) -> None:
    outcomes = _outcomes(effect, candidates, SEARCHES)
    assert outcomes[Word.FOUND] <= _most(SEARCHES), outcomes
    assert outcomes["right"] >= (0.85 if effect < 2 else 0.95) * SEARCHES, outcomes


@pytest.mark.sensitivity  # minutes of computing
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
    assert words[Word.FOUND] <= _most(SEARCHES), words
    assert words[Word.NO_DIFFERENCE] <= 0.05 * SEARCHES, "all searches have begun"
