"""Draws the confusion matrix and its change from the baseline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from cifar_models.figures.style import TYPE_SIZE, Panel
from cifar_models.results.run import Run
from cifar_models.results.words import count


def confusion_matrix(runs: Sequence[Run], before: Sequence[Run] = ()) -> list[Panel]:
    """Show for each class the share of its images with each prediction, in percent, as a mean over the runs.

    Args:
        runs: one run or more with the same classes.
        before: runs to compare with, such as a baseline's; a second panel shows the change in percentage points.

    Raises:
        ValueError: there is no run, or the runs have different classes.
    """
    names = class_names(runs, before)
    shares = _shares(runs)
    text = f"Confusion matrix of {len(names)} classes, mean of {count(runs, 'run')}: {_in_words(shares, names)}."
    panels = [_panel("predictions (columns) for the images of each class (%)", shares, names, text)]
    if before:
        change = shares - _shares(before)
        row, column = np.unravel_index(np.abs(change).argmax(), change.shape)
        what = "recognized" if row == column else f"taken for {names[column]}"
        text = (
            f"Change of the confusion matrix from the mean of {count(before, 'baseline run')}; the largest is "
            f"{names[row]} {what}: {change[row, column]:+.1f} percentage points."
        )
        panels.append(_panel("change from the baseline (percentage points)", change, names, text, change=True))
    return panels


def class_names(runs: Sequence[Run], before: Sequence[Run] = ()) -> list[str]:
    """Return the class names of all runs.

    Raises:
        ValueError: there is no run, the runs have different classes, or a confusion matrix has another shape.
    """
    if not runs:
        raise ValueError("figure: found no run, expected one or more")
    names = list(runs[0].evaluation.classes)
    for run in (*runs, *before):
        if list(run.evaluation.classes) != names:
            raise ValueError(
                f"figure: found runs of the classes {', '.join(names)} and of {', '.join(run.evaluation.classes)}, "
                f"expected the same in all"
            )
        confusion = run.evaluation.confusion
        if {len(confusion), *map(len, confusion)} != {len(names)}:
            raise ValueError(
                f"figure: found a confusion matrix of another shape, expected {len(names)} by {len(names)}, the number "
                f"of classes"
            )
    return names


def column_names(names: Sequence[str]) -> list[str]:
    """Return short names for columns: the first or last letters of the names if these differ, otherwise numbers."""
    for ends in (slice(3), slice(4), slice(-1, None), slice(-2, None)):
        if len({name[ends] for name in names}) == len(names):
            return [name[ends] for name in names]
    return [str(number) for number in range(len(names))]


def _panel(
    title: str, values: npt.NDArray[np.float64], names: Sequence[str], text: str, *, change: bool = False
) -> Panel:
    farthest = max(5.0, float(np.abs(values).max()))
    colours, lowest, highest = ("PuOr", -farthest, farthest) if change else ("Blues", 0.0, 100.0)
    short = column_names(names)
    numbered = short[0] == "0" and not names[0].endswith("0")

    def draw(axes: Axes) -> None:
        image = axes.imshow(values, cmap=colours, vmin=lowest, vmax=highest, aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            red, green, blue, _ = image.to_rgba(np.array([value]))[0]
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5  # luma of ITU-R BT.601
            unchanged = change and round(value) == 0
            axes.text(
                column,
                row,
                "" if unchanged else f"{round(value):{'+d' if change else 'd'}}",
                ha="center",
                va="center",
                fontsize=TYPE_SIZE,
                color="white" if dark else "black",
            )
        axes.set_xticks(range(len(names)), short)
        axes.set_yticks(range(len(names)), [f"{i} {name}" for i, name in enumerate(names)] if numbered else names)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)

    return Panel(title, draw, text)


def _shares(runs: Sequence[Run]) -> npt.NDArray[np.float64]:
    """Return each row's shares in percent, as means over the runs; zeros for a class without images."""
    counts = np.array([run.evaluation.confusion for run in runs], np.float64)
    shares: npt.NDArray[np.float64] = (100 * counts / np.maximum(counts.sum(axis=2, keepdims=True), 1)).mean(axis=0)
    return shares


def _in_words(shares: npt.NDArray[np.float64], names: Sequence[str]) -> str:
    right = np.diag(shares)
    best, worst = int(right.argmax()), int(right.argmin())
    wrong = shares - np.diag(right)
    row, column = map(int, np.unravel_index(wrong.argmax(), wrong.shape))
    return (
        f"most often right is {names[best]} ({right[best]:.1f} %), least often {names[worst]} ({right[worst]:.1f} %); "
        f"the most frequent mistake is {names[row]} taken for {names[column]} ({wrong[row, column]:.1f} %)"
    )
