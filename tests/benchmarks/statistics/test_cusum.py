"""Drifts over nights: the scores' distribution, how often nights without a change alarm, how soon a drift is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks.statistics.cusum import (
    ALLOWANCE,
    LEAST_NIGHTS,
    Drift,
    alarm_threshold,
    find_drift,
    normal_scores,
)

pytestmark = pytest.mark.unit

RATE = 0.0025
BASELINE = [0.69, 0.70, 0.71, 0.70, 0.70]


def _shifted(nights: int, by: float, since: int) -> list[list[float]]:
    """Return nights that repeat the baseline's level and then another one."""
    return [[0.70 + (by if night >= since else 0), 0.695, 0.705] for night in range(nights)]


class TestScores:
    def test_a_score_is_that_of_student_s_t_against_all_runs_before(self) -> None:
        first, second = normal_scores([1.0, 2.0, 3.0], [[4.0], [0.0, 2.0]])
        t = (4 - 2) / (1 * np.sqrt(1 + 1 / 3))
        assert first == pytest.approx(stats.norm.isf(stats.t.sf(t, 2)))
        t = (1 - 2.5) / (np.std([1, 2, 3, 4], ddof=1) * np.sqrt(1 / 2 + 1 / 4))
        assert second == pytest.approx(stats.norm.ppf(stats.t.cdf(t, 3)))

    def test_without_a_change_they_are_standard_normal_and_independent(self) -> None:
        rng = np.random.default_rng(0)
        scores = np.array(
            [normal_scores(rng.normal(7, 3, 5).tolist(), rng.normal(7, 3, (20, 3)).tolist()) for _ in range(1000)]
        )
        assert stats.kstest(scores.ravel(), "norm").pvalue > 0.001
        assert abs(np.corrcoef(scores[:, :-1].ravel(), scores[:, 1:].ravel())[0, 1]) < 0.03

    @given(scale=st.floats(0.01, 100), shift=st.floats(-10, 10), sign=st.sampled_from([1, -1]))
    @settings(max_examples=25)
    def test_the_unit_does_not_matter(self, scale: float, shift: float, sign: int) -> None:
        change = np.vectorize(lambda value: sign * scale * value + shift)
        nights = _shifted(4, -0.02, 2)
        expected = sign * np.array(normal_scores(BASELINE, nights))
        assert normal_scores(change(BASELINE), change(nights)) == pytest.approx(expected, rel=1e-4, abs=1e-4)

    def test_without_any_spread_equal_runs_are_no_change_and_others_the_largest(self) -> None:
        same, other, _ = normal_scores([1.0, 1.0], [[1.0], [2.0], [1.0]])
        assert (same, other) == (0.0, 6.0)


class TestTheThreshold:
    @pytest.mark.parametrize("rate", [0.02, 0.005])
    def test_nights_to_a_false_alarm_are_as_many_as_stated(self, rate: float) -> None:
        rng = np.random.default_rng(0)
        threshold = alarm_threshold(rate)
        up, down = np.zeros(2000), np.zeros(2000)
        alarms, nights = 0, 0
        for _ in range(2000):
            score = rng.standard_normal(2000)
            up, down = np.maximum(up + score - ALLOWANCE, 0), np.maximum(down - score - ALLOWANCE, 0)
            alarm = np.maximum(up, down) > threshold
            up[alarm] = down[alarm] = 0
            alarms, nights = alarms + int(alarm.sum()), nights + 2000
        assert alarms / nights == pytest.approx(rate, rel=0.15)

    def test_a_published_value(self) -> None:
        # Montgomery, Introduction to Statistical Quality Control, table 9.3: k = 1/2, h = 5 has 465 nights.
        assert alarm_threshold(1 / 465) == pytest.approx(5, abs=0.05)

    @pytest.mark.parametrize("rate", [0.0, -1.0, 0.1, float("nan")])
    def test_a_rate_that_is_none_is_refused(self, rate: float) -> None:
        with pytest.raises(ValueError, match=r"expected above 0 and below 0\.1"):
            alarm_threshold(rate)


class TestADrift:
    def test_a_step_is_found_with_the_night_it_began_and_its_size(self) -> None:
        found = find_drift(BASELINE, _shifted(14, -0.06, 6), false_alarm_rate=RATE)
        assert found is not None
        assert found.began == 6
        assert found.size == pytest.approx(-0.02)  # a third of the runs moved by 0.06
        assert not found.rises

    def test_it_is_found_upwards_too(self) -> None:
        found = find_drift(BASELINE, _shifted(14, 0.06, 6), false_alarm_rate=RATE)
        assert found is not None
        assert found.size == pytest.approx(0.02)
        assert found.rises

    def test_nights_without_a_change_have_none(self) -> None:
        assert find_drift(BASELINE, _shifted(30, 0.0, 0), false_alarm_rate=RATE) is None

    def test_few_nights_are_no_history(self) -> None:
        far = [[0.0, 0.01, 0.02]] * LEAST_NIGHTS
        assert find_drift(BASELINE, far[:-1], false_alarm_rate=RATE) is None
        assert isinstance(find_drift(BASELINE, far, false_alarm_rate=RATE), Drift)

    @pytest.mark.parametrize(
        ("baseline", "nights", "said"),
        [
            ([0.7], [], "baseline runs: found 1, expected 2 or more"),
            (BASELINE, [[0.7], []], r"night 1: found \[\], expected one finite number or more"),
            (BASELINE, [[0.7], [float("nan")]], r"night 1: found \[nan\], expected one finite number or more"),
            ([0.7, float("inf")], [], r"baseline: found .+, expected one finite number or more"),
        ],
    )
    def test_what_is_no_history_is_refused(self, baseline: list[float], nights: list[list[float]], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            find_drift(baseline, nights, false_alarm_rate=RATE)


CHARTS = 10
"""Five experiments with two metrics: what shares the rate of a night's history."""
RUNS = 5
FURTHER = 400


def _exponential(rng: np.random.Generator, *shape: int) -> Any:
    return (rng.standard_exponential(shape) - 1).tolist()


def _normal(rng: np.random.Generator, *shape: int) -> Any:
    return rng.standard_normal(shape).tolist()


@pytest.mark.parametrize("noise", [_normal, _exponential])
def test_400_nights_without_a_change_alarm_at_most_4_times(
    noise: Callable[..., Any],
) -> None:
    """All charts of all experiments together, an alarm being answered by a new baseline."""
    rng = np.random.default_rng(0)
    threshold = alarm_threshold(RATE / CHARTS)
    counts = []
    for _ in range(20):
        alarms = 0
        for _ in range(CHARTS):
            up = down = 0.0
            for score in normal_scores(noise(rng, 30), noise(rng, FURTHER, RUNS)):
                up, down = max(up + score - ALLOWANCE, 0.0), max(down - score - ALLOWANCE, 0.0)
                if max(up, down) > threshold:
                    alarms, up, down = alarms + 1, 0.0, 0.0
        counts.append(alarms)
    assert np.mean(np.array(counts) <= 4) >= 0.95


@pytest.mark.parametrize("deviation", [0.004, 0.008], ids=lambda deviation: f"runs vary by {100 * deviation:g} points")
def test_a_drift_of_a_tenth_of_a_point_a_night_is_found_within_15_nights(deviation: float) -> None:
    rng = np.random.default_rng(0)
    needed = []
    for _ in range(100):
        baseline, nights = rng.normal(0.7, deviation, 30).tolist(), rng.normal(0.7, deviation, (10, RUNS)).tolist()
        for night in range(1, 31):
            nights.append(rng.normal(0.7 - 0.001 * night, deviation, RUNS).tolist())
            if find_drift(baseline, nights, false_alarm_rate=RATE / CHARTS):
                needed.append(night)
                break
    assert len(needed) == 100
    assert np.mean(np.array(needed) <= 15) >= 0.95
