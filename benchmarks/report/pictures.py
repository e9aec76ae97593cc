"""The page's figures, as images that stand in the page itself."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.baselines.published_report import REPORT
from benchmarks.records.first_difference import first_epochs_apart
from benchmarks.records.history import NightOfExperiment, baseline_changes
from benchmarks.records.night_results import ExperimentResult
from cifar_models.figures import drawings as figures
from cifar_models.figures.drawings import Picture

AXES = {
    "accuracy": "accuracy (share of images)",
    "gap": "gap (share of images)",
    "seconds an epoch": "time an epoch (s)",
}
"""What the axis of a metric is called."""
_PIXELS_PER_INCH = 96


@dataclass(frozen=True)
class Drawing:
    """A figure for the page: a ``data:`` address, a text for those who cannot see it, a caption, its size in pixels."""

    source: str
    alternative_text: str
    caption: str
    width: int
    height: int


def draw(picture: Picture, caption: str) -> Drawing:
    """Return a figure as an SVG image on nothing, so that it stands on a light page and on a dark one."""
    picture.figure.patch.set_alpha(0.0)
    for axes in picture.figure.axes:
        axes.patch.set_alpha(0.0)
    svg = figures.to_svg(picture.figure)
    width, height = picture.figure.get_size_inches() * _PIXELS_PER_INCH
    return Drawing(
        source=f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}",
        alternative_text=picture.alternative_text,
        caption=caption,
        width=round(width),
        height=round(height),
    )


def pictures_of(result: ExperimentResult) -> list[Drawing]:
    """Return what there is to see of one experiment; nothing if it has no run."""
    if not result.runs:
        return []
    drawings = []
    for metric in ("accuracy", "gap"):
        verdict = result.verdict(metric)
        if verdict is None or result.baseline is None:
            continue
        allowed = verdict.baseline - verdict.allowance, verdict.baseline + verdict.allowance
        today = [getattr(run, metric) for run in result.runs]
        picture = figures.interval(AXES[metric], result.baseline.metrics[metric].values, allowed, today, narrow=True)
        drawings.append(draw(picture, f"{metric.capitalize()}: the baseline's runs, what is allowed, and today's."))
    behind = " over the range of the baseline's runs" if result.recorded else ""
    curves = figures.learning_curves(
        {"today": result.runs},
        result.recorded,
        parting=first_epochs_apart(result.recorded, result.runs) if result.failed else {},
        narrow=True,
    )
    drawings.append(draw(curves, f"Learning curves: each of today's runs{behind}."))
    change = ", and how it changed from the baseline's" if result.recorded else ""
    confusion = figures.confusion_matrix(result.runs, result.recorded, narrow=True)
    drawings.append(draw(confusion, f"Confusion matrix, mean of today's runs{change}."))
    published = REPORT[result.experiment].f1_by_class if result.experiment in REPORT else {}
    classes = set(result.runs[0].evaluation.classes)
    shown = bool(classes & set(published))
    f1 = figures.class_f1(result.runs, result.recorded, published if shown else None, narrow=True)
    others = [name for name, there in (("the baseline's", result.recorded), ("the published one", shown)) if there]
    beside = f", beside {' and '.join(others)}" if others else ""
    drawings.append(draw(f1, f"F1 of each class, mean of today's runs{beside}."))
    return drawings


def history_drawing(name: str, some: Sequence[NightOfExperiment]) -> Drawing:
    """Return what there is to see of an experiment's past nights, one or more."""
    picture = figures.over_nights(
        [night.started[:10] for night in some],
        {label: [night.values[metric] for night in some] for metric, label in AXES.items()},
        {
            label: [night.baseline.get(metric) for night in some]
            for metric, label in AXES.items()
            if any(metric in night.baseline for night in some)
        },
        [change.night for change in baseline_changes(some)],
        narrow=True,
    )
    return draw(picture, f"{name}: accuracy, gap and the training's seconds an epoch, night by night.")
