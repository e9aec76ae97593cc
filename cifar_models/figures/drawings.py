"""Figures about runs, each with a sentence that says the same to whoever cannot see it.

The only module that imports matplotlib, and without pyplot: no display is needed, and no figure outlives its use.
Colours are those of Okabe and Ito (2008), which readers with any colour vision can tell apart; markers, dashes and
hatches tell the same things apart without colour.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import fmean, stdev

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from cifar_models.results.run import Run

BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
BLUISH_GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
REDDISH_PURPLE = "#CC79A7"
GREY = "#999999"

SERIES_COLOURS = (BLUE, VERMILION, BLUISH_GREEN, REDDISH_PURPLE, ORANGE, SKY_BLUE, BLACK)  # yellow is faint on white
SERIES_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
OURS, BASELINE, PUBLISHED = BLUE, GREY, ORANGE

DOTS_PER_INCH = 144
"""Of PNG files: twice the usual screen's."""

NARROW_WIDTH = 4.6
"""In inches, of a narrow figure: one that can still be read on a phone, and stands beside another on a wide page."""

_ACCURACY_LABEL = "accuracy (share of images)"
_LOSS_LABEL = "loss (nats)"


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure, and a text that says what it shows, with the numbers that matter."""

    figure: Figure
    alternative_text: str


def learning_curves(
    runs_by_name: Mapping[str, Sequence[Run]],
    band: Sequence[Run] = (),
    *,
    parting: Mapping[str, int | None] = {},
    narrow: bool = False,
) -> Picture:
    """Show accuracy and loss by epoch, from 1: a line a run, solid on validation, dashed on train.

    Args:
        runs_by_name: one run or more under each name of the legend; a name has a colour and a marker of its own.
        band: runs to hold these against, such as a baseline's: from their lowest to their highest value at each epoch,
            over those that reached it; grey on validation, hatched on train.
        parting: by ``val_accuracy`` and ``val_loss``, the epoch since which these curves and the band part; marked.
        narrow: whether the two stand one above the other.

    Raises:
        ValueError: no run at all, or none under a name.
    """
    _require_runs(runs_by_name)
    figure = Figure(figsize=(NARROW_WIDTH, 6.2) if narrow else (10, 4), layout="constrained")
    panels = ((_ACCURACY_LABEL, "accuracy", "val_accuracy"), (_LOSS_LABEL, "loss", "val_loss"))
    for axes, (label, train, validation) in zip(_panels(figure, 2, narrow=narrow), panels, strict=True):
        if band:
            _fill_range(axes, [getattr(run.curves, validation) for run in band], "baseline, validation", hatch=None)
            _fill_range(axes, [getattr(run.curves, train) for run in band], "baseline, train", hatch="////")
        for (name, runs), colour, marker in zip(
            runs_by_name.items(), cycle(SERIES_COLOURS), cycle(SERIES_MARKERS), strict=False
        ):
            for curve, style, what in ((validation, "-", "validation"), (train, "--", "train")):
                for number, run in enumerate(runs):
                    values = getattr(run.curves, curve)
                    axes.plot(
                        range(1, len(values) + 1),
                        values,
                        linestyle=style,
                        linewidth=1.6 if len(runs) == 1 else 1.0,
                        color=colour,
                        marker=marker,
                        markersize=4 if len(runs) == 1 else 2.5,
                        markerfacecolor=colour if curve == validation else "white",
                        label=f"{name}, {what}" if number == 0 else "_",  # one entry of the legend for all runs
                    )
        if epoch := parting.get(validation):
            axes.axvline(epoch, color=VERMILION, linestyle=":", linewidth=2, label="validation parts from the baseline")
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    handles = {
        label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    columns = min(2 if narrow else 4, len(handles))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns, fontsize="small")
    shown = "; ".join(_curves_in_words(name, runs) for name, runs in runs_by_name.items())
    if band:
        shown += f"; behind them, {_curves_in_words('the baseline', band)}"
    parted = [
        f"validation {panel} since epoch {parting[curve]}"
        for panel, curve in (("accuracy", "val_accuracy"), ("loss", "val_loss"))
        if parting.get(curve)
    ]
    if parted:
        shown += f"; they part: {', '.join(parted)}"
    return Picture(figure, f"Accuracy and loss by epoch. {shown}.")


def confusion_matrix(runs: Sequence[Run], before: Sequence[Run] = (), *, narrow: bool = False) -> Picture:
    """Show which share of each label's images is taken for which class, in percent, as the mean over the runs.

    Args:
        runs: one run or more on images of the same classes.
        before: runs to hold these against, such as a baseline's; a second panel shows today's shares less theirs, in
            percentage points.
        narrow: whether the panels stand one above the other.

    Raises:
        ValueError: no run, or runs of other classes.
    """
    names = _class_names([*runs, *before], runs)
    shares = _shares(runs)
    count = 2 if before else 1
    figure = Figure(figsize=(NARROW_WIDTH, 4.5 * count) if narrow else (6.2 * count, 5.6), layout="constrained")
    panels = _panels(figure, count, narrow=narrow)
    _draw_matrix(panels[0], shares, names, colours="Blues", lowest=0, highest=100, form="d")
    panels[0].set_title("share of the label's images (%)")
    words = _confusions_in_words(shares, names)
    text = f"Confusion matrix of {len(names)} classes, mean of {_count(runs, 'run')}: {words}"
    if before:
        change = shares - _shares(before)
        farthest = max(5.0, float(np.abs(change).max()))
        _draw_matrix(panels[1], change, names, colours="PuOr", lowest=-farthest, highest=farthest, form="+d")
        panels[1].set_title("change against the baseline (percentage points)")
        row, column = np.unravel_index(np.abs(change).argmax(), change.shape)
        what = "recognised" if row == column else f"taken for {names[column]}"
        text += (
            f". Against the mean of {_count(before, 'baseline run')}, the largest change is that of {names[row]} "
            f"{what}: {change[row, column]:+.1f} percentage points"
        )
    return Picture(figure, f"{text}.")


def class_f1(
    runs: Sequence[Run],
    before: Sequence[Run] = (),
    published: Mapping[str, float] | None = None,
    *,
    narrow: bool = False,
) -> Picture:
    """Show each class's F1 as a bar, the mean over the runs with their lowest and highest, beside others'.

    Args:
        runs: one run or more on images of the same classes.
        before: runs to hold these against, such as a baseline's.
        published: F1 in [0, 1] by class; classes that it lacks have no such bar.
        narrow: whether the legend stands below.

    Raises:
        ValueError: no run, or runs of other classes.
    """
    names = _class_names([*runs, *before], runs)
    ours = {name: [run.evaluation.classes[name].f1 for run in runs] for name in names}
    series = [("ours", ours, OURS, "")]
    if before:
        theirs = {name: [run.evaluation.classes[name].f1 for run in before] for name in names}
        series.append(("baseline", theirs, BASELINE, "//"))
    if published:
        series.append(("published", {name: [published[name]] for name in names if name in published}, PUBLISHED, ".."))
    figure = Figure(figsize=(NARROW_WIDTH if narrow else 10, 4), layout="constrained")
    axes = figure.subplots()
    _draw_bars(axes, names, series, spread="range")
    _place_legend(figure, axes, below=narrow)
    axes.set_xlabel("class")
    axes.set_ylabel("F1 (0 to 1)")
    axes.set_ylim(0, 1)
    numbers = ", ".join(
        f"{name} " + ", ".join(f"{label} {fmean(values[name]):.2f}" for label, values, *_ in series if name in values)
        for name in names
    )
    return Picture(figure, f"F1 of each class, mean of {_count(runs, 'run')}: {numbers}.")


def comparison_bars(
    ours: Mapping[str, Sequence[float]],
    published: Mapping[str, float],
    label: str = _ACCURACY_LABEL,
    *,
    narrow: bool = False,
) -> Picture:
    """Show each experiment's metric as a bar, our mean plus and minus a standard deviation, beside the published one.

    Args:
        ours: by experiment, the value of each run; a single one has no error bar, an experiment without a run no bar.
        published: by experiment; those that it lacks have no such bar, and those that ``ours`` lacks are left out.
        label: of the axis: the metric with its unit.
        narrow: whether the names stand slanted and the legend below.

    Raises:
        ValueError: no experiment, or one without a value, ours or published.
    """
    if not ours or not all(values or name in published for name, values in ours.items()):
        raise ValueError("comparison: found no value to draw, expected one or more for each experiment")
    measured: Mapping[str, Sequence[float]] = {name: values for name, values in ours.items() if values}
    theirs: Mapping[str, Sequence[float]] = {name: [published[name]] for name in ours if name in published}
    figure = Figure(figsize=(NARROW_WIDTH if narrow else max(5.0, 1.7 * len(ours) + 1), 4), layout="constrained")
    axes = figure.subplots()
    bars = [("ours", measured, OURS, ""), ("published", theirs, PUBLISHED, "..")]
    _draw_bars(axes, list(ours), [entry for entry in bars if entry[1]], spread="deviation")
    _place_legend(figure, axes, below=narrow)
    if narrow:
        axes.tick_params(axis="x", rotation=30)
    axes.set_xlabel("experiment")
    axes.set_ylabel(label)
    numbers = "; ".join(
        f"{name} {_mean_in_words(values)}" + (f", published {published[name]:.4f}" if name in published else "")
        for name, values in ours.items()
    )
    beside = " beside the published" if theirs else ""
    return Picture(figure, f"{label[0].upper()}{label[1:]} of ours{beside}: {numbers}.")


def interval(
    label: str,
    baseline: Sequence[float],
    allowed: tuple[float, float],
    today: Sequence[float],
    *,
    narrow: bool = False,
) -> Picture:
    """Show one metric's runs as dots: the baseline's above, today's below with their mean and where it may lie.

    Args:
        label: of the axis: the metric with its unit.
        baseline: the value of each of its runs, one or more.
        allowed: the lowest and the highest mean of today's runs that passes.
        today: the value of each of today's runs, one or more.
        narrow: whether the legend stands below.

    Raises:
        ValueError: no value, or an interval that ends before it begins.
    """
    lowest, highest = allowed
    if not baseline or not today or not lowest <= highest:
        raise ValueError(
            f"{label}: found {len(baseline)} and {len(today)} values, allowed {lowest} to {highest}; expected one or "
            f"more of each and an interval from its lower to its upper end"
        )
    mean = fmean(today)
    figure = Figure(figsize=(NARROW_WIDTH, 2.3) if narrow else (6.4, 1.9), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(lowest, highest, color=SKY_BLUE, alpha=0.3, label="allowed for today's mean")
    axes.plot(baseline, [1] * len(baseline), "o", color=GREY, markeredgecolor=BLACK, label="baseline run")
    axes.plot(today, [0] * len(today), "D", color=BLUE, label="today's run")
    axes.plot([mean, mean], [-0.35, 0.35], color=VERMILION, linewidth=2.5, label="today's mean")
    axes.set_yticks([1, 0], ["baseline", "today"])
    axes.set_ylim(-0.7, 1.7)
    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(5))  # so that no two labels touch
    axes.grid(axis="x", alpha=0.3)
    _place_legend(figure, axes, below=narrow)
    where = "below" if mean < lowest else "above" if mean > highest else "inside"
    return Picture(
        figure,
        f"{label}: mean of {_count(today, 'run')} today {mean:.4f}, {where} the allowed {lowest:.4f} to {highest:.4f}; "
        f"{_count(baseline, 'baseline run')} from {min(baseline):.4f} to {max(baseline):.4f}.",
    )


def over_nights(
    nights: Sequence[str],
    values: Mapping[str, Sequence[Sequence[float]]],
    baseline: Mapping[str, Sequence[float | None]],
    changes: Sequence[int] = (),
    *,
    narrow: bool = False,
) -> Picture:
    """Show metrics night by night, a panel each: the range of each night's runs, their mean, the baseline's dashed.

    Args:
        nights: what each is called, such as its day, the oldest first; one or more.
        values: by the axis's label, which is the metric with its unit: for each night the value of each run, one or
            more.
        baseline: by some of these labels, the mean of each night's baseline; None where there is none.
        changes: the nights, counted from 0, from which on the baseline is another: an upright line with a number each.
        narrow: whether the width is that of a narrow figure.

    Raises:
        ValueError: no night or metric, a night without a value, or lengths that differ.
    """
    if not nights or not values or any(len(some) != len(nights) or not all(some) for some in values.values()):
        raise ValueError(f"nights: found {len(nights)} and values of {[*values]}, expected one or more for each night")
    size = (NARROW_WIDTH if narrow else 10, 2.1 * len(values) + 0.6)
    figure = Figure(figsize=size, layout="constrained")
    text = []
    for axes, (label, some) in zip(_panels(figure, len(values), narrow=True), values.items(), strict=True):
        means = [fmean(runs) for runs in some]
        axes.vlines(range(len(some)), list(map(min, some)), list(map(max, some)), color=GREY, label="range of its runs")
        axes.plot(range(len(means)), means, "o-", color=BLUE, markersize=2.5, label="mean of a night")
        theirs = [np.nan if mean is None else mean for mean in baseline.get(label, ())]
        if theirs:
            # As steps from half a night before to half a night after, so that a single night has its line too.
            edges = np.arange(len(theirs) + 1) - 0.5
            axes.stairs(theirs, edges, baseline=None, color=BLACK, linestyle="--", label="mean of the baseline")
        for number, night in enumerate(changes, start=1):
            axes.axvline(
                night - 0.5, color=VERMILION, linestyle=":", label="change of the baseline" if number == 1 else "_"
            )
            axes.annotate(
                str(number),
                (night - 0.5, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(3, -3),
                textcoords="offset points",
                va="top",
                color=VERMILION,
                weight="bold",
            )
        axes.set_ylabel(label.replace(" (", "\n("), fontsize="small")
        axes.set_xlim(-0.75, max(len(nights) - 0.25, 1.25))
        axes.grid(alpha=0.3)
        axes.tick_params(labelbottom=False)
        text.append(f"{label}: first {means[0]:.4f}, last {means[-1]:.4f}, from {min(means):.4f} to {max(means):.4f}")
    every = -(-len(nights) // (5 if narrow else 9))
    figure.axes[-1].set_xticks(range(0, len(nights), every), nights[::every], fontsize="small")
    figure.axes[-1].tick_params(labelbottom=True)
    figure.axes[-1].set_xlabel("night")
    _place_legend(figure, figure.axes[0], below=True)
    return Picture(figure, f"Means of {_count(nights, 'night')}, {nights[0]} to {nights[-1]}. {'; '.join(text)}.")


def published_curves(
    published: Mapping[str, Sequence[float]], ours: Mapping[str, Sequence[Run]], *, narrow: bool = False
) -> Picture:
    """Show validation accuracy by epoch, from 1: the published curves as lines, ours as their range and mean.

    Args:
        published: by experiment, a value an epoch, in [0, 1].
        ours: our runs of some of these experiments, one or more each.
        narrow: whether the width is that of a narrow figure.

    Raises:
        ValueError: no published curve, or an experiment of ours without a run.
    """
    if not published or not all(ours.values()):
        raise ValueError("curves: found none, expected one published or more, and one run or more of ours")
    figure = Figure(figsize=(NARROW_WIDTH if narrow else 10, 4.4), layout="constrained")
    axes = figure.subplots()
    text = []
    for (name, curve), colour, marker in zip(
        published.items(), cycle(SERIES_COLOURS), cycle(SERIES_MARKERS), strict=False
    ):
        axes.plot(range(1, len(curve) + 1), curve, "-", color=colour, marker=marker, label=f"{name}, published")
        text.append(f"{name} published, best {max(curve):.4f} at epoch {1 + int(np.argmax(curve))} of {len(curve)}")
        if name in ours:
            curves = [run.curves.val_accuracy for run in ours[name]]
            _fill_range(axes, curves, f"{name}, range of ours", hatch=None, colour=colour)
            shared = min(map(len, curves))
            means = [fmean(values) for values in zip(*(each[:shared] for each in curves), strict=True)]
            axes.plot(range(1, shared + 1), means, "--", color=colour, label=f"{name}, mean of ours")
            text.append(f"mean of {_count(curves, 'run')} of ours, best {max(means):.4f}")
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"validation {_ACCURACY_LABEL}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2 if narrow else 3, fontsize="small")
    return Picture(figure, f"Validation accuracy by epoch. {'; '.join(text)}.")


def text_table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Picture:
    """Show a table as a figure, for where only a picture can be put; its text is the table, row by row.

    Args:
        title: above it.
        headers: one for each column.
        rows: of as many cells.

    Raises:
        ValueError: no row, or one that has not a cell for each header.
    """
    if not rows or any(len(row) != len(headers) for row in rows):
        raise ValueError(f"table: found {len(rows)} rows, expected one or more of {len(headers)} cells each")
    widths = [max(map(len, column)) + 2 for column in zip(headers, *rows, strict=True)]
    figure = Figure(figsize=(0.078 * sum(widths) + 0.3, 0.28 * (len(rows) + 1) + 0.6))
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.96 - 0.35 / figure.get_figheight()))
    axes.set_axis_off()
    table = axes.table(
        [list(row) for row in rows],
        colLabels=list(headers),
        colWidths=[width / sum(widths) for width in widths],
        cellLoc="left",
        colLoc="left",
        edges="horizontal",
        bbox=Bbox.unit(),
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    for column in range(len(headers)):
        table[0, column].set_text_props(weight="bold")
    figure.suptitle(title, x=0.02, ha="left", fontsize=10)
    lines = (", ".join(f"{header} {cell}" for header, cell in zip(headers, row, strict=True)) for row in rows)
    return Picture(figure, f"{title}: {'; '.join(lines)}.")


def to_png(figure: Figure) -> bytes:
    """Return a figure as a PNG file's bytes, the same bytes for the same figure."""
    _settle_layout(figure)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return file.getvalue()


def to_svg(figure: Figure) -> str:
    """Return a figure as an ``<svg>`` element, the same text for the same figure.

    It refers to nothing outside itself: letters are drawn as paths, and there is no document type to be looked up.
    """
    _settle_layout(figure)
    file = io.StringIO()
    without = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context({"svg.hashsalt": "cifar_models", "svg.fonttype": "path"}):
        figure.savefig(file, format="svg", metadata=without)
    text = file.getvalue()
    return text[text.index("<svg") :]


def _panels(figure: Figure, count: int, *, narrow: bool) -> list[Axes]:
    """Return so many axes, one above the other if narrow, else side by side."""
    return list(figure.subplots(*((count, 1) if narrow else (1, count)), squeeze=False).flat)


def _place_legend(figure: Figure, axes: Axes, *, below: bool) -> None:
    """Put the axes' legend beside them, or below the figure."""
    if below:
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(2, len(labels)), fontsize="small")
    else:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize="small")


def _settle_layout(figure: Figure) -> None:
    """Lay the figure out once: matplotlib's constrained layout moves on a little with every drawing."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def _fill_range(
    axes: Axes, curves: Sequence[Sequence[float]], label: str, *, hatch: str | None, colour: str = GREY
) -> None:
    epochs = range(1, max(map(len, curves)) + 1)
    reached = [[curve[epoch - 1] for curve in curves if len(curve) >= epoch] for epoch in epochs]
    axes.fill_between(
        epochs,
        [min(values) for values in reached],
        [max(values) for values in reached],
        facecolor="none" if hatch else colour,
        edgecolor=colour,
        alpha=0.5 if colour == GREY else 0.25,
        hatch=hatch,
        linewidth=0.5,
        label=label,
    )


def _draw_bars(
    axes: Axes,
    names: Sequence[str],
    series: Sequence[tuple[str, Mapping[str, Sequence[float]], str, str]],
    *,
    spread: str,
) -> None:
    """Draw a group of bars for each name, one of each series that knows it: label, values, colour and hatch.

    ``spread`` is what the error bars show: ``range``, lowest to highest, or ``deviation``, a standard deviation.
    """
    width = 0.8 / len(series)
    for number, (label, values, colour, hatch) in enumerate(series):
        known = [position for position, name in enumerate(names) if name in values]
        groups = [values[names[position]] for position in known]
        means = [fmean(group) for group in groups]
        if spread == "range":
            below = [mean - min(group) for mean, group in zip(means, groups, strict=True)]
            above = [max(group) - mean for mean, group in zip(means, groups, strict=True)]
        else:
            below = above = [stdev(group) if len(group) > 1 else 0.0 for group in groups]
        axes.bar(
            [position + (number - (len(series) - 1) / 2) * width for position in known],
            means,
            width,
            color=colour,
            edgecolor="white" if not hatch else BLACK,
            linewidth=0.5,
            hatch=hatch,
            label=label,
            yerr=np.maximum([below, above], 0.0) if any(len(group) > 1 for group in groups) else None,
            error_kw={"capsize": 3, "elinewidth": 1},
        )
    axes.set_xticks(range(len(names)), names, rotation=30 if len(names) > 6 else 0)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)


def _draw_matrix(
    axes: Axes,
    values: npt.NDArray[np.float64],
    names: Sequence[str],
    *,
    colours: str,
    lowest: float,
    highest: float,
    form: str,
) -> None:
    image = axes.imshow(values, cmap=colours, vmin=lowest, vmax=highest)
    for (row, column), value in np.ndenumerate(values):
        red, green, blue, _ = image.to_rgba(np.array([value]))[0]
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5  # luma of ITU-R BT.601
        axes.text(
            column,
            row,
            "" if form.startswith("+") and round(value) == 0 else f"{round(value):{form}}",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if dark else "black",
        )
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("label")


def _require_runs(runs_by_name: Mapping[str, Sequence[Run]]) -> None:
    if not runs_by_name:
        raise ValueError("figure: found no run, expected one or more")
    for name, runs in runs_by_name.items():
        if not runs:
            raise ValueError(f"figure: found no run of {name}, expected one or more")


def _class_names(runs: Sequence[Run], wanted: Sequence[Run]) -> list[str]:
    """Return the names of the classes, which all runs share, and of which each run's confusion matrix is."""
    if not wanted:
        raise ValueError("figure: found no run, expected one or more")
    names = list(wanted[0].evaluation.classes)
    for run in runs:
        if list(run.evaluation.classes) != names:
            raise ValueError(
                f"figure: found runs of the classes {', '.join(names)} and of {', '.join(run.evaluation.classes)}, "
                f"expected the same in all"
            )
        confusion = run.evaluation.confusion
        if {len(confusion), *map(len, confusion)} != {len(names)}:
            raise ValueError(f"figure: found a confusion matrix of another shape than {len(names)} by {len(names)}")
    return names


def _shares(runs: Sequence[Run]) -> npt.NDArray[np.float64]:
    """Return the mean over runs of each row's shares, in percent; a label without images has zeros."""
    counts = np.array([run.evaluation.confusion for run in runs], np.float64)
    shares: npt.NDArray[np.float64] = (100 * counts / np.maximum(counts.sum(axis=2, keepdims=True), 1)).mean(axis=0)
    return shares


def _confusions_in_words(shares: npt.NDArray[np.float64], names: Sequence[str]) -> str:
    right = np.diag(shares)
    best, worst = int(right.argmax()), int(right.argmin())
    wrong = shares - np.diag(right)
    row, column = map(int, np.unravel_index(wrong.argmax(), wrong.shape))
    return (
        f"most often right is {names[best]} ({right[best]:.1f} %), least often {names[worst]} ({right[worst]:.1f} %); "
        f"the commonest mistake is {names[row]} taken for {names[column]} ({wrong[row, column]:.1f} %)"
    )


def _curves_in_words(name: str, runs: Sequence[Run]) -> str:
    fewest, most = min(run.epochs for run in runs), max(run.epochs for run in runs)
    epochs = f"{most} epoch{'s' if most > 1 else ''}" if fewest == most else f"{fewest} to {most} epochs"
    train = fmean(run.curves.accuracy[-1] for run in runs)
    validation = fmean(run.curves.val_accuracy[-1] for run in runs)
    best = fmean(max(run.curves.val_accuracy) for run in runs)
    return (
        f"{name}, {_count(runs, 'run')} of {epochs}: validation accuracy {best:.4f} at its best and {validation:.4f} "
        f"at the end, where train accuracy is {train:.4f}"
    )


def _mean_in_words(values: Sequence[float]) -> str:
    spread = f" ± {stdev(values):.4f}" if len(values) > 1 else ""
    return f"{fmean(values):.4f}{spread}" if values else "not measured"


def _count(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"
