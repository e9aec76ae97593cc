"""The page's comparison of the published numbers with ours on CIFAR-10 images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.baselines.baseline import Baselines
from benchmarks.baselines.published_numbers import PUBLISHED_NUMBERS
from benchmarks.judging.night_results import NightResults
from benchmarks.records.night_folder import measured_runs
from benchmarks.report.drawings import Gallery, gallery
from benchmarks.report.tables import Table
from cifar_models.experiments import EXPERIMENTS, HELD_OUT, PUBLISHED_INPUT_SIZE
from cifar_models.figures.dots import comparison
from cifar_models.figures.learning_curves import published_curves
from cifar_models.figures.style import Panel
from cifar_models.results.run import Run
from cifar_models.results.words import mean_and_deviation, minutes, optimism

DATASETS = {"cifar10": "the official CIFAR-10 files", "cifar10-unofficial": "JPEG copies of the CIFAR-10 images"}
"""Data sets that can be compared with the published numbers, the better one first."""
_NOT_PUBLISHED, _NOT_MEASURED = "not published", "not measured"
_MATCHED_HEADERS = (
    *("experiment", "input", "our accuracy", "with held-out images", "optimism", "our gap", "minutes", "our runs"),
    "model",
)
_HEADERS = (
    *("experiment", "published accuracy", "our accuracy", "with held-out images", "optimism", "published gap"),
    *("our gap", "our runs", "comment"),
)


@dataclass(frozen=True)
class PublishedSection:
    """The published comparison on the page."""

    experiments: Table
    matched: Table
    classes: Sequence[Table]
    figures: Gallery


def comparable_runs(results: NightResults, baselines: Baselines, records: Path) -> dict[str, list[Run]]:
    """Return our runs on CIFAR-10 images, by experiment: the night's, otherwise the measured baseline's.

    Each experiment can have a ``held_out`` variant. ``records`` is the folder with the records of the baselines' runs.
    """
    runs: dict[str, list[Run]] = {}
    if results.night.dataset in DATASETS:
        runs = {one.experiment: list(one.runs) for one in results.experiments if one.runs}
    names = [name for row in EXPERIMENTS for name in (row, f"{row}+{HELD_OUT}")]
    for name in names:
        for dataset in DATASETS:
            if name not in runs and (some := measured_runs(baselines, records, name, dataset)):
                runs[name] = some
    return {name: runs[name] for name in names if name in runs}


def published_panels(runs: Mapping[str, Sequence[Run]]) -> dict[str, Panel]:
    """Return panels of the published and our accuracy and curves, by a short name; ``runs`` is by experiment."""
    curves = {
        name: result.validation_accuracy for name, result in PUBLISHED_NUMBERS.items() if result.validation_accuracy
    }
    return {
        "accuracy": comparison(
            {name: [run.accuracy for run in runs.get(name, ())] for name in PUBLISHED_NUMBERS},
            {name: result.accuracy for name, result in PUBLISHED_NUMBERS.items()},
        ),
        "curves": published_curves(curves, {name: some for name, some in runs.items() if name in curves}),
    }


def published_section(runs: Mapping[str, Sequence[Run]], panels: Sequence[Panel]) -> PublishedSection:
    """Return the comparison of our runs, with the panels of ``published_panels``."""
    return PublishedSection(
        experiments=Table(
            "The five published trainings and ours", _HEADERS, [_row(name, runs) for name in PUBLISHED_NUMBERS]
        ),
        matched=Table(
            "The matched experiments and others beside the published ones",
            _MATCHED_HEADERS,
            [_matched_row(name, runs) for name in runs if name in EXPERIMENTS and name not in PUBLISHED_NUMBERS],
        ),
        classes=[class_table(name, runs.get(name, ())) for name, result in PUBLISHED_NUMBERS.items() if result.f1],
        figures=gallery(panels),
    )


def _row(name: str, runs: Mapping[str, Sequence[Run]]) -> tuple[str, ...]:
    published, ours = PUBLISHED_NUMBERS[name], runs.get(name, ())
    return (
        name,
        f"{published.accuracy:.4f}",
        *_accuracies(name, runs),
        _NOT_PUBLISHED if published.gap is None else f"{published.gap:.3f}",
        mean_and_deviation([run.gap for run in ours]) or _NOT_MEASURED,
        _which(ours),
        published.comment,
    )


def _matched_row(name: str, runs: Mapping[str, Sequence[Run]]) -> tuple[str, ...]:
    ours = runs[name]
    protocol = ours[0].protocol
    return (
        name,
        f"{protocol.get('input_size', PUBLISHED_INPUT_SIZE)} px, {protocol.get('normalization')}",
        *_accuracies(name, runs),
        mean_and_deviation([run.gap for run in ours]),
        "-" if (found := minutes(ours)) is None else f"{found:.1f}",
        _which(ours),
        EXPERIMENTS[name].description,
    )


def _accuracies(name: str, runs: Mapping[str, Sequence[Run]]) -> tuple[str, str, str]:
    """Return our accuracy by the published protocol, that with held-out images, and how far the first lies above."""
    ours = runs.get(name, ())
    held_out = [run for run in runs.get(f"{name}+{HELD_OUT}", ()) if ours and run.dataset == ours[0].dataset]
    accuracies = [mean_and_deviation([run.accuracy for run in some]) for some in (ours, held_out)]
    first, second, difference = (said or _NOT_MEASURED for said in (*accuracies, optimism(ours, held_out)))
    return first, second, difference


def _which(runs: Sequence[Run]) -> str:
    return f"{len(runs)} on {DATASETS[runs[0].dataset]}" if runs else "none"


def class_table(name: str, runs: Sequence[Run]) -> Table:
    """Return a table of the published and our F1 of each class, for an experiment whose F1 is published."""
    published = PUBLISHED_NUMBERS[name]
    rows = [
        (each, f"{f1:.2f}", mean_and_deviation([run.evaluation.classes[each].f1 for run in runs]) or _NOT_MEASURED)
        for each, f1 in published.f1_by_class.items()
    ]
    macro = [fmean(report.f1 for report in run.evaluation.classes.values()) for run in runs]
    rows.append(("macro mean", f"{published.macro_f1:.2f}", mean_and_deviation(macro) or _NOT_MEASURED))
    return Table(f"{name}: F1 of each class", ("class", "published", "ours"), rows)
