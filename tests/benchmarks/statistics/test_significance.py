"""P-values, critical values and Holm's method against cited sources, SciPy and simulations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics.significance import (
    critical_value,
    degrees_of_freedom,
    holm_levels,
    measure,
    p_values,
    t_test_p_values,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("runs", [(5, 2), (5, 3), (3, 9), (10, 10)])
def test_t_test_p_values_are_those_of_scipy(runs: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    baseline, today = rng.normal(size=(50, runs[0])), rng.normal(0.5, size=(50, runs[1]))
    found = t_test_p_values(*measure(baseline, today), baseline_runs=runs[0], today_runs=runs[1])
    np.testing.assert_allclose(found, stats.ttest_ind(today, baseline, axis=1).pvalue, rtol=1e-10)


def test_a_single_run_is_held_against_the_prediction_interval_of_the_baseline() -> None:
    # Hahn and Meeker, Statistical Intervals (1991), chapter 4: mean +- t(1 - a/2, n - 1) s sqrt(1 + 1/n).
    baseline = np.array([50.3, 48.3, 49.6, 50.4, 51.9])
    edge = baseline.mean() + stats.t.ppf(0.975, 4) * baseline.std(ddof=1) * np.sqrt(1 + 1 / 5)
    found = t_test_p_values(*measure(baseline, np.array([edge])), baseline_runs=5, today_runs=1)
    assert found == pytest.approx(0.05)


def test_effect_and_pooled_standard_deviation_are_those_computed_by_hand() -> None:
    # Squared deviations 2 + 8 = 10 over 3 + 2 - 2 degrees of freedom.
    effect, deviation = measure(np.array([1.0, 2.0, 3.0]), np.array([4.0, 8.0]))
    assert effect == pytest.approx(4.0)
    assert deviation == pytest.approx(np.sqrt(10 / 3))


@pytest.mark.parametrize("runs", [(0, 3), (3, 0), (1, 1)])
def test_too_few_runs_for_a_spread_are_refused(runs: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=rf"runs of the baseline and of today: found \({runs[0]}, {runs[1]}\), "):
        degrees_of_freedom(baseline_runs=runs[0], today_runs=runs[1])


@pytest.mark.parametrize("runs", [(3, 1), (5, 1), (5, 3), (3, 5)])
def test_p_values_under_exponential_noise_are_those_of_a_simulation(runs: tuple[int, int]) -> None:
    n, k = runs
    rng = np.random.default_rng(5)
    effect, deviation = measure(rng.exponential(size=(200_000, n)), rng.exponential(size=(200_000, k)))
    statistic = np.abs(effect) / deviation / np.sqrt(1 / n + 1 / k)
    for level in (0.02, 0.002):
        limit = critical_value(level, baseline_runs=n, today_runs=k)
        exceeded = (statistic > limit).mean()
        if limit > stats.t.isf(level / 2, n + k - 2) * (1 + 1e-6):
            assert exceeded == pytest.approx(level, rel=0.05, abs=4 * np.sqrt(level / 200_000))
        else:  # Here the t-test's value is the larger one.
            assert exceeded < level + 4 * np.sqrt(level / 200_000)


@pytest.mark.parametrize("runs", [(3, 1), (5, 3), (10, 10), (30, 5)])
@pytest.mark.parametrize("level", [0.3, 1e-2, 1e-4, 1e-6])
def test_critical_values_and_p_values_are_inverse(runs: tuple[int, int], level: float) -> None:
    counts = {"baseline_runs": runs[0], "today_runs": runs[1]}
    effect = np.array(critical_value(level, **counts) * np.sqrt(1 / runs[0] + 1 / runs[1]))
    assert p_values(effect, np.array(1.0), **counts) == pytest.approx(level, rel=1e-6)


def test_p_values_are_never_below_those_of_the_t_test() -> None:
    effect, deviation = np.geomspace(1e-3, 1e6, 300), np.ones(300)
    for n, k in ((3, 1), (5, 3), (12, 6)):
        guarded = p_values(effect, deviation, baseline_runs=n, today_runs=k)
        assert (guarded >= t_test_p_values(effect, deviation, baseline_runs=n, today_runs=k)).all()
        assert (np.diff(guarded) <= 0).all()


def test_holm_levels_reject_as_in_the_published_example() -> None:
    # geeksforgeeks.org/data-science/holm-bonferroni-method: at 0.05 the first and the last are rejected.
    p = np.array([0.01, 0.04, 0.03, 0.005])
    levels = holm_levels(p, np.full(4, 0.25), 0.05)
    np.testing.assert_allclose(levels, [0.05 / 3, 0.05 / 2, 0.05 / 2, 0.05 / 4])
    assert (p <= levels).tolist() == [True, False, False, True]


def test_weighted_holm_levels_are_those_computed_by_hand() -> None:
    # p / weight orders the checks third, first, second: 0.05 * 0.1, then 0.05 * 0.6 / 0.9, then 0.05.
    p, weights = np.array([0.03, 0.02, 0.004]), np.array([0.6, 0.3, 0.1])
    np.testing.assert_allclose(holm_levels(p, weights, 0.05), [0.05 * 0.6 / 0.9, 0.05, 0.005])


def test_holm_levels_of_a_batch_are_those_of_its_rows() -> None:
    rng = np.random.default_rng(0)
    p, weights = rng.random((40, 6)) ** 4, rng.random(6)
    rows = [holm_levels(row, weights, 0.1) for row in p]
    np.testing.assert_array_equal(holm_levels(p, weights, 0.1), rows)


@pytest.mark.parametrize("level", [1e-6, 1e-14, 1e-100])
def test_a_critical_value_is_finite_at_any_level(level: float) -> None:
    found = critical_value(level, baseline_runs=30, today_runs=3)
    assert -stats.t.ppf(level / 2, 31) <= found < np.inf
