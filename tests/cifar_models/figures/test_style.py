"""All figures have one style, and become files and elements that stand alone."""

from __future__ import annotations

import re
import struct

import pytest
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text

from cifar_models.datasets.batches import CLASS_NAMES
from cifar_models.figures import style
from cifar_models.figures.confusion import confusion_matrix
from cifar_models.figures.dots import class_f1, comparison
from cifar_models.figures.history import over_nights
from cifar_models.figures.learning_curves import learning_curves, published_curves
from cifar_models.figures.style import DOTS_PER_INCH, PANEL_WIDTH, TYPE_SIZE, Panel, to_png, to_svg
from tests.factories import make_run

pytestmark = pytest.mark.integration


def _every_panel() -> list[Panel]:
    f1 = dict.fromkeys(CLASS_NAMES, 0.5)
    run = make_run(f1=f1, confusion=[[10 * (row == column) for row in range(10)] for column in range(10)])
    nights = [f"2026-01-{day:02}" for day in range(1, 31)]
    return [
        *learning_curves({"a": [run]}, band=[run], differs_since={"val_accuracy": 1}),
        *confusion_matrix([run], [run]),
        class_f1([run], [run], {"cat": 0.5}),
        comparison({"resnet50_finetuned": [0.5, 0.6], "simple_cnn": [0.5]}, {"simple_cnn": 0.6}),
        *over_nights(nights, {"accuracy (share of images)": [[0.5, 0.6]] * 30}, {}, [0, 20]),
        published_curves({"a": [0.5]}, {"a": [run]}),
    ]


def _saved_figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Return the figures that ``to_svg`` saves for every panel, laid out as they were saved."""
    figures: list[Figure] = []

    def watched(figure: Figure) -> str:
        figure.draw_without_rendering()
        figures.append(figure)
        return "<svg/>"

    monkeypatch.setattr(style, "_svg", watched)
    to_svg(_every_panel())
    return [figure for figure in figures if figure.axes]


def _tick_labels(axis: Axis) -> list[Text]:
    """Return the labels that are seen: an axis has further ones beyond its ends."""
    low, high = sorted(axis.get_view_interval())
    places = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
    return [label for place, label in places if low <= place <= high and label.get_text()]


def _words(axes: Axes) -> list[Text]:
    words = [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]  # type: ignore[attr-defined]
    words += [*_tick_labels(axes.xaxis), *_tick_labels(axes.yaxis)]
    return [text for text in words if text.get_text()]


def test_all_panels_have_one_size_and_one_type_size_and_no_word_is_rotated(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = _saved_figures(monkeypatch)
    assert len(figures) == len(_every_panel())
    assert len({tuple(figure.get_size_inches()) for figure in figures}) == 1
    words = [text for figure in figures for axes in figure.axes for text in _words(axes)]
    assert {text.get_fontsize() for text in words} == {TYPE_SIZE}
    assert {text.get_rotation() for text in words} == {0.0}


def test_no_two_labels_of_an_axis_overlap_and_none_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for figure in _saved_figures(monkeypatch):
        (axes,) = figure.axes
        for axis in (axes.xaxis, axes.yaxis):
            inside = [label.get_window_extent() for label in _tick_labels(axis)]
            assert not [1 for i, one in enumerate(inside) for other in inside[:i] if one.overlaps(other)]
        for box in (text.get_window_extent() for text in _words(axes)):
            assert figure.bbox.x0 - 1 <= box.x0
            assert box.x1 <= figure.bbox.x1 + 1


def test_every_panel_says_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    titles = [figure.axes[0].get_title(loc="left") for figure in _saved_figures(monkeypatch)]
    assert titles == [panel.title for panel in _every_panel()]
    for panel in _every_panel():
        assert panel.title
        assert panel.alternative_text.endswith(".")


def test_panels_share_one_legend_with_each_label_once() -> None:
    elements, symbols = to_svg(learning_curves({"a": [make_run()], "b": [make_run()]}))
    assert len(elements) == 2
    assert list(symbols) == ["a, validation", "a, train", "b, validation", "b, train"]
    assert len(set(symbols.values())) == 4


def test_an_element_refers_to_nothing_outside_and_is_the_same_each_time() -> None:
    panels = learning_curves({"a": [make_run()]})
    assert to_svg(panels) == to_svg(learning_curves({"a": [make_run()]}))
    elements, symbols = to_svg(panels)
    for svg in (*elements, *symbols.values()):
        assert svg.startswith("<svg ")
        assert svg.rstrip().endswith("</svg>")
        assert "<text" not in svg
        assert all(reference.startswith("#") for reference in re.findall(r'(?:href="|url\()([^")]*)', svg))
        assert not re.search(r"<metadata|<!DOCTYPE|\d{4}-\d\d-\d\dT", svg)


def test_a_png_has_its_panels_side_by_side_and_no_text_about_its_making() -> None:
    panels = learning_curves({"a": [make_run()]})
    png = to_png(panels)
    assert png == to_png(panels)
    assert png.startswith(b"\x89PNG")
    assert struct.unpack(">II", png[16:24])[0] == int(2 * PANEL_WIDTH * DOTS_PER_INCH)
    assert b"tEXt" not in png
    assert len(png) > len(to_png(panels[:1]))
