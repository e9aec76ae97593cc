"""The pattern over classes as one number a run: a hand-worked example, then what it sees and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics.class_pattern import pattern_distances
from benchmarks.statistics.significance import measure, p_values

pytestmark = pytest.mark.unit


def test_a_hand_worked_example() -> None:
    # Patterns: (-0.1, 0.1), (-0.2, 0.2), (-0.3, 0.3); today (0, 0).
    baseline = np.array([[0.4, 0.6], [0.3, 0.7], [0.2, 0.8]])
    before, now = pattern_distances(baseline, np.array([[0.5, 0.5]]))
    assert before == pytest.approx([0.15, 0.0, 0.15])  # from the mean of the other two
    assert now == pytest.approx([0.2])  # from the mean of all three


def test_a_change_that_all_classes_share_is_none() -> None:
    baseline = np.random.default_rng(0).uniform(0.6, 0.8, (5, 10))
    before, now = pattern_distances(baseline, baseline - 0.3)
    assert now == pytest.approx(before * 4 / 5)  # of the same runs, from a mean that they are part of


@pytest.mark.parametrize(
    ("baseline", "today"), [((1, 10), (3, 10)), ((5, 10), (3, 9))], ids=["one run", "another class"]
)
def test_what_has_no_pattern_to_compare_is_refused(baseline: tuple[int, int], today: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="expected two or more baseline runs and the same number of classes"):
        pattern_distances(np.zeros(baseline), np.zeros(today))


def _nights(*, nights: int, n: int, k: int, drop: float) -> np.ndarray:
    """Return p-values of nights whose runs' F1 scores vary by 0.03 each and 0.02 together; one class has dropped."""
    rng = np.random.default_rng(0)
    p = []
    for _ in range(nights):
        runs = 0.7 + 0.03 * rng.standard_normal((n + k, 10)) + 0.02 * rng.standard_normal((n + k, 1))
        runs[n:, 3] -= drop
        effect, deviation = measure(*pattern_distances(runs[:n], runs[n:]))
        p.append(np.where(effect > 0, p_values(effect, deviation, baseline_runs=n, today_runs=k), 1.0))
    return np.array(p)


@pytest.mark.parametrize(("n", "k"), [(5, 3), (30, 5)])
def test_without_a_change_the_level_holds(n: int, k: int) -> None:
    nights = 2000
    alarms = int((_nights(nights=nights, n=n, k=k, drop=0.0) <= 0.02).sum())
    assert alarms <= stats.binom.ppf(0.999, nights, 0.01)  # half of the two-sided level


def test_one_class_that_collapses_among_ten_is_seen_at_a_night_s_level() -> None:
    assert (_nights(nights=100, n=30, k=5, drop=0.25) <= 0.0002).mean() > 0.95
