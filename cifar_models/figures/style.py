"""The style of all figures: panels of one size and one font size that share a legend.

Drawings return panels. ``to_png`` puts them side by side in one file, and ``to_svg`` makes an element of each. Nothing
uses pyplot, so no display is needed. Colours are those of Okabe and Ito (2008), which do not depend on colour vision;
markers, dashes and hatches make the same distinctions without colour.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
BLUISH_GREEN = "#009E73"
BLUE = "#0072B2"
VERMILION = "#D55E00"
REDDISH_PURPLE = "#CC79A7"
GREY = "#999999"

SERIES_COLOURS = (BLUE, VERMILION, BLUISH_GREEN, REDDISH_PURPLE, ORANGE, SKY_BLUE, BLACK)  # yellow is faint on white
SERIES_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""One more than colours, so that the eighth series has the first colour and a marker of its own."""


def series_looks() -> Iterator[dict[str, Any]]:
    """Yield a colour and a marker for each series, as arguments of Matplotlib."""
    for colour, marker in zip(cycle(SERIES_COLOURS), cycle(SERIES_MARKERS), strict=False):
        yield {"color": colour, "marker": marker}


OURS, BASELINE, PUBLISHED = BLUE, GREY, ORANGE

PANEL_WIDTH, PANEL_HEIGHT = 4.3, 3.2
"""In inches: a panel is readable on a phone, and three fill a wide page."""
TYPE_SIZE = 8.5
"""Font size of all text, in points."""
DOTS_PER_INCH = 144
"""Resolution of PNG files, twice that of a usual screen."""
ACCURACY_LABEL = "accuracy (share of images)"
LOSS_LABEL = "loss (nats)"

_SETTINGS: Any = {  # Any, because the declared keys depend on matplotlib's version
    "font.size": TYPE_SIZE,
    **{f"{part}.labelsize": TYPE_SIZE for part in ("axes", "xtick", "ytick")},
    "axes.titlesize": TYPE_SIZE,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.fontsize": TYPE_SIZE,
    "legend.frameon": False,
    "grid.alpha": 0.3,
    "hatch.linewidth": 0.5,
    "svg.fonttype": "path",  # letters are drawn, so an SVG needs no font
    "svg.hashsalt": "cifar_models",
}


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes.

    Attributes:
        title: what the panel shows, with the unit; drawn above the axes instead of a rotated axis label.
        draw: draws on empty axes.
        alternative_text: describes the panel with its main numbers, for readers who cannot see it.
    """

    title: str
    draw: Callable[[Axes], None]
    alternative_text: str


def to_png(panels: Sequence[Panel]) -> bytes:
    """Return panels side by side with one legend below, as PNG; equal panels give equal bytes."""
    with mpl.rc_context(_SETTINGS):
        figure = figure_of(panels)
        labels = _legend(figure.axes)
        if labels:
            columns = max(1, int(figure.get_figwidth() / (0.55 + 0.07 * max(map(len, labels)))))
            figure.set_figheight(PANEL_HEIGHT + 0.2 * -(-len(labels) // columns))
            figure.legend(labels.values(), labels.keys(), loc="outside lower center", ncols=columns)
        return _saved(figure, "png", dpi=DOTS_PER_INCH, metadata={"Software": None})


def to_svg(panels: Sequence[Panel]) -> tuple[list[str], dict[str, str]]:
    """Return each panel as an ``<svg>`` element, and the shared legend's symbols, also elements, by label.

    Elements have a transparent background and no external references; equal panels give equal text.
    """
    with mpl.rc_context(_SETTINGS):
        figures = [figure_of([panel]) for panel in panels]
        symbols = {}
        for label, handle in _legend([axes for figure in figures for axes in figure.axes]).items():
            symbol = Figure(figsize=(0.36, 0.16))
            symbol.legend([handle], [""], loc="center", handlelength=2.4, handletextpad=0, borderpad=0)
            symbols[label] = _svg(symbol)
        return [_svg(figure) for figure in figures], symbols


def figure_of(panels: Sequence[Panel]) -> Figure:
    """Return panels drawn side by side, without a legend."""
    figure = Figure(figsize=(PANEL_WIDTH * len(panels), PANEL_HEIGHT), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06)  # type: ignore[union-attr, call-arg]
    for panel, axes in zip(panels, figure.subplots(1, len(panels), squeeze=False).flat, strict=True):
        panel.draw(axes)
        axes.set_title(panel.title)
    return figure


def _legend(some: Sequence[Axes]) -> dict[str, Any]:
    """Return the legend handle of each label of some axes."""
    return {label: handle for axes in some for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}


def _svg(figure: Figure) -> str:
    unused = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    text = _saved(figure, "svg", transparent=True, metadata=unused).decode()
    return text[text.index("<svg") :]  # without the document type, which readers would look up


def _saved(figure: Figure, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format=kind, **options)
    return file.getvalue()
