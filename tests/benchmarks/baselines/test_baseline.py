"""What makes sense in a baseline; test_baselines_file.py tries each value that does not, in the file."""

from __future__ import annotations

import re

import pytest

from benchmarks.baselines.baseline import Metric, check_baseline
from tests.factories import make_baseline, make_published

pytestmark = pytest.mark.unit


def test_a_metric_s_mean_is_that_of_its_values() -> None:
    assert Metric([0.5, 0.75], 0.01, "why").mean == 0.625


def test_a_measured_and_a_published_baseline_make_sense_where_they_belong() -> None:
    check_baseline(make_baseline(), "measured", "here")
    check_baseline(make_published(), "published", "here")
    with pytest.raises(ValueError, match=r"here\.source: found 'published', expected 'measured', as the key says"):
        check_baseline(make_published(), "measured", "here")


@pytest.mark.parametrize(
    ("loss", "nats", "expected"),
    [
        ((1.0, -0.1, 1.0), 0.03, "measured.metrics.loss.values: found [1.0, -0.1, 1.0], expected 0.0 to 16.1181"),
        ((1.0, 17.0, 1.0), 0.03, "measured.metrics.loss.values: found [1.0, 17.0, 1.0], expected 0.0 to 16.1181"),
        ((1.0, 1.1), 0.03, "measured.metrics.loss.values: found 2, expected 3, one a seed"),
        ((1.0, 1.1, 1.2), 0.0, "measured.nats_per_point: found 0.0, expected above 0"),
    ],
)
def test_a_loss_that_makes_no_sense_is_refused_by_its_place(
    loss: tuple[float, ...], nats: float, expected: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)):
        check_baseline(make_baseline(loss=loss, nats_per_point=nats), "measured", "measured")
