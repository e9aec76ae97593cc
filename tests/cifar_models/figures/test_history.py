"""Each night's mean and range are in the panel of its metric, and each change of the baseline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.patches import StepPatch

from cifar_models.figures.history import over_nights
from tests.cifar_models.figures.panels import drawn, lines_of, texts_in

pytestmark = pytest.mark.integration

NIGHTS = ["2026-01-01", "2026-01-02", "2026-01-03"]
VALUES = {
    "accuracy (share of images)": [[0.5, 0.7], [0.6], [0.25, 0.75]],
    "time an epoch (s)": [[3.0], [4.0], [5.0]],
}


def test_nights_are_a_line_of_means_over_the_range_of_their_runs() -> None:
    panels = over_nights(NIGHTS, VALUES, {"accuracy (share of images)": [None, 0.65, 0.55]}, [0, 2])
    accuracy, time = map(drawn, panels)
    ((places, means),) = lines_of(accuracy)["mean of a night"]
    assert places == [0, 1, 2]
    assert means == pytest.approx([0.6, 0.6, 0.5])
    ranges: Any = accuracy.collections[0]
    np.testing.assert_allclose(
        [[low, high] for (_, low), (_, high) in ranges.get_segments()], [[0.5, 0.7], [0.6, 0.6], [0.25, 0.75]]
    )
    (steps,) = [patch for patch in accuracy.patches if isinstance(patch, StepPatch)]
    assert list(steps.get_data()[0]) == pytest.approx([np.nan, 0.65, 0.55], nan_ok=True)
    assert lines_of(accuracy)["new baseline"] == [([-0.5, -0.5], [0, 1]), ([1.5, 1.5], [0, 1])]
    assert texts_in(accuracy) == ["1", "2"]
    assert not [patch for patch in time.patches if isinstance(patch, StepPatch)]
    text = panels[0].alternative_text
    assert "first 0.6000, last 0.5000, from 0.5000 to 0.6000" in text
    assert "3 nights, 2026-01-01 to 2026-01-03" in text


def test_a_year_of_nights_has_no_more_days_on_its_axis_than_fit() -> None:
    (panel,) = over_nights([str(day) for day in range(365)], {"a": [[0.5]] * 365}, {})
    assert len(drawn(panel).get_xticks()) <= 4


@pytest.mark.parametrize(
    "draw",
    [
        lambda: over_nights([], {"a": []}, {}),
        lambda: over_nights(NIGHTS, {}, {}),
        lambda: over_nights(NIGHTS, {"a": [[0.5], [], [0.5]]}, {}),
        lambda: over_nights(NIGHTS, {"a": [[0.5]]}, {}),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw: Any) -> None:
    with pytest.raises(ValueError, match=r"found .*expected"):
        draw()
