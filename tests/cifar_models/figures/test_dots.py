"""Means, ranges and deviations lie where the numbers say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.container import ErrorbarContainer

from cifar_models.figures.dots import class_f1, comparison
from cifar_models.figures.style import BASELINE, OURS, PUBLISHED
from tests.cifar_models.figures.panels import drawn
from tests.factories import make_run

pytestmark = pytest.mark.integration


def _dots(axes: Axes) -> dict[str, list[tuple[int, float]]]:
    """Return by label the row and the value of each dot."""
    found = {}
    for series in axes.containers:
        assert isinstance(series, ErrorbarContainer)
        data: Any = series.lines[0].get_data()
        values, rows = data
        found[str(series.get_label())] = [(round(row), float(value)) for row, value in zip(rows, values, strict=True)]
    return found


def _error_bars(axes: Axes, number: int) -> Any:
    """Return the lowest and highest value of each error bar of a series."""
    segments: Any = axes.containers[number].lines[2][0].get_segments()  # type: ignore[attr-defined]
    return [[low, high] for (low, _), (high, _) in segments]


def test_f1_is_a_mean_with_its_range_beside_the_baseline_s_and_the_published() -> None:
    ours = [make_run(f1={"cat": 0.5, "dog": 0.75}), make_run(f1={"cat": 0.75, "dog": 0.75})]
    panel = class_f1(ours, [make_run(f1={"cat": 0.25, "dog": 0.5})], {"dog": 0.4})
    axes = drawn(panel)
    assert _dots(axes) == {
        "ours": [(0, 0.625), (1, 0.75)],
        "baseline": [(0, 0.25), (1, 0.5)],
        "published": [(1, 0.4)],
    }
    np.testing.assert_allclose(_error_bars(axes, 0), [[0.5, 0.75], [0.75, 0.75]])
    assert "cat ours 0.62, baseline 0.25, dog ours 0.75, baseline 0.50, published 0.40" in panel.alternative_text
    colours = [to_rgb(series.lines[0].get_color()) for series in axes.containers]  # type: ignore[attr-defined]
    assert colours == [to_rgb(OURS), to_rgb(BASELINE), to_rgb(PUBLISHED)]


def test_experiments_are_compared_with_the_published_and_have_their_standard_deviation() -> None:
    panel = comparison({"a": [0.5, 0.7], "b": [0.25], "c": []}, {"b": 0.4, "c": 0.9, "d": 1.0})
    axes = drawn(panel)
    assert _dots(axes) == {"ours": [(0, pytest.approx(0.6)), (1, 0.25)], "published": [(1, 0.4), (2, 0.9)]}
    half = 2**0.5 / 10
    np.testing.assert_allclose(_error_bars(axes, 0), [[0.6 - half, 0.6 + half], [0.25, 0.25]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    text = "a 0.6000 ± 0.1414; b 0.2500, published 0.4000; c not measured, published 0.9000"
    assert text in panel.alternative_text


def test_the_first_row_is_the_top_one() -> None:
    bottom, top = drawn(comparison({"a": [0.5], "b": [0.5]}, {})).get_ylim()
    assert bottom > top


@pytest.mark.parametrize(
    "draw",
    [
        lambda: class_f1([]),
        lambda: class_f1([make_run()], [make_run(f1={"cat": 0.5})]),
        lambda: comparison({}, {}),
        lambda: comparison({"a": []}, {}),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw: Any) -> None:
    with pytest.raises(ValueError, match=r"found .*expected"):
        draw()
