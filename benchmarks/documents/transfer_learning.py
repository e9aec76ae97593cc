"""Renders accuracy and time by input size, for the page in docs/ on transfer learning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.baselines.baseline import Baselines
from benchmarks.documents.reproduction import DATASET, NOT_MEASURED
from benchmarks.records.night_folder import measured_runs
from cifar_models.command_line.output import table
from cifar_models.experiments import EXPERIMENTS, HELD_OUT
from cifar_models.figures.input_sizes import by_input_size, sweep_of
from cifar_models.figures.style import to_png
from cifar_models.results.run import Run
from cifar_models.results.run_files import read_run, record_name
from cifar_models.results.words import mean_and_deviation, optimism, processor_minutes

FIGURE = "input-sizes.png"
"""The figure's file name, beside the page."""


def matched_runs(baselines: Baselines, records: Path, trials: Path) -> list[Run]:
    """Return the runs on the official images that the figure draws.

    Args:
        baselines: whose measured entries' runs are taken.
        records: folder of the records of these runs.
        trials: folder of further records; a run of an experiment that has a baseline is left out.
    """
    found = {name: measured_runs(baselines, records, name, DATASET) for name in EXPERIMENTS}
    further = [read_run(path) for path in sorted(trials.glob(record_name("*", DATASET, "*")))]
    return [run for runs in found.values() for run in runs] + [run for run in further if not found.get(run.experiment)]


def sizes_table(runs: Sequence[Run]) -> str:
    """Return a table of accuracy and processor minutes by experiment, normalization and input size."""
    if not _drawable(runs):
        return NOT_MEASURED
    rows = [
        [f"`{name}`", f"`{some[0].protocol['normalization']}`", f"{size} px", *_accuracy_and_minutes(some)]
        for name, size, some in sweep_of(runs).rows()
    ]
    headers = ("experiment", "normalization", "input", "runs", "accuracy", "processor minutes")
    return table(rows, headers, "pipe")


def _accuracy_and_minutes(runs: Sequence[Run]) -> list[str]:
    minutes = processor_minutes(runs)
    return [
        str(len(runs)),
        mean_and_deviation([run.accuracy for run in runs]),
        "-" if minutes is None else f"{minutes:.1f}",
    ]


def optimism_table(baselines: Baselines, records: Path) -> str:
    """Return a table of the accuracy that the published way gives, that of an honest split, and their difference."""
    rows = []
    for name in EXPERIMENTS:
        ours, held_out = (measured_runs(baselines, records, each, DATASET) for each in (name, f"{name}+{HELD_OUT}"))
        if ours and held_out:
            accuracies = [mean_and_deviation([run.accuracy for run in some]) for some in (ours, held_out)]
            rows.append([f"`{name}`", *accuracies, optimism(ours, held_out), f"{len(ours)}, {len(held_out)}"])
    headers = ("experiment", "accuracy", "with held-out images", "optimism", "runs")
    return table(rows, headers, "pipe") if rows else NOT_MEASURED


def figure(runs: Sequence[Run]) -> str:
    """Return the Markdown image of both panels, with its alternative text."""
    if not _drawable(runs):
        return NOT_MEASURED
    text = " ".join(panel.alternative_text for panel in by_input_size(sweep_of(runs)).values())
    return f"![{text}]({FIGURE})"


def png(runs: Sequence[Run]) -> bytes | None:
    """Return this figure as PNG; None if there is nothing to draw."""
    return to_png([*by_input_size(sweep_of(runs)).values()]) if _drawable(runs) else None


def _drawable(runs: Sequence[Run]) -> bool:
    return any(run.protocol.get("backbone") for run in runs)
