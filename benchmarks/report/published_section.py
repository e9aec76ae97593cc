"""The published numbers with ours on CIFAR-10 images beside them, as a part of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.baselines.baseline import Baselines
from benchmarks.baselines.published_numbers import PUBLISHED_NUMBERS
from benchmarks.records.night_folder import runs_behind
from benchmarks.records.night_results import NightResults
from benchmarks.report.drawings import Gallery, gallery
from benchmarks.report.tables import Table
from cifar_models.figures.dots import comparison
from cifar_models.figures.learning_curves import published_curves
from cifar_models.figures.style import Panel
from cifar_models.results.run import Run
from cifar_models.results.words import mean_and_deviation

DATASETS = {"cifar10": "the official CIFAR-10 files", "cifar10-unofficial": "JPEG copies of the CIFAR-10 images"}
"""Data that the published numbers can be compared with, the better first, in words."""
_NOT_PUBLISHED, _NOT_MEASURED = "not published", "not measured"
_HEADERS = ("experiment", "published accuracy", "our accuracy", "published gap", "our gap", "our runs", "comment")


@dataclass(frozen=True)
class PublishedSection:
    """The published comparison on the page."""

    experiments: Table
    classes: Sequence[Table]
    figures: Gallery


def comparable_runs(results: NightResults, baselines: Baselines, records: Path) -> dict[str, list[Run]]:
    """Return our runs on CIFAR-10 images of each published experiment that has some.

    These are the night's if it trained on such images, else those behind the measured baseline.

    Args:
        results: of the night.
        baselines: as in baselines.json.
        records: the folder with the records of the baselines' own runs.
    """
    runs: dict[str, list[Run]] = {}
    if results.night.dataset in DATASETS:
        runs = {one.experiment: list(one.runs) for one in results.experiments if one.runs}
    for name in PUBLISHED_NUMBERS:
        for dataset in DATASETS:
            baseline = baselines.get(name, {}).get(dataset, {}).get("measured")
            if baseline is not None and (some := runs_behind(baseline, records, name, dataset)):
                runs.setdefault(name, some)
    return {name: runs[name] for name in PUBLISHED_NUMBERS if name in runs}


def published_panels(runs: Mapping[str, Sequence[Run]]) -> dict[str, Panel]:
    """Return the accuracy of each experiment and the published curves, ours beside them, by a short name.

    Args:
        runs: ours on CIFAR-10 images, by experiment.
    """
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
    """Return the part of the page.

    Args:
        runs: ours on CIFAR-10 images, by experiment.
        panels: as ``published_panels`` returns them.
    """
    return PublishedSection(
        experiments=Table(
            "The five published trainings and ours", _HEADERS, [_row(name, runs) for name in PUBLISHED_NUMBERS]
        ),
        classes=[class_table(name, runs.get(name, ())) for name, result in PUBLISHED_NUMBERS.items() if result.f1],
        figures=gallery(panels),
    )


def _row(name: str, runs: Mapping[str, Sequence[Run]]) -> tuple[str, ...]:
    published, ours = PUBLISHED_NUMBERS[name], runs.get(name, ())
    return (
        name,
        f"{published.accuracy:.4f}",
        mean_and_deviation([run.accuracy for run in ours]) or _NOT_MEASURED,
        _NOT_PUBLISHED if published.gap is None else f"{published.gap:.3f}",
        mean_and_deviation([run.gap for run in ours]) or _NOT_MEASURED,
        f"{len(ours)} on {DATASETS[ours[0].dataset]}" if ours else "none",
        published.comment,
    )


def class_table(name: str, runs: Sequence[Run]) -> Table:
    """Return the F1 of each class and their mean, as published and ours, of an experiment with published ones."""
    published = PUBLISHED_NUMBERS[name]
    rows = [
        (each, f"{f1:.2f}", mean_and_deviation([run.evaluation.classes[each].f1 for run in runs]) or _NOT_MEASURED)
        for each, f1 in published.f1_by_class.items()
    ]
    macro = [fmean(report.f1 for report in run.evaluation.classes.values()) for run in runs]
    rows.append(("macro mean", f"{published.macro_f1:.2f}", mean_and_deviation(macro) or _NOT_MEASURED))
    return Table(f"{name}: F1 of each class", ("class", "published", "ours"), rows)
