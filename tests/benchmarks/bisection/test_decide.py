"""What two candidates are compared in."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.bisection.decide import compare
from benchmarks.bisection.difference import PAIRED
from benchmarks.bisection.record import Bisection, Step
from tests.benchmarks.bisection.machine import EXPERIMENT, settings

pytestmark = pytest.mark.unit


def test_a_seed_that_diverged_on_one_side_is_left_out_on_the_other_so_that_pairs_stay_pairs() -> None:
    accuracies = np.random.default_rng(0).normal(0.9, 0.01, PAIRED + 1)  # by seed, as both sides share their noise
    bisection = Bisection(settings(2))
    for seed, accuracy in enumerate(accuracies):
        bisection.steps += [
            Step(0, "training", EXPERIMENT, seed, diverged=True)
            if seed == 0
            else Step(0, "training", EXPERIMENT, seed, accuracy=accuracy),
            Step(1, "training", EXPERIMENT, seed, accuracy=accuracy - 0.001),
        ]
    found = compare(bisection, EXPERIMENT, "accuracy", (0, 1), range(PAIRED + 1), 0.05)
    assert found is not None
    assert found.runs == PAIRED
    assert found.before - found.after == pytest.approx(0.001)
    assert found.significant
