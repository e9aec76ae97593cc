"""The published table and ours on the official images, for the page in docs/ that a sceptical reader checks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from tabulate import tabulate

from benchmarks.baselines.baseline import Baselines
from benchmarks.baselines.measure import CONFIDENCE, prediction_half_width
from benchmarks.baselines.published_numbers import PUBLISHED_NUMBERS
from benchmarks.records.night_folder import runs_behind
from benchmarks.report.published_section import class_table, published_panels
from benchmarks.report.tables import Table
from cifar_models.figures.style import to_png
from cifar_models.results.run import Run
from cifar_models.results.words import mean_and_deviation

DATASET = "cifar10"
FIGURE = "published-curves.png"
"""The figure's file, beside the page."""
_PACKAGES = ("tensorflow", "keras", "numpy")


def official_runs(baselines: Baselines, records: Path) -> dict[str, list[Run]]:
    """Return the runs behind the measured baselines on the official images, in the order of the published table.

    Args:
        baselines: as in baselines.json.
        records: the folder with the records of the baselines' runs.
    """
    measured = {name: baselines.get(name, {}).get(DATASET, {}).get("measured") for name in PUBLISHED_NUMBERS}
    return {
        name: runs for name, entry in measured.items() if entry and (runs := runs_behind(entry, records, name, DATASET))
    }


def distances(runs: Mapping[str, Sequence[Run]]) -> str:
    """Return a table: each published value, ours, and how far apart they are in standard deviations of one run.

    A published value comes from one run. So it is held against the prediction interval of one further run of ours;
    see ``prediction_half_width``.

    Args:
        runs: ours on the official images, by experiment; those without runs are not measured yet.
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
    return _pipes(rows, headers)


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
    """Return a table of the validation accuracy by epoch for each published curve, ours beside it."""
    tables = []
    for name, training in PUBLISHED_NUMBERS.items():
        ours = [run.curves.val_accuracy for run in runs.get(name, ())]
        if not training.validation_accuracy or not ours:
            continue
        rows = []
        for epoch in range(max(len(training.validation_accuracy), *map(len, ours))):
            reached = [curve[epoch] for curve in ours if len(curve) > epoch]
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
    return "\n\n".join(tables) or "Not measured yet."


def classes(runs: Mapping[str, Sequence[Run]]) -> str:
    """Return a table of the F1 of each class for each published classification report, ours beside it."""
    tables = [
        _markdown(class_table(name, runs[name]))
        for name, training in PUBLISHED_NUMBERS.items()
        if training.f1 and runs.get(name)
    ]
    return "\n\n".join(tables) or "Not measured yet."


def conditions(runs: Mapping[str, Sequence[Run]]) -> str:
    """Return a table of what our runs were trained on and with."""
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
    return _pipes(rows, headers) if rows else "Not measured yet."


def trials(path: Path) -> str:
    """Return a table of the trials that docs/trials/published.py recorded on the official images, in their order.

    Args:
        path: its file of records, one in JSON a line.
    """
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
    return _pipes(rows, ("trial", "runs", "accuracy", "gap", "epochs")) if rows else "Not measured yet."


def figure(runs: Mapping[str, Sequence[Run]]) -> str:
    """Return the link to the figure of the published curves and ours, with its alternative text."""
    text = " ".join(panel.alternative_text for panel in published_panels(runs).values())
    return f"![{text}]({FIGURE})"


def png(runs: Mapping[str, Sequence[Run]]) -> bytes:
    """Return that figure as a PNG file's bytes."""
    return to_png([*published_panels(runs).values()])


def _markdown(table: Table) -> str:
    return f"{table.caption}:\n\n{_pipes(table.rows, table.headers)}"


def _pipes(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    return str(tabulate(rows, headers, tablefmt="pipe", disable_numparse=True))
