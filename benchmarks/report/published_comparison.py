"""The published comparison as it stood in the report, with our numbers on CIFAR-10 images beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from benchmarks.baselines.baselines import Baselines
from benchmarks.baselines.published_report import REPORT
from benchmarks.records.night_folder import runs_behind
from benchmarks.records.night_results import NightResults
from benchmarks.report.pictures import Drawing, draw
from cifar_models.figures import drawings as figures
from cifar_models.figures.drawings import Picture
from cifar_models.results.run import Run

DATASETS = {"cifar10": "the official CIFAR-10 files", "cifar10-unofficial": "JPEG copies of the CIFAR-10 images"}
"""Data that the report's numbers can be held against, the better first, in words."""
NOT_PUBLISHED, NOT_MEASURED = "not published", "not measured"


@dataclass(frozen=True)
class ClassificationReport:
    """One experiment's published F1 by class with ours beside it; a row of cells for each class."""

    name: str
    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Published:
    """The published comparison on the page; tables are rows of cells."""

    introduction: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    reports: Sequence[ClassificationReport]
    drawings: Sequence[Drawing]


def comparable_runs(results: NightResults, baselines: Baselines, records: Path) -> dict[str, list[Run]]:
    """Return our runs on CIFAR-10 images of each published experiment that has some.

    Those of the night if it trained on such images, else those behind the measured baseline.

    Args:
        results: of the night.
        baselines: as in baselines.json.
        records: the folder with the records of the baselines' own runs.
    """
    runs: dict[str, list[Run]] = {}
    if results.night.dataset in DATASETS:
        runs = {one.experiment: list(one.runs) for one in results.experiments if one.runs}
    for name in REPORT:
        for dataset in DATASETS:
            baseline = baselines.get(name, {}).get(dataset, {}).get("measured")
            if baseline is not None and (some := runs_behind(baseline, records, name, dataset)):
                runs.setdefault(name, some)
    return {name: runs[name] for name in REPORT if name in runs}


def published_comparison(runs: Mapping[str, Sequence[Run]]) -> Published:
    """Return the comparison for the page.

    Args:
        runs: ours on CIFAR-10 images, by experiment.
    """
    captions = {
        "bars": "Accuracy of the five experiments: ours, with a standard deviation, beside the published.",
        "curves": "The published training curves over ours: validation accuracy by epoch.",
    }
    found = pictures(runs)
    return Published(
        introduction=(
            "As it stood in the report: one training each, on the official files, pixels divided by 255. Ours are "
            "means over the runs with their standard deviation; the comments are this suite's."
        ),
        headers=_HEADERS,
        rows=_rows(runs),
        reports=[_report(name, runs.get(name, ())) for name, result in REPORT.items() if result.f1],
        drawings=[draw(found[name], caption) for name, caption in captions.items()],
    )


def pictures(runs: Mapping[str, Sequence[Run]]) -> dict[str, Picture]:
    """Return the comparison's figures by a short name: its tables, bars and curves.

    Args:
        runs: ours on CIFAR-10 images, by experiment.
    """
    curves = {name: result.validation_accuracy for name, result in REPORT.items() if result.validation_accuracy}
    reports = [_report(name, runs.get(name, ())) for name, result in REPORT.items() if result.f1]
    return {
        "table": figures.text_table("The published comparison", _HEADERS, _rows(runs)),
        "bars": figures.comparison_bars(
            {name: [run.accuracy for run in runs.get(name, ())] for name in REPORT},
            {name: result.accuracy for name, result in REPORT.items()},
            narrow=True,
        ),
        "curves": figures.published_curves(
            curves, {name: some for name, some in runs.items() if name in curves}, narrow=True
        ),
        **{
            f"report-{report.name}": figures.text_table(report.caption, report.headers, report.rows)
            for report in reports
        },
    }


_HEADERS = ("experiment", "published accuracy", "our accuracy", "published gap", "our gap", "our runs", "comment")


def _rows(runs: Mapping[str, Sequence[Run]]) -> list[tuple[str, ...]]:
    return [
        (
            name,
            f"{result.accuracy:.4f}",
            _spread([run.accuracy for run in runs.get(name, ())]),
            NOT_PUBLISHED if result.gap is None else f"{result.gap:.3f}",
            _spread([run.gap for run in runs.get(name, ())]),
            f"{len(runs[name])} on {DATASETS[runs[name][0].dataset]}" if name in runs else "none",
            result.comment,
        )
        for name, result in REPORT.items()
    ]


def _report(name: str, runs: Sequence[Run]) -> ClassificationReport:
    result = REPORT[name]
    ours = {each: [run.evaluation.classes[each].f1 for run in runs] for each in result.f1_by_class}
    rows = [(each, f"{published:.2f}", _spread(ours[each])) for each, published in result.f1_by_class.items()]
    macro = [fmean(report.f1 for report in run.evaluation.classes.values()) for run in runs]
    rows.append(("macro mean", f"{result.macro_f1:.2f}", _spread(macro)))
    return ClassificationReport(name, f"{name}: F1 of each class", ("class", "published", "ours"), rows)


def _spread(values: Sequence[float]) -> str:
    if not values:
        return NOT_MEASURED
    return f"{fmean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")
