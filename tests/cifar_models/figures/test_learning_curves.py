"""The numbers of runs are in the curves and in the sentences about them; no pixel is looked at."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

from cifar_models.figures.learning_curves import learning_curves, published_curves
from cifar_models.figures.style import series_looks
from tests.cifar_models.figures.panels import drawn, lines_of, run_of

pytestmark = pytest.mark.integration


def test_each_run_s_curves_are_lines_from_epoch_one() -> None:
    runs = {"a": [run_of([0.5, 0.6]), run_of([0.25, 0.5, 0.75])], "b": [run_of([0.1])]}
    accuracy, loss = (lines_of(drawn(panel)) for panel in learning_curves(runs))
    assert accuracy["a, validation"] == [([1, 2], [0.5, 0.6]), ([1, 2, 3], [0.25, 0.5, 0.75])]
    assert accuracy["a, train"] == [([1, 2], [0.6, 0.7]), ([1, 2, 3], [0.35, 0.6, 0.85])]
    assert accuracy["b, validation"] == [([1], [0.1])]
    assert loss["a, validation"][1] == ([1, 2, 3], [3.25, 3.5, 3.75])
    assert loss["a, train"][1] == ([1, 2, 3], [2.25, 2.5, 2.75])


def test_curves_differ_by_more_than_colour() -> None:
    accuracy = drawn(learning_curves({"a": [run_of([0.5, 0.6])], "b": [run_of([0.5, 0.6])]})[0])
    assert len({(line.get_linestyle(), line.get_marker()) for line in accuracy.lines}) == 4
    assert len({tuple(look.values()) for look in islice(series_looks(), 56)}) == 56


def test_a_band_spans_the_lowest_and_highest_of_the_runs_that_reached_an_epoch() -> None:
    band = [run_of([0.3, 0.4, 0.9]), run_of([0.2, 0.6])]
    accuracy = drawn(learning_curves({"a": [run_of([0.5])]}, band=band)[0])
    corners = np.round(np.asarray(accuracy.collections[0].get_paths()[0].vertices), 6).tolist()
    assert {(epoch, value) for epoch, value in corners} == {(1, 0.2), (1, 0.3), (2, 0.4), (2, 0.6), (3, 0.9)}
    assert [str(band.get_label()) for band in accuracy.collections] == ["baseline, validation", "baseline, train"]


def test_the_epoch_since_which_validation_differs_is_marked_where_it_does() -> None:
    accuracy, loss = learning_curves({"a": [run_of([0.5] * 3)]}, differs_since={"val_accuracy": 2, "val_loss": None})
    assert lines_of(drawn(accuracy))["validation differs since"] == [([2, 2], [0, 1])]
    assert accuracy.alternative_text.endswith("outside the baseline's range since epoch 2.")
    assert "validation differs since" not in lines_of(drawn(loss))
    assert "since" not in loss.alternative_text


def test_curves_in_words_say_best_and_last_value_and_the_epochs() -> None:
    band = [run_of([0.25]), run_of([0.5, 0.75])]
    accuracy, loss = (panel.alternative_text for panel in learning_curves({"a": [run_of([0.5, 0.8, 0.75])]}, band=band))
    assert (
        "a, 1 run of 3 epochs: validation 0.8000 at its best and 0.7500 at the end, where train is 0.8500" in accuracy
    )
    assert "the baseline, 2 runs of 1 to 2 epochs: validation 0.5000" in accuracy
    assert "validation 3.5000 at its best and 3.7500 at the end, where train is 2.7500" in loss


def test_published_curves_stand_over_the_range_and_mean_of_ours() -> None:
    ours = {"a": [run_of([0.3, 0.5]), run_of([0.5, 0.6, 0.9])]}
    panel = published_curves({"a": [0.5, 0.75, 0.7], "b": [0.4]}, ours)
    axes = drawn(panel)
    lines = lines_of(axes)
    assert lines["a, published"] == [([1, 2, 3], [0.5, 0.75, 0.7])]
    ((epochs, means),) = lines["a, mean of ours"]
    assert epochs == [1, 2]
    assert means == pytest.approx([0.4, 0.55])
    assert lines["b, published"] == [([1], [0.4])]
    assert [str(band.get_label()) for band in axes.collections] == ["a, range of ours"]
    assert "a published, best 0.7500 at epoch 2 of 3; mean of 2 runs of ours, best 0.5500" in panel.alternative_text


@pytest.mark.parametrize(
    "draw",
    [
        lambda: learning_curves({}),
        lambda: learning_curves({"a": []}),
        lambda: published_curves({}, {}),
        lambda: published_curves({"a": [0.5]}, {"a": []}),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw: Any) -> None:
    with pytest.raises(ValueError, match=r"found .*expected"):
        draw()
