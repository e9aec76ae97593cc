"""What the tests of figures share: runs with known curves, and panels drawn alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from cifar_models.figures.style import Panel, figure_of
from cifar_models.results.run import Curves, Run
from tests.factories import make_run


def run_of(val_accuracy: Sequence[float], **options: Any) -> Run:
    """Return a run with these validation accuracies; its other curves differ from them by a constant."""
    curves = Curves(
        loss=[value + 2 for value in val_accuracy],
        accuracy=[value + 0.1 for value in val_accuracy],
        val_loss=[value + 3 for value in val_accuracy],
        val_accuracy=list(val_accuracy),
    )
    return dataclasses.replace(make_run(**options), curves=curves)


def drawn(panel: Panel) -> Axes:
    """Return the axes that a panel draws on."""
    return figure_of([panel]).axes[0]


def lines_of(axes: Axes) -> dict[str, list[tuple[list[float], list[float]]]]:
    """Return the points of each line by label; a line without a label belongs to the one before."""
    found: dict[str, list[tuple[list[float], list[float]]]] = {}
    label = ""
    for line in axes.lines:
        if not str(line.get_label()).startswith("_"):
            label = str(line.get_label())
        xs, ys = line.get_data()
        found.setdefault(label, []).append((list(np.asarray(xs, float)), list(np.asarray(ys, float))))
    return found


def texts_in(axes: Axes) -> list[str]:
    """Return the texts inside the axes."""
    return [text.get_text() for text in axes.texts]
