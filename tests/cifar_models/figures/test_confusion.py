"""The shares of predictions are in the cells, and what stands out in the words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cifar_models.datasets.batches import CLASS_NAMES
from cifar_models.figures.confusion import column_names, confusion_matrix
from tests.cifar_models.figures.panels import drawn, texts_in
from tests.factories import make_run

pytestmark = pytest.mark.integration


def test_a_confusion_matrix_shows_each_class_s_shares_as_the_mean_over_runs() -> None:
    runs = [make_run(confusion=((3, 1), (0, 4))), make_run(confusion=((1, 1), (4, 0)))]
    (panel,) = confusion_matrix(runs)
    axes = drawn(panel)
    np.testing.assert_allclose(np.asarray(axes.images[0].get_array()), [[62.5, 37.5], [50.0, 50.0]])
    assert texts_in(axes) == ["62", "38", "50", "50"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    assert "most often right is cat (62.5 %), least often dog (50.0 %)" in panel.alternative_text
    assert "dog taken for cat (50.0 %)" in panel.alternative_text


def test_a_second_panel_shows_the_change_in_percentage_points() -> None:
    _, change = confusion_matrix([make_run(confusion=((3, 1), (1, 3)))], [make_run(confusion=((4, 0), (1, 3)))])
    assert texts_in(drawn(change)) == ["-25", "+25", "", ""]
    assert "the largest is cat recognized: -25.0 percentage points" in change.alternative_text


def test_a_class_without_images_has_no_shares() -> None:
    assert texts_in(drawn(confusion_matrix([make_run(confusion=((0, 0), (1, 3)))])[0]))[:2] == ["0", "0"]


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (CLASS_NAMES, ["air", "aut", "bir", "cat", "dee", "dog", "fro", "hor", "shi", "tru"]),
        (["ship", "shin"], ["ship", "shin"]),
        (["class 0", "class 1"], ["0", "1"]),
        (["an apple", "an ample"], ["0", "1"]),
    ],
)
def test_the_columns_have_names_that_fit_and_differ(names: list[str], short: list[str]) -> None:
    assert column_names(names) == short


def test_numbered_columns_have_numbered_rows() -> None:
    axes = drawn(confusion_matrix([make_run(f1={"an apple": 0.5, "an ample": 0.5})])[0])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0 an apple", "1 an ample"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: confusion_matrix([]),
        lambda: confusion_matrix([], [make_run()]),
        lambda: confusion_matrix([make_run()], [make_run(f1={"cat": 0.5})]),
        lambda: confusion_matrix([make_run(confusion=[[1, 2]])]),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw: Any) -> None:
    with pytest.raises(ValueError, match=r"found .*(expected|shape)"):
        draw()
