"""Draws metrics over the nights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes

from cifar_models.figures.style import BASELINE, BLUE, SKY_BLUE, VERMILION, Panel
from cifar_models.results.words import count

_MOST_DAYS = 4
"""Number of dates that fit below a panel."""


def over_nights(
    nights: Sequence[str],
    values: Mapping[str, Sequence[Sequence[float]]],
    baseline: Mapping[str, Sequence[float | None]],
    changes: Sequence[int] = (),
) -> list[Panel]:
    """Show in a panel for each metric the range and the mean of each night's runs, and the baseline's mean.

    Args:
        nights: labels, such as days, the oldest first; one or more.
        values: by metric with its unit: for each night, the values of its runs, one or more.
        baseline: by metric: for each night, the mean of its baseline, or None. Metrics may be missing.
        changes: the nights, counted from 0, at which the baseline changes; each has a numbered vertical line.

    Raises:
        ValueError: there is no night or metric, a night has no value, or lengths differ.
    """
    if not nights or not values or any(len(some) != len(nights) or not all(some) for some in values.values()):
        raise ValueError(f"nights: found {len(nights)} and values of {[*values]}, expected one or more for each night")
    return [_panel(label, nights, some, baseline.get(label, ()), changes) for label, some in values.items()]


def _panel(
    label: str,
    nights: Sequence[str],
    some: Sequence[Sequence[float]],
    baseline: Sequence[float | None],
    changes: Sequence[int],
) -> Panel:
    means = [fmean(runs) for runs in some]

    def draw(axes: Axes) -> None:
        lowest, highest = [min(runs) for runs in some], [max(runs) for runs in some]
        axes.vlines(range(len(some)), lowest, highest, color=SKY_BLUE, label="range of a night's runs")
        axes.plot(range(len(means)), means, "o-", color=BLUE, markersize=2.5, linewidth=1, label="mean of a night")
        if baseline:
            # From half a night before to half a night after, so that a single night has a line too.
            edges = np.arange(len(baseline) + 1) - 0.5
            known = [np.nan if mean is None else mean for mean in baseline]
            axes.stairs(
                known, edges, baseline=None, color=BASELINE, linewidth=1.5, linestyle="--", label="baseline's mean"
            )
        for number, night in enumerate(changes, start=1):
            name = "new baseline" if number == 1 else "_"
            axes.axvline(night - 0.5, color=VERMILION, linestyle=":", label=name)
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
        every = -(-len(nights) // _MOST_DAYS)
        axes.set_xticks(range(0, len(nights), every), nights[::every])
        axes.set_xlim(-0.75, max(len(nights) - 0.25, 1.25))
        axes.grid(visible=True)

    text = (
        f"{label.capitalize()}: means of {count(nights, 'night')}, {nights[0]} to {nights[-1]}; first {means[0]:.4f}, "
        f"last {means[-1]:.4f}, from {min(means):.4f} to {max(means):.4f}."
    )
    return Panel(f"{label} by night", draw, text)
