"""Simulated searches for a culprit at random."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy import stats

from benchmarks.bisection.decide import Limits, Word
from tests.benchmarks.bisection.machine import Machine

LIMITS = Limits(error_rate=0.05, max_seeds=24)


def most(searches: int) -> int:
    """Return how often at most an event is seen that has the stated error rate, 999 times in 1,000."""
    return int(stats.binom.ppf(0.999, searches, LIMITS.error_rate))


def outcomes_of(effect: float, candidates: int, searches: int) -> Counter[str]:
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
