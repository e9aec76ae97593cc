"""Draws values by name as dots in rows: the F1 of each class, the accuracy of each experiment.

Unlike bars, dots have room for full names and do not need an axis that starts at 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from matplotlib.axes import Axes

from cifar_models.figures.confusion import class_names
from cifar_models.figures.style import ACCURACY_LABEL, BASELINE, OURS, PUBLISHED, Panel
from cifar_models.results.run import Run
from cifar_models.results.words import count, mean_and_deviation


class _Series(NamedTuple):
    label: str
    values: Mapping[str, Sequence[float]]
    colour: str
    marker: str


def class_f1(
    runs: Sequence[Run], before: Sequence[Run] = (), published: Mapping[str, float] | None = None, name: str = "ours"
) -> Panel:
    """Show the F1 of each class: the mean, lowest and highest over the runs.

    Args:
        runs: one run or more with the same classes.
        before: runs to compare with, such as a baseline's.
        published: F1 in [0, 1] by class; some classes may be missing.
        name: the runs' name in the legend.

    Raises:
        ValueError: there is no run, or the runs have different classes.
    """
    names = class_names(runs, before)

    def f1_of(some: Sequence[Run]) -> dict[str, list[float]]:
        return {name: [run.evaluation.classes[name].f1 for run in some] for name in names}

    series = [_Series(name, f1_of(runs), OURS, "o")]
    if before:
        series.append(_Series("baseline", f1_of(before), BASELINE, "s"))
    if published:
        series.append(_Series("published", {each: [published[each]] for each in names if each in published}, *_THEIRS))
    numbers = ", ".join(
        f"{each} " + ", ".join(f"{label} {fmean(values[each]):.2f}" for label, values, *_ in series if each in values)
        for each in names
    )
    return Panel(
        "F1 of each class (0 to 1)",
        lambda axes: _draw(axes, names, series, deviation=False),
        f"F1 of each class, mean of {count(runs, 'run')}: {numbers}.",
    )


def comparison(
    ours: Mapping[str, Sequence[float]], published: Mapping[str, float], label: str = ACCURACY_LABEL
) -> Panel:
    """Show a metric of each experiment: our mean plus and minus a standard deviation, and the published value.

    Args:
        ours: by experiment, the values of the runs; may be empty where a published value exists.
        published: by experiment; experiments that are not in ``ours`` are left out.
        label: the metric with its unit.

    Raises:
        ValueError: there is no experiment, or one has no value at all.
    """
    if not ours or not all(values or name in published for name, values in ours.items()):
        raise ValueError("comparison: found no value to draw, expected one or more for each experiment")
    series = [
        _Series("ours", {name: values for name, values in ours.items() if values}, OURS, "o"),
        _Series("published", {name: [published[name]] for name in ours if name in published}, *_THEIRS),
    ]
    numbers = "; ".join(
        f"{name} {mean_and_deviation(values) or 'not measured'}"
        + (f", published {published[name]:.4f}" if name in published else "")
        for name, values in ours.items()
    )
    return Panel(
        label,
        lambda axes: _draw(axes, list(ours), [each for each in series if each.values], deviation=True),
        f"{label.capitalize()}: {numbers}.",
    )


_THEIRS = (PUBLISHED, "D")


def _draw(axes: Axes, names: Sequence[str], series: Sequence[_Series], *, deviation: bool) -> None:
    """Draw a row for each name with the mean of each series.

    Error bars show the standard deviation, or the range from the lowest to the highest value.
    """
    distance = 0.6 / len(series)
    for number, (label, values, colour, marker) in enumerate(series):
        rows = [row for row, name in enumerate(names) if name in values]
        groups = [values[names[row]] for row in rows]
        means = [fmean(group) for group in groups]
        if deviation:
            below = above = [stdev(group) if len(group) > 1 else 0.0 for group in groups]
        else:
            below = [max(mean - min(group), 0.0) for mean, group in zip(means, groups, strict=True)]
            above = [max(max(group) - mean, 0.0) for mean, group in zip(means, groups, strict=True)]
        axes.errorbar(
            means,
            [row + (number - (len(series) - 1) / 2) * distance for row in rows],
            xerr=[below, above] if any(len(group) > 1 for group in groups) else None,
            linestyle="none",
            marker=marker,
            markersize=4.5,
            elinewidth=1.5,
            color=colour,
            label=label,
        )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")
