"""The page's figures, as images inside the page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.baselines.published_numbers import PUBLISHED_NUMBERS
from benchmarks.judging.first_difference import first_epochs_apart
from benchmarks.judging.night_results import ExperimentResult
from benchmarks.records.history import METRICS, NightOfExperiment, baseline_changes
from cifar_models.figures import style
from cifar_models.figures.confusion import confusion_matrix
from cifar_models.figures.dots import class_f1
from cifar_models.figures.history import over_nights
from cifar_models.figures.learning_curves import learning_curves
from cifar_models.figures.style import PANEL_HEIGHT, PANEL_WIDTH, Panel

AXES = {
    "accuracy": "accuracy (share of images)",
    "loss": "loss (nats)",
    "gap": "gap (share of images)",
    "seconds an epoch": "time of an epoch (s)",
}
"""Titles of the metrics' panels."""
_PIXELS_PER_INCH = 96


@dataclass(frozen=True)
class Image:
    """A panel as an image: a ``data:`` address, an alternative text, and the size in pixels."""

    source: str
    alternative_text: str
    width: int = round(PANEL_WIDTH * _PIXELS_PER_INCH)
    height: int = round(PANEL_HEIGHT * _PIXELS_PER_INCH)


@dataclass(frozen=True)
class Gallery:
    """Panels of one size and their shared legend, as labels with the addresses of their symbols."""

    images: Sequence[Image]
    legend: Sequence[tuple[str, str]]


def gallery(panels: Sequence[Panel]) -> Gallery:
    """Return panels as images with a transparent background, for light and dark pages."""
    elements, symbols = style.to_svg(panels)
    return Gallery(
        [Image(_address(svg), panel.alternative_text) for svg, panel in zip(elements, panels, strict=True)],
        [(label, _address(svg)) for label, svg in symbols.items()],
    )


def experiment_panels(result: ExperimentResult, history: Sequence[NightOfExperiment]) -> list[Panel]:
    """Return the panels of one experiment, those of its past nights last; none without a run."""
    if not result.runs:
        return []
    epochs = first_epochs_apart(result.recorded, result.runs) if result.failed else {}
    classes = set(result.runs[0].evaluation.classes)
    published = PUBLISHED_NUMBERS[result.experiment].f1_by_class if result.experiment in PUBLISHED_NUMBERS else {}
    return [
        *learning_curves({"today": result.runs}, result.recorded, differs_since=epochs),
        class_f1(result.runs, result.recorded, published if classes & set(published) else None, name="today"),
        *confusion_matrix(result.runs, result.recorded),
        *(_history_panels(history) if history else ()),
    ]


def _history_panels(history: Sequence[NightOfExperiment]) -> list[Panel]:
    return over_nights(
        [night.started[:10] for night in history],
        {AXES[metric]: [night.values[metric] for night in history] for metric in METRICS},
        {
            AXES[metric]: [night.baseline.get(metric) for night in history]
            for metric in METRICS
            if any(metric in night.baseline for night in history)
        },
        [change.night for change in baseline_changes(history)],
    )


def _address(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
