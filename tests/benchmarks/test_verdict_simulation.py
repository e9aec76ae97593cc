"""Simulated nights: the stated error rates hold, baseline and runs being drawn anew for every night.

A night has five experiments with two headline metrics and ten per-class ones. Runs of the per-class metrics
move together. The judge is the one of real nights: `measure`, `p_values` and `decide`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from benchmarks.looks import Family, Plan, decide, make_plan
from benchmarks.power import Look, smallest_drop
from benchmarks.significance import Floats, measure, p_values, t_test_p_values

pytestmark = pytest.mark.unit

# The mirror image of a noise gives the same p-values: `test_verdict.py` has that law.
Noise = Literal["normal", "exponential", "lognormal"]

NIGHTS = 20_000
BATCH = 2_500
EXPERIMENTS = 5
HEADLINE = 2
PER_CLASS = 10
BASELINE_RUNS = 5
RATE = 0.01


@dataclass(frozen=True)
class Nights:
    """What became of the simulated nights: shares of nights, and seeds per experiment."""

    alarms: int
    nights: int
    caught: float
    mean_seeds: float


def plan_for(looks: tuple[int, ...], *, rate: float = RATE) -> Plan:
    headline: list[Family] = ["headline"] * HEADLINE
    per_class: list[Family] = ["per_class"] * PER_CLASS
    families = (headline + per_class) * EXPERIMENTS
    experiments = [str(index) for index in range(EXPERIMENTS) for _ in range(HEADLINE + PER_CLASS)]
    return make_plan(experiments, families, looks=looks, false_alarm_rate=rate)


def draw(noise: Noise, rng: np.random.Generator, nights: int, runs: int) -> Floats:
    """Draw runs of shape (nights, checks, runs), per-class ones correlated, marginals exact."""
    # Runs lie on the first axis in memory, where NumPy adds them up several times as fast.
    shape = runs, nights, EXPERIMENTS, HEADLINE + PER_CLASS
    common = runs, nights, EXPERIMENTS, 1
    if noise == "exponential":
        # The least of a common and an own exponential is exponential again (Marshall and Olkin 1967).
        values = rng.standard_exponential(shape)
        values[..., HEADLINE:] = 2 * np.minimum(values[..., HEADLINE:], rng.standard_exponential(common))
    else:
        values = rng.standard_normal(shape)
        values[..., HEADLINE:] = np.sqrt(0.5) * (values[..., HEADLINE:] + rng.standard_normal(common))
        if noise == "lognormal":
            values = np.exp(0.5 * values)
    return np.moveaxis(values.reshape(runs, nights, EXPERIMENTS * (HEADLINE + PER_CLASS)), 0, -1)


@lru_cache
def simulate(
    noise: Noise,
    looks: tuple[int, ...],
    *,
    nights: int = NIGHTS,
    tolerance: float = 0.0,
    drop: float = 0.0,
    guarded: bool = True,
    seed: int = 0,
) -> Nights:
    """Judge nights; `drop` worsens the first check, and `caught` is how often that check does not pass."""
    rng = np.random.default_rng(seed)
    plan = plan_for(looks)
    test = p_values if guarded else t_test_p_values
    alarms, caught, seeds = 0, 0, 0.0
    for _ in range(nights // BATCH):
        runs = draw(noise, rng, BATCH, BASELINE_RUNS + looks[-1])
        baseline, today = runs[..., :BASELINE_RUNS], runs[..., BASELINE_RUNS:]
        today[:, 0] -= drop
        p, beyond = [], []
        for look in looks:
            effect, deviation = measure(baseline, today[..., :look])
            p.append(test(effect, deviation, baseline_runs=BASELINE_RUNS, today_runs=look))
            beyond.append(np.abs(effect) > tolerance)
        decisions = decide(np.array(p), np.array(beyond), plan)
        alarms += int((~decisions.passed).any(axis=1).sum())
        caught += int((~decisions.passed[:, 0]).sum())
        decided = np.array(looks)[decisions.look].reshape(BATCH, EXPERIMENTS, -1).max(axis=-1)
        seeds += float(decided.mean(axis=-1).sum())
    return Nights(alarms=alarms, nights=nights, caught=caught / nights, mean_seeds=seeds / nights)


def most_alarms(nights: int, *, rate: float = RATE) -> int:
    """Return the number of alarms that a true rate of `rate` exceeds once in 1,000 simulations."""
    return int(stats.binom.ppf(0.999, nights, rate))


@pytest.mark.parametrize(
    ("noise", "looks"),
    [
        ("normal", (3,)),
        ("exponential", (1,)),
        ("exponential", (3,)),
        ("lognormal", (1,)),
        ("lognormal", (3,)),
        ("normal", (3, 6, 9)),
        ("exponential", (3, 6, 9)),
    ],
    ids=str,
)
def test_a_night_without_change_raises_an_alarm_at_most_at_the_stated_rate(
    noise: Noise, looks: tuple[int, ...]
) -> None:
    assert simulate(noise, looks).alarms <= most_alarms(NIGHTS)


@pytest.mark.parametrize("noise", ["normal", "exponential"])
def test_a_good_night_trains_few_further_seeds(noise: Noise) -> None:
    assert 1.02 < simulate(noise, (3, 6, 9)).mean_seeds / 3 < 1.2


def test_the_plain_t_test_would_raise_far_too_many_alarms_on_skewed_noise() -> None:
    assert simulate("exponential", (1,), nights=BATCH, guarded=False).alarms > 0.05 * BATCH
    assert simulate("exponential", (3,), nights=NIGHTS // 2, guarded=False).alarms > most_alarms(NIGHTS // 2)


def test_a_single_look_uses_most_of_the_stated_rate() -> None:
    # For exponential noise the p-values are exact: a rate far below the stated one would be a loss of power.
    assert simulate("exponential", (3,)).alarms > 0.7 * RATE * NIGHTS


@pytest.mark.parametrize("tolerance", [0.0, 4.0])
@pytest.mark.parametrize("looks", [(1,), (3,), (3, 6, 9)], ids=str)
def test_the_stated_smallest_drop_is_caught_with_the_stated_power(looks: tuple[int, ...], tolerance: float) -> None:
    levels = plan_for(looks).first_step_levels()[:, 0]
    drop = smallest_drop(
        deviation=1.0,
        tolerance=tolerance,
        looks=[
            Look(baseline_runs=BASELINE_RUNS, today_runs=runs, level=float(level))
            for runs, level in zip(looks, levels, strict=True)
        ],
    )
    nights = 2 * BATCH
    caught = simulate("normal", looks, nights=nights, tolerance=tolerance, drop=drop).caught
    error = np.sqrt(0.95 * 0.05 / nights)
    assert caught > 0.95 - 3 * error
    # One look is stated exactly; several by a bound, which must not be a loose one.
    assert caught < (0.95 + 3 * error if len(looks) == 1 else 0.99)


def test_further_looks_see_much_smaller_drops_than_the_first_alone() -> None:
    def seen(looks: tuple[int, ...]) -> float:
        levels = plan_for(looks).first_step_levels()[:, 0]
        designs = [
            Look(baseline_runs=BASELINE_RUNS, today_runs=runs, level=float(level))
            for runs, level in zip(looks, levels, strict=True)
        ]
        return smallest_drop(deviation=1.0, tolerance=0.0, looks=designs)

    assert seen((3, 6, 9)) < 0.6 * seen((3,))
    assert seen((3, 6, 9)) < 1.15 * seen((9,))


@pytest.mark.parametrize("changed", [1, 8, 40])
def test_checks_without_change_keep_the_rate_when_others_have_changed(changed: int) -> None:
    rng = np.random.default_rng(1)
    plan = plan_for((3,))
    nights, alarms = 2 * BATCH, 0
    for _ in range(nights // BATCH):
        runs = draw("normal", rng, BATCH, BASELINE_RUNS + 3)
        runs[:, :changed, BASELINE_RUNS:] -= 100.0
        effect, deviation = measure(runs[..., :BASELINE_RUNS], runs[..., BASELINE_RUNS:])
        p = p_values(effect, deviation, baseline_runs=BASELINE_RUNS, today_runs=3)
        passed: NDArray[np.bool_] = decide(p[None], np.ones((1, *p.shape), dtype=bool), plan).passed
        alarms += int((~passed[:, changed:]).any(axis=1).sum())
    assert alarms <= most_alarms(nights)
