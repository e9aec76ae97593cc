"""Simulated nights: the stated error rates hold, with a new baseline and new runs for every night.

A night has five experiments with two headline metrics and four per-class ones, whose runs move together. The
judge is the one of real nights: `measure`, `p_values` and `decide`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics.power import Look, smallest_drop
from benchmarks.statistics.sequential import Decisions, Family, Plan, decide, make_plan
from benchmarks.statistics.significance import Floats, measure, p_values, standard_error_factor, t_test_p_values

pytestmark = pytest.mark.unit

# The mirror image of a noise gives the same p-values: `test_verdict.py` has that law.
Noise = Literal["normal", "exponential", "lognormal"]

NIGHTS = 20_000
BATCH = 2_000
EXPERIMENTS = 5
FAMILIES: tuple[Family, ...] = ("headline", "headline", "secondary", "secondary", "secondary", "secondary")
BASELINE_RUNS = 5
TODAYS_RUNS: dict[Noise, tuple[int, ...]] = {
    "normal": (1, 3, 6, 9),
    "exponential": (1, 3, 6, 9),
    "lognormal": (1, 3),
}
RATE = 0.01
# The number of alarms that a true rate of `RATE` exceeds once in 1,000 simulations.
MOST_ALARMS = int(stats.binom.ppf(0.999, NIGHTS, RATE))


@dataclass(frozen=True)
class Nights:
    """What was found in simulated nights without any change: arrays of shape (nights, checks), by number of runs."""

    effect: dict[int, Floats] = field(default_factory=dict)
    deviation: dict[int, Floats] = field(default_factory=dict)
    p: dict[int, Floats] = field(default_factory=dict)


Simulate = Callable[[Noise], Nights]


@pytest.fixture(scope="module")
def simulate() -> Simulate:
    """Return a function that simulates the nights of one noise once, for all tests that ask for them."""
    return lru_cache(simulated)


def simulated(noise: Noise) -> Nights:
    rng = np.random.default_rng(0)
    looks = TODAYS_RUNS[noise]
    batches = [draw(noise, rng, BATCH, BASELINE_RUNS + looks[-1]) for _ in range(NIGHTS // BATCH)]
    nights = Nights()
    for look in looks:
        found = [measure(runs[..., :BASELINE_RUNS], runs[..., BASELINE_RUNS:][..., :look]) for runs in batches]
        nights.effect[look], nights.deviation[look] = map(np.concatenate, zip(*found, strict=True))
        nights.p[look] = tail_p_values(p_values, nights.effect[look], nights.deviation[look], look)
    return nights


def draw(noise: Noise, rng: np.random.Generator, nights: int, runs: int) -> Floats:
    """Draw runs of shape (nights, checks, runs), per-class ones correlated, marginals exact."""
    # Runs lie on the first axis in memory, where NumPy adds them up several times as fast.
    shape = runs, nights, EXPERIMENTS, len(FAMILIES)
    common = runs, nights, EXPERIMENTS, 1
    per_class = ..., slice(FAMILIES.index("secondary"), None)
    if noise == "exponential":
        # The least of a common and an own exponential is exponential again (Marshall and Olkin 1967).
        values = rng.standard_exponential(shape)
        values[per_class] = 2 * np.minimum(values[per_class], rng.standard_exponential(common))
    else:
        values = rng.standard_normal(shape)
        values[per_class] = np.sqrt(0.5) * (values[per_class] + rng.standard_normal(common))
        if noise == "lognormal":
            values = np.exp(0.5 * values)
    return np.moveaxis(values.reshape(runs, nights, -1), 0, -1)


def tail_p_values(test: Callable[..., Floats], effect: Floats, deviation: Floats, look: int) -> Floats:
    """Return p-values, 1 for an effect within two standard errors: above 0.045 and any level, and slow to compute."""
    p = np.ones(effect.shape)
    far = np.abs(effect) > 2 * standard_error_factor(baseline_runs=BASELINE_RUNS, today_runs=look) * deviation
    p[far] = test(effect[far], deviation[far], baseline_runs=BASELINE_RUNS, today_runs=look)
    return p


def plan_for(looks: Sequence[int]) -> Plan:
    experiments = [str(number) for number in range(EXPERIMENTS) for _ in FAMILIES]
    return make_plan(experiments, FAMILIES * EXPERIMENTS, looks=looks, false_alarm_rate=RATE)


def judge(effect: dict[int, Floats], p: dict[int, Floats], looks: Sequence[int], *, tolerance: float = 0) -> Decisions:
    beyond = np.array([np.abs(effect[look]) > tolerance for look in looks])
    return decide(np.array([p[look] for look in looks]), beyond, plan_for(looks))


def stated_drop(looks: Sequence[int], *, tolerance: float = 0.0) -> float:
    """Return the smallest drop that a night states for its first check, in standard deviations of one run."""
    levels = plan_for(looks).first_step_levels()[:, 0]
    designs = [
        Look(baseline_runs=BASELINE_RUNS, today_runs=runs, level=float(level))
        for runs, level in zip(looks, levels, strict=True)
    ]
    return smallest_drop(deviation=1.0, tolerance=tolerance, looks=designs)


def alarms(decisions: Decisions) -> int:
    """Return the number of nights in which anything does not pass."""
    return int((~decisions.passed).any(axis=1).sum())


@pytest.mark.parametrize(
    ("noise", "looks"),
    [
        ("normal", (1,)),
        ("normal", (3,)),
        ("normal", (3, 6, 9)),
        ("exponential", (1,)),
        ("exponential", (3,)),
        ("exponential", (3, 6, 9)),
        ("lognormal", (1,)),
        ("lognormal", (3,)),
    ],
    ids=str,
)
def test_a_night_without_change_keeps_to_the_stated_rate_and_to_few_further_seeds(
    simulate: Simulate, noise: Noise, looks: tuple[int, ...]
) -> None:
    nights = simulate(noise)
    decisions = judge(nights.effect, nights.p, looks)
    assert alarms(decisions) <= MOST_ALARMS
    trained = np.array(looks)[decisions.look].reshape(NIGHTS, EXPERIMENTS, len(FAMILIES)).max(axis=-1)
    assert trained.mean() < 1.2 * looks[0]


@pytest.mark.parametrize(("look", "least"), [(1, 0.05 * NIGHTS), (3, MOST_ALARMS)])
def test_the_plain_t_test_would_raise_far_too_many_alarms_on_skewed_noise(
    simulate: Simulate, look: int, least: float
) -> None:
    nights = simulate("exponential")
    p = tail_p_values(t_test_p_values, nights.effect[look], nights.deviation[look], look)
    assert alarms(judge(nights.effect, {look: p}, (look,))) > least


def test_a_single_look_uses_most_of_the_stated_rate(simulate: Simulate) -> None:
    # For exponential noise the p-values are exact: a rate far below the stated one would be a loss of power.
    nights = simulate("exponential")
    assert alarms(judge(nights.effect, nights.p, (3,))) > 0.7 * RATE * NIGHTS


@pytest.mark.parametrize("tolerance", [0.0, 4.0])
@pytest.mark.parametrize("looks", [(1,), (3,), (3, 6, 9)], ids=str)
def test_the_stated_smallest_drop_is_caught_with_the_stated_power(
    simulate: Simulate, looks: tuple[int, ...], tolerance: float
) -> None:
    trials = slice(5_000)
    drop = stated_drop(looks, tolerance=tolerance)
    nights = simulate("normal")
    effect = {look: nights.effect[look][trials].copy() for look in looks}
    p = {look: nights.p[look][trials].copy() for look in looks}
    for look in looks:
        effect[look][:, 0] -= drop
        p[look][:, 0] = tail_p_values(p_values, effect[look][:, 0], nights.deviation[look][trials, 0], look)
    caught = float((~judge(effect, p, looks, tolerance=tolerance).passed[:, 0]).mean())
    error = np.sqrt(0.95 * 0.05 / trials.stop)
    assert caught > 0.95 - 3 * error
    # One look is stated exactly; several by a bound, which must not be a loose one.
    assert caught < (0.95 + 3 * error if len(looks) == 1 else 0.99)


def test_further_looks_see_much_smaller_drops_than_the_first_alone() -> None:
    assert stated_drop((3, 6, 9)) < 0.6 * stated_drop((3,))
    assert stated_drop((3, 6, 9)) < 1.15 * stated_drop((9,))


@pytest.mark.parametrize("changed", [1, 8, 20])
def test_checks_without_change_keep_the_rate_when_others_have_changed(simulate: Simulate, changed: int) -> None:
    nights = simulate("normal")
    p = nights.p[3].copy()
    p[:, :changed] = 0.0
    passed = judge(nights.effect, {3: p}, (3,)).passed
    assert (~passed[:, changed:]).any(axis=1).sum() <= MOST_ALARMS
