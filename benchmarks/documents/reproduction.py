"""Renders the published numbers and ours on the official images, for the page in docs/ on the reproduction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from benchmarks.baselines.baseline import Baselines
from benchmarks.baselines.published_numbers import PUBLISHED_NUMBERS
from benchmarks.records.night_folder import measured_runs
from benchmarks.report.published_section import class_table, published_panels
from benchmarks.report.tables import Table
from benchmarks.statistics.prediction import CONFIDENCE, prediction_half_width
from cifar_models.command_line.output import table
from cifar_models.figures.style import to_png
from cifar_models.results.run import Run
from cifar_models.results.words import mean_and_deviation

DATASET = "cifar10"
FIGURE = "published-curves.png"
"""The figure's file name, beside the page."""
NOT_MEASURED = "Not measured yet."
_PACKAGES = ("tensorflow", "keras", "numpy")


def official_runs(baselines: Baselines, records: Path) -> dict[str, list[Run]]:
    """Return the runs of the measured baselines on the official images, by experiment in the published order."""
    found = {name: measured_runs(baselines, records, name, DATASET) for name in PUBLISHED_NUMBERS}
    return {name: runs for name, runs in found.items() if runs}


def distances(runs: Mapping[str, Sequence[Run]]) -> str:
    """Return a table of the published values, ours, and their distance in standard deviations of one run.

    A published value comes from one run, so it is compared with the prediction interval of one further run of ours.
    """
    headers = (
        *("experiment", "metric", "published", "ours", "runs", "distance"),
        *("in standard deviations", f"inside the {CONFIDENCE:.0%} interval"),
    )
    rows = [
        [f"`{name}`", metric, f"{value:.4f}", *_distance(value, [getattr(run, metric) for run in runs.get(name, ())])]
        for name, training in PUBLISHED_NUMBERS.items()
        for metric, value in (("accuracy", training.accuracy), ("gap", training.gap))
        if value is not None
    ]
    return table(rows, headers, "pipe")


def _distance(published: float, ours: Sequence[float]) -> list[str]:
    if len(ours) < 2:
        return ["not measured", str(len(ours)), "-", "-", "-"]
    distance = published - fmean(ours)
    inside, deviation = abs(distance) <= prediction_half_width(ours), stdev(ours)
    return [
        mean_and_deviation(ours),
        str(len(ours)),
        f"{distance:+.4f}",
        f"{distance / deviation:+.1f}" if deviation else "-",
        "yes" if inside else "no",
    ]


def curves_by_epoch(runs: Mapping[str, Sequence[Run]]) -> str:
    """Return tables of the validation accuracy by epoch.

    Each published curve is in a table beside ours. The experiments without one share the last table.
    """
    tables = []
    without_log: dict[str, list[list[float]]] = {}
    for name, training in PUBLISHED_NUMBERS.items():
        ours = [run.curves.val_accuracy for run in runs.get(name, ())]
        if not ours:
            continue
        if not training.validation_accuracy:
            without_log[name] = ours
            continue
        rows = []
        for epoch in range(max(len(training.validation_accuracy), *map(len, ours))):
            reached = _reached(ours, epoch)
            published = training.validation_accuracy[epoch : epoch + 1]
            rows.append(
                [
                    str(epoch + 1),
                    f"{published[0]:.4f}" if published else "stopped",
                    mean_and_deviation(reached),
                    f"{min(reached):.4f} to {max(reached):.4f}" if reached else "",
                    str(len(reached)),
                ]
            )
        headers = ("epoch", "published", "ours", "lowest to highest", "runs")
        tables.append(_markdown(Table(f"`{name}`: validation accuracy", headers, rows)))
    if without_log:
        epochs = max(len(curve) for ours in without_log.values() for curve in ours)
        rows = [
            [str(epoch + 1), *(mean_and_deviation(_reached(ours, epoch)) for ours in without_log.values())]
            for epoch in range(epochs)
        ]
        names = [f"`{name}`" for name in without_log]
        caption = "Our validation accuracy where the report prints no log"
        tables.append(_markdown(Table(caption, ("epoch", *names), rows)))
    return "\n\n".join(tables) or NOT_MEASURED


def _reached(curves: Sequence[Sequence[float]], epoch: int) -> list[float]:
    """Return the values at an epoch, counted from 0, of the curves that reach it."""
    return [curve[epoch] for curve in curves if len(curve) > epoch]


def classes(runs: Mapping[str, Sequence[Run]]) -> str:
    """Return a table of the published and our F1 of each class, for each published classification report."""
    tables = [
        _markdown(class_table(name, runs[name]))
        for name, training in PUBLISHED_NUMBERS.items()
        if training.f1 and runs.get(name)
    ]
    return "\n\n".join(tables) or NOT_MEASURED


def conditions(runs: Mapping[str, Sequence[Run]]) -> str:
    """Return a table of the seeds, weights, packages and processors of our runs."""
    rows = []
    for name, some in runs.items():
        first = some[0]
        packages = first.environment.packages
        rows.append(
            [
                f"`{name}`",
                f"{first.seed} to {some[-1].seed}",
                f"`{(first.fingerprints.weights or 'none')[:19]}`",
                ", ".join(f"{each} {version}" for each, version in packages.items() if each in _PACKAGES),
                f"{first.environment.processor}, {first.environment.cores or '?'} cores",
                f"{fmean(run.timings.training for run in some):.0f}",
            ]
        )
    headers = ("experiment", "seeds", "weights", "packages", "processor", "seconds a run")
    return table(rows, headers, "pipe") if rows else NOT_MEASURED


def trials(path: Path) -> str:
    """Return a table of the trials on the official images in a file that docs/trials/published.py wrote."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    by_trial: dict[str, list[dict[str, Any]]] = {}
    for record in map(json.loads, lines):
        if record["dataset"] == DATASET:
            by_trial.setdefault(record["trial"], []).append(record)
    rows = [
        [
            trial,
            str(len(some)),
            mean_and_deviation([max(record["val_accuracy"]) for record in some]),
            mean_and_deviation([record["accuracy"][-1] - record["val_accuracy"][-1] for record in some]),
            f"{fmean(len(record['val_accuracy']) for record in some):.1f}",
        ]
        for trial, some in by_trial.items()
    ]
    return table(rows, ("trial", "runs", "accuracy", "gap", "epochs"), "pipe") if rows else NOT_MEASURED


def figure(runs: Mapping[str, Sequence[Run]]) -> str:
    """Return the Markdown image of the published curves and ours, with its alternative text."""
    text = " ".join(panel.alternative_text for panel in published_panels(runs).values())
    return f"![{text}]({FIGURE})"


def png(runs: Mapping[str, Sequence[Run]]) -> bytes:
    """Return this figure as PNG."""
    return to_png([*published_panels(runs).values()])


def _markdown(content: Table) -> str:
    return f"{content.caption}:\n\n{table(content.rows, content.headers, 'pipe')}"
