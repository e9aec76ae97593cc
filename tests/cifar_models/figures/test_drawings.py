"""The numbers of runs land in the figures, and in the sentences that stand for them; no pixel is looked at."""

from __future__ import annotations

import dataclasses
import re
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from cifar_models.figures.drawings import (
    BASELINE,
    NARROW_WIDTH,
    OURS,
    PUBLISHED,
    SERIES_COLOURS,
    SERIES_MARKERS,
    Picture,
    class_f1,
    comparison_bars,
    confusion_matrix,
    interval,
    learning_curves,
    over_nights,
    published_curves,
    text_table,
    to_png,
    to_svg,
)
from cifar_models.results.run import Curves, Run
from tests.factories import make_run

pytestmark = pytest.mark.integration

NIGHTS = ["2026-01-01", "2026-01-02", "2026-01-03"]
OF_NIGHTS = {
    "accuracy (share of images)": [[0.5, 0.7], [0.6], [0.25, 0.75]],
    "time an epoch (s)": [[3.0], [4.0], [5.0]],
}


def _run(val_accuracy: Sequence[float], **options: Any) -> Run:
    """Return a run of these validation accuracies; its other curves are told apart by their size."""
    curves = Curves(
        loss=[value + 2 for value in val_accuracy],
        accuracy=[value + 0.1 for value in val_accuracy],
        val_loss=[value + 3 for value in val_accuracy],
        val_accuracy=list(val_accuracy),
    )
    return dataclasses.replace(make_run(**options), curves=curves)


def _lines(axes: Axes) -> dict[str, list[tuple[list[float], list[float]]]]:
    found: dict[str, list[tuple[list[float], list[float]]]] = {}
    label = ""
    for line in axes.lines:
        if not str(line.get_label()).startswith("_"):
            label = str(line.get_label())
        xs, ys = line.get_data()
        found.setdefault(label, []).append((list(np.asarray(xs, float)), list(np.asarray(ys, float))))
    return found


def _bars(axes: Axes) -> dict[str, list[tuple[float, float]]]:
    """Return by label the middle and height of each bar."""
    handles: Any
    handles, labels = axes.get_legend_handles_labels()
    return {
        label: [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in handle.patches]
        for handle, label in zip(handles, labels, strict=True)
    }


def _error_bars(axes: Axes) -> list[list[tuple[float, float]]]:
    """Return the lowest and highest of each error bar, a list for each series."""
    return [
        [(segment[0, 1], segment[1, 1]) for segment in collection.get_segments()]  # type: ignore[attr-defined]
        for collection in axes.collections
    ]


def _cells(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_each_run_s_curves_are_lines_from_epoch_one() -> None:
    accuracy, loss = learning_curves({"a": [_run([0.5, 0.6]), _run([0.25, 0.5, 0.75])], "b": [_run([0.1])]}).figure.axes
    lines = _lines(accuracy)
    assert lines["a, validation"] == [([1, 2], [0.5, 0.6]), ([1, 2, 3], [0.25, 0.5, 0.75])]
    assert lines["a, train"] == [([1, 2], [0.6, 0.7]), ([1, 2, 3], [0.35, 0.6, 0.85])]
    assert lines["b, validation"] == [([1], [0.1])]
    lines = _lines(loss)
    assert lines["a, validation"][1] == ([1, 2, 3], [3.25, 3.5, 3.75])
    assert lines["a, train"][1] == ([1, 2, 3], [2.25, 2.5, 2.75])


def test_curves_are_told_apart_without_colour_too() -> None:
    accuracy = learning_curves({"a": [_run([0.5, 0.6])], "b": [_run([0.5, 0.6])]}).figure.axes[0]
    looks = {(line.get_linestyle(), line.get_marker()) for line in accuracy.lines}
    assert len(looks) == 4
    assert len(set(SERIES_COLOURS)) == len(set(SERIES_MARKERS)) == len(SERIES_COLOURS)


def test_a_band_spans_the_lowest_and_highest_of_the_runs_that_reached_an_epoch() -> None:
    accuracy = learning_curves({"a": [_run([0.5])]}, band=[_run([0.3, 0.4, 0.9]), _run([0.2, 0.6])]).figure.axes[0]
    corners = np.round(np.asarray(accuracy.collections[0].get_paths()[0].vertices), 6).tolist()
    assert {(epoch, value) for epoch, value in corners} == {(1, 0.2), (1, 0.3), (2, 0.4), (2, 0.6), (3, 0.9)}
    assert [str(band.get_label()) for band in accuracy.collections] == ["baseline, validation", "baseline, train"]


def test_curves_in_words_say_best_and_last_accuracy_and_the_epochs() -> None:
    text = learning_curves({"a": [_run([0.5, 0.8, 0.75])]}, band=[_run([0.25]), _run([0.5, 0.75])]).alternative_text
    assert "a, 1 run of 3 epochs: validation accuracy 0.8000 at its best and 0.7500 at the end" in text
    assert "train accuracy is 0.8500" in text
    assert "the baseline, 2 runs of 1 to 2 epochs: validation accuracy 0.5000" in text


def test_a_confusion_matrix_shows_each_label_s_shares_as_the_mean_over_runs() -> None:
    runs = [make_run(confusion=((3, 1), (0, 4))), make_run(confusion=((1, 1), (4, 0)))]
    picture = confusion_matrix(runs)
    (axes,) = picture.figure.axes
    np.testing.assert_allclose(np.asarray(axes.images[0].get_array()), [[62.5, 37.5], [50.0, 50.0]])
    assert _cells(axes) == ["62", "38", "50", "50"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    assert "most often right is cat (62.5 %), least often dog (50.0 %)" in picture.alternative_text
    assert "dog taken for cat (50.0 %)" in picture.alternative_text


def test_a_second_panel_shows_the_change_in_percentage_points() -> None:
    picture = confusion_matrix([make_run(confusion=((3, 1), (1, 3)))], [make_run(confusion=((4, 0), (1, 3)))])
    assert _cells(picture.figure.axes[1]) == ["-25", "+25", "", ""]
    assert "the largest change is that of cat recognised: -25.0 percentage points" in picture.alternative_text


def test_a_label_without_images_has_no_shares() -> None:
    assert _cells(confusion_matrix([make_run(confusion=((0, 0), (1, 3)))]).figure.axes[0])[:2] == ["0", "0"]


def test_f1_bars_are_means_beside_the_baseline_s_and_the_published() -> None:
    ours = [make_run(f1={"cat": 0.5, "dog": 0.75}), make_run(f1={"cat": 0.75, "dog": 0.75})]
    picture = class_f1(ours, [make_run(f1={"cat": 0.25, "dog": 0.5})], {"dog": 0.4})
    (axes,) = picture.figure.axes
    bars = _bars(axes)
    assert [height for _, height in bars["ours"]] == [0.625, 0.75]
    assert [height for _, height in bars["baseline"]] == [0.25, 0.5]
    assert [(round(middle), height) for middle, height in bars["published"]] == [(1, 0.4)]
    np.testing.assert_allclose(_error_bars(axes)[0], [(0.5, 0.75), (0.75, 0.75)])
    assert "cat ours 0.62, baseline 0.25, dog ours 0.75, baseline 0.50, published 0.40" in picture.alternative_text
    handles: list[Any] = axes.get_legend_handles_labels()[0]
    colours = [handle.patches[0].get_facecolor()[:3] for handle in handles]
    assert colours == [to_rgb(OURS), to_rgb(BASELINE), to_rgb(PUBLISHED)]


def test_experiments_are_compared_with_the_published_and_their_own_standard_deviation() -> None:
    picture = comparison_bars({"a": [0.5, 0.7], "b": [0.25]}, {"b": 0.4, "c": 0.9})
    (axes,) = picture.figure.axes
    bars = _bars(axes)
    assert [height for _, height in bars["ours"]] == pytest.approx([0.6, 0.25])
    assert [(round(middle), height) for middle, height in bars["published"]] == [(1, 0.4)]
    half = 2**0.5 / 10
    np.testing.assert_allclose(_error_bars(axes)[0], [(0.6 - half, 0.6 + half), (0.25, 0.25)])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b"]
    assert "a 0.6000 ± 0.1414; b 0.2500, published 0.4000" in picture.alternative_text


def test_an_interval_shows_every_run_and_where_today_s_mean_may_lie() -> None:
    picture = interval("accuracy", [0.7, 0.72], (0.69, 0.75), [0.5, 0.6])
    (axes,) = picture.figure.axes
    lines = {label: data[0][0] for label, data in _lines(axes).items()}
    assert lines == {"baseline run": [0.7, 0.72], "today's run": [0.5, 0.6], "today's mean": [0.55, 0.55]}
    span = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert (span.x0, span.x1) == pytest.approx((0.69, 0.75))
    assert "mean of 2 runs today 0.5500, below the allowed 0.6900 to 0.7500" in picture.alternative_text
    assert "2 baseline runs from 0.7000 to 0.7200" in picture.alternative_text


@pytest.mark.parametrize(("today", "where"), [(0.69, "inside"), (0.75, "inside"), (0.76, "above")])
def test_the_interval_includes_its_ends(today: float, where: str) -> None:
    assert f"{where} the allowed" in interval("accuracy", [0.7], (0.69, 0.75), [today]).alternative_text


def _every_picture() -> list[Picture]:
    run = make_run()
    return [
        learning_curves({"a": [run]}, band=[run]),
        confusion_matrix([run], [run]),
        class_f1([run], [run], {"cat": 0.5}),
        comparison_bars({"a": [0.5]}, {"a": 0.6}),
        interval("accuracy (share of images)", [0.5], (0.4, 0.6), [0.5]),
        published_curves({"a": [0.5]}, {"a": [run]}),
    ]


def test_every_axis_says_what_it_shows() -> None:
    for picture in _every_picture():
        for axes in picture.figure.axes:
            assert axes.get_xlabel()
            assert axes.get_ylabel() or [label.get_text() for label in axes.get_yticklabels()] == ["baseline", "today"]
        assert picture.alternative_text.endswith(".")


@pytest.mark.parametrize(
    "draw",
    [
        lambda: learning_curves({}),
        lambda: learning_curves({"a": []}),
        lambda: confusion_matrix([]),
        lambda: confusion_matrix([], [make_run()]),
        lambda: class_f1([make_run()], [make_run(f1={"cat": 0.5})]),
        lambda: comparison_bars({}, {}),
        lambda: comparison_bars({"a": []}, {}),
        lambda: interval("accuracy", [], (0, 1), [0.5]),
        lambda: interval("accuracy", [0.5], (1, 0), [0.5]),
        lambda: over_nights([], {"a": []}, {}),
        lambda: over_nights(NIGHTS, {}, {}),
        lambda: over_nights(NIGHTS, {"a": [[0.5], [], [0.5]]}, {}),
        lambda: over_nights(NIGHTS, {"a": [[0.5]]}, {}),
        lambda: published_curves({}, {}),
        lambda: published_curves({"a": [0.5]}, {"a": []}),
        lambda: text_table("a", ["b"], []),
        lambda: text_table("a", ["b"], [["c", "d"]]),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw: Any) -> None:
    with pytest.raises(ValueError, match=r"found .*expected"):
        draw()


@pytest.fixture(scope="module")
def figure() -> Figure:
    return _curves()


def _curves() -> Figure:
    return learning_curves({"a": [make_run()]}).figure  # whose layout matplotlib would move with every drawing


def test_a_png_has_the_figure_s_size_and_no_text_of_its_making(figure: Figure) -> None:
    png = to_png(figure)
    assert png == to_png(figure)
    assert png.startswith(b"\x89PNG")
    assert struct.unpack(">II", png[16:24]) == (10 * 144, 4 * 144)
    assert b"tEXt" not in png


def test_an_svg_is_one_element_that_refers_to_nothing_outside(figure: Figure) -> None:
    svg = to_svg(figure)
    assert svg == to_svg(figure) == to_svg(_curves())
    assert svg.startswith("<svg ")
    assert svg.rstrip().endswith("</svg>")
    assert "<text" not in svg
    assert "<image" not in svg
    assert all(reference.startswith("#") for reference in re.findall(r'(?:href="|url\()([^")]*)', svg))
    assert not re.search(r"<metadata|<!DOCTYPE|\d{4}-\d\d-\d\dT", svg)


def test_nights_are_a_line_of_means_over_the_range_of_their_runs() -> None:
    picture = over_nights(NIGHTS, OF_NIGHTS, {"accuracy (share of images)": [None, 0.65, 0.55]}, [0, 2])
    accuracy, time = picture.figure.axes
    ((places, means),) = _lines(accuracy)["mean of a night"]
    assert places == [0, 1, 2]
    assert means == pytest.approx([0.6, 0.6, 0.5])
    ranges: Any = accuracy.collections[0]
    np.testing.assert_allclose(
        [[low, high] for (_, low), (_, high) in ranges.get_segments()], [[0.5, 0.7], [0.6, 0.6], [0.25, 0.75]]
    )
    (steps,) = [patch for patch in accuracy.patches if isinstance(patch, StepPatch)]
    assert list(steps.get_data()[0]) == pytest.approx([np.nan, 0.65, 0.55], nan_ok=True)
    assert _lines(accuracy)["change of the baseline"] == [([-0.5, -0.5], [0, 1]), ([1.5, 1.5], [0, 1])]
    assert _cells(accuracy) == ["1", "2"]
    assert not [patch for patch in time.patches if isinstance(patch, StepPatch)]
    assert "accuracy (share of images): first 0.6000, last 0.5000, from 0.5000 to 0.6000" in picture.alternative_text
    assert "3 nights, 2026-01-01 to 2026-01-03" in picture.alternative_text


def test_a_year_of_nights_has_no_more_days_on_its_axis_than_fit() -> None:
    picture = over_nights([str(day) for day in range(365)], {"a": [[0.5]] * 365}, {}, narrow=True)
    assert len(picture.figure.axes[-1].get_xticks()) <= 5


def test_published_curves_stand_over_the_range_and_mean_of_ours() -> None:
    picture = published_curves({"a": [0.5, 0.75, 0.7], "b": [0.4]}, {"a": [_run([0.3, 0.5]), _run([0.5, 0.6, 0.9])]})
    (axes,) = picture.figure.axes
    lines = _lines(axes)
    assert lines["a, published"] == [([1, 2, 3], [0.5, 0.75, 0.7])]
    ((epochs, means),) = lines["a, mean of ours"]
    assert epochs == [1, 2]
    assert means == pytest.approx([0.4, 0.55])
    assert lines["b, published"] == [([1], [0.4])]
    assert [str(band.get_label()) for band in axes.collections] == ["a, range of ours"]
    assert "a published, best 0.7500 at epoch 2 of 3; mean of 2 runs of ours, best 0.5500" in picture.alternative_text


def test_a_table_is_drawn_cell_for_cell_and_said_row_by_row() -> None:
    picture = text_table("Numbers", ["name", "value"], [["a", "0.5"], ["b", "0.6"]])
    (table,) = picture.figure.axes[0].tables
    assert [cell.get_text().get_text() for _, cell in sorted(table.get_celld().items())] == [
        *("name", "value", "a", "0.5", "b", "0.6"),
    ]
    assert picture.alternative_text == "Numbers: name a, value 0.5; name b, value 0.6."


def test_the_epoch_since_which_validation_parts_is_marked() -> None:
    picture = learning_curves({"a": [_run([0.5, 0.6])]}, [_run([0.7, 0.8])], parting={"val_accuracy": 2, "loss": 1})
    accuracy, loss = picture.figure.axes
    assert _lines(accuracy)["validation parts from the baseline"] == [([2, 2], [0, 1])]
    assert "validation parts from the baseline" not in _lines(loss)
    assert "they part: validation accuracy since epoch 2." in picture.alternative_text


def test_an_experiment_that_was_not_measured_has_its_published_bar_alone() -> None:
    picture = comparison_bars({"a": [0.5], "b": []}, {"a": 0.4, "b": 0.6})
    bars = _bars(picture.figure.axes[0])
    assert [height for _, height in bars["ours"]] == [0.5]
    assert [height for _, height in bars["published"]] == [0.4, 0.6]
    assert "b not measured, published 0.6000" in picture.alternative_text


def test_a_narrow_figure_is_as_wide_as_a_phone_and_its_panels_stand_one_above_the_other() -> None:
    run = make_run()
    narrow = [
        learning_curves({"a": [run]}, [run], narrow=True),
        confusion_matrix([run], [run], narrow=True),
        class_f1([run], narrow=True),
        comparison_bars({"a": [0.5]}, {}, narrow=True),
        interval("accuracy", [0.5], (0.4, 0.6), [0.5], narrow=True),
        over_nights(NIGHTS, OF_NIGHTS, {}, narrow=True),
        published_curves({"a": [0.5]}, {}, narrow=True),
    ]
    assert {picture.figure.get_figwidth() for picture in narrow} == {NARROW_WIDTH}
    for picture in narrow:
        assert {axes.get_subplotspec().colspan.stop for axes in picture.figure.axes} == {1}  # type: ignore[union-attr]
