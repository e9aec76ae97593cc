"""The prediction interval is Student's, and holds one further value as often as it says."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from benchmarks.statistics.prediction import prediction_half_width

pytestmark = pytest.mark.unit


def test_it_is_student_s() -> None:
    # t = 4.604 and 8.610 for 4 degrees of freedom, 99 % and 99.9 %, from the usual tables; s = sqrt(2.5).
    values = [1, 2, 3, 4, 5]
    assert prediction_half_width(values) == pytest.approx(4.604 * 2.5**0.5 * 1.2**0.5, rel=1e-4)
    assert prediction_half_width(values, 0.999) == pytest.approx(8.610 * 2.5**0.5 * 1.2**0.5, rel=1e-4)


@pytest.mark.parametrize(("confidence", "least", "most"), [(0.99, 20, 60), (0.9, 343, 457)])
def test_it_holds_one_further_value_as_often_as_it_says(confidence: float, least: int, most: int) -> None:
    runs = np.random.default_rng(0).normal(0.7, 0.01, size=(4_000, 6))
    missed = sum(abs(run[5] - run[:5].mean()) > prediction_half_width(run[:5].tolist(), confidence) for run in runs)
    assert least < missed < most, "of 4,000, the expected number and three standard deviations either way"


def test_one_value_has_no_spread() -> None:
    with pytest.raises(statistics.StatisticsError):
        prediction_half_width([0.7])
