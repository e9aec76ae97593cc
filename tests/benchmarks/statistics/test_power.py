"""The probability of a miss against SciPy's distributions, and the planning built on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics.power import Look, miss_probability, seeds_needed, smallest_drop
from benchmarks.statistics.significance import critical_value

pytestmark = pytest.mark.unit

PLAN: dict[str, Any] = {
    "drop": 0.024,
    "deviation": 0.004,
    "baseline_runs": 5,
    "tolerance": 0.005,
    "checks": 10,
    "secondary_checks": 50,
}


@pytest.mark.parametrize(("n", "k"), [(5, 1), (5, 3), (10, 10)])
def test_without_a_tolerance_the_miss_probability_is_the_noncentral_t_distribution(n: int, k: int) -> None:
    error = 0.01 * np.sqrt(1 / n + 1 / k)
    for drop in (0.01, 0.04, 0.1):
        critical = critical_value(0.001, baseline_runs=n, today_runs=k)
        look = Look(baseline_runs=n, today_runs=k, level=0.001)
        found = miss_probability(deviation=0.01, tolerance=0.0, looks=[look])(drop)
        assert found == pytest.approx(stats.nct.cdf(critical, n + k - 2, drop / error), abs=1e-4)


def test_with_a_wide_tolerance_the_miss_probability_is_the_normal_distribution() -> None:
    look = Look(baseline_runs=5, today_runs=3, level=0.01)
    error = 0.01 * np.sqrt(1 / 5 + 1 / 3)
    found = miss_probability(deviation=0.01, tolerance=0.5, looks=[look])(0.51)
    assert found == pytest.approx(stats.norm.cdf(-0.01 / error))


@pytest.mark.parametrize(("secondary_checks", "share"), [(50, 0.8), (0, 1.0)])
def test_seeds_needed_is_the_least_number_that_catches_the_drop(secondary_checks: int, share: float) -> None:
    for seeds in (1, 3, 6):
        look = Look(baseline_runs=5, today_runs=seeds, level=0.01 * share / 10)
        smallest = smallest_drop(deviation=0.004, tolerance=0.005, looks=[look])
        for factor, expected in ((1 + 1e-6, seeds), (1 - 1e-6, seeds + 1)):
            changes = {"drop": factor * smallest, "secondary_checks": secondary_checks}
            assert seeds_needed(**(PLAN | changes)) == expected


def test_seeds_needed_is_none_when_the_most_seeds_do_not_do() -> None:
    assert seeds_needed(**PLAN) == 4
    assert seeds_needed(**PLAN, at_most=4) == 4
    assert seeds_needed(**PLAN, at_most=3) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baseline_runs": 2}, "baseline_runs: found 2, expected 3 or more"),
        ({"deviation": float("nan")}, r"deviation and tolerance: found \(nan, 0.005\), expected 0 or more"),
        ({"drop": 0.005}, "drop: found 0.005, expected more than the tolerance 0.005"),
        ({"drop": float("nan")}, "drop: found nan, expected more than the tolerance"),
        ({"checks": 0}, r"checks: found \(0, "),
        ({"at_most": 0}, "at_most: found 0, expected 1 or more"),
        ({"power": 1.0}, "power: found 1.0, expected above 0.5 and below 1"),
        ({"false_alarm_rate": 0.0}, "false_alarm_rate: found 0.0, expected above 0 and below 0.5"),
        ({"false_alarm_rate": float("nan")}, "false_alarm_rate: found nan, expected above 0 and below 0.5"),
    ],
)
def test_bad_planning_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        seeds_needed(**(PLAN | changes))


def test_a_smallest_drop_of_nonsense_is_refused() -> None:
    look = Look(baseline_runs=5, today_runs=3, level=0.01)
    with pytest.raises(ValueError, match=r"found \(-1.0, 0.0\), expected 0 or more"):
        smallest_drop(deviation=-1.0, tolerance=0.0, looks=[look])
    with pytest.raises(ValueError, match=r"looks: found \[\], expected one or more"):
        smallest_drop(deviation=1.0, tolerance=0.0, looks=[])
