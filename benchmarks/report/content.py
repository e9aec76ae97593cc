"""Prepares a night for the page's template, as texts, tables and images."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.baselines.published_numbers import PUBLISHED_NUMBERS
from benchmarks.judging.differences import Comparison, compare, differing_first
from benchmarks.judging.night_results import ExperimentResult, NightResults
from benchmarks.records.history import NightOfExperiment, baseline_changes, recent_drift
from benchmarks.report.drawings import Gallery, experiment_panels, gallery
from benchmarks.report.published_section import PublishedSection
from benchmarks.report.rows import Cell, cells, metrics_of
from benchmarks.report.tables import Table, verdict_table
from benchmarks.report.wording import (
    NOT_AVAILABLE,
    NOT_RECORDED,
    answer,
    held_against,
    identical_runs,
    mean_and_range,
    not_trained,
    reasons,
    repeated_runs,
)
from benchmarks.statistics.word import Word
from cifar_models.results.run import Run
from cifar_models.results.words import with_features


@dataclass(frozen=True)
class ExperimentContent:
    """One experiment on the page: its row and the details below it, which are visible at first if ``open``."""

    name: str
    anchor: str
    word: str
    open: bool
    row: Sequence[Cell]
    held_against: str
    reasons: Sequence[str]
    differing: Table
    not_known: str
    comparisons: Table
    verdicts: Table
    costs: Table
    classes: Table
    figures: Gallery
    drifts: Sequence[str]
    changes: Sequence[str]


@dataclass(frozen=True)
class PageContent:
    """The whole page."""

    title: str
    word: str
    answer: str
    notes: Sequence[str]
    columns: Sequence[str]
    experiments: Sequence[ExperimentContent]
    published: PublishedSection
    facts: Sequence[tuple[str, str]]


def page_content(
    results: NightResults, history: Mapping[str, Sequence[NightOfExperiment]], published: PublishedSection
) -> PageContent:
    """Return the content of a night's page; ``history`` has the nights of each experiment up to this one."""
    metrics = metrics_of(results.experiments)
    experiments = [_experiment(one, metrics, history.get(one.experiment, ())) for one in results.experiments]
    return PageContent(
        title=f"Night of {_day(results.night.started)}, {results.night.dataset}",
        word=results.word,
        answer=answer(results.experiments),
        notes=results.notes,
        columns=[cell.label for cell in experiments[0].row] if experiments else [],
        experiments=experiments,
        published=published,
        facts=_facts(results),
    )


def anchor(name: str) -> str:
    """Return the HTML id of an experiment, which is the same every night."""
    return f"experiment-{re.sub(r'[^A-Za-z0-9_-]+', '-', name)}"


def _experiment(
    result: ExperimentResult, metrics: Sequence[str], history: Sequence[NightOfExperiment]
) -> ExperimentContent:
    compared = []
    if result.runs and result.baseline:
        compared = differing_first(compare(result.baseline, result.recorded, result.runs))
    return ExperimentContent(
        name=result.experiment,
        anchor=anchor(result.experiment),
        word=result.word,
        open=bool(result.word != Word.PASS or result.differing),
        row=cells(result, metrics, history),
        held_against=" ".join(filter(None, (held_against(result), identical_runs(result)))),
        reasons=reasons(result),
        differing=Table(
            "What differs from the baseline's runs",
            ("what", "baseline", "today"),
            [_sides(one) for one in compared if one.differs],
        ),
        not_known=", ".join(one.what for one in compared if not one.known),
        comparisons=Table(
            "Differing first, then what was not recorded on one side",
            ("what", "baseline", "today", "compared"),
            [(*_sides(one), "differs" if one.differs else "same" if one.known else "not known") for one in compared],
        ),
        verdicts=verdict_table(result.verdicts),
        costs=_costs(result),
        classes=_classes(result),
        figures=gallery(experiment_panels(result, history)),
        drifts=_drifts(history),
        changes=[
            f"From the night of {_day(history[change.night].started)} on, the baseline {change.mark.source} on "
            f"{change.mark.recorded}: {change.mark.reason}"
            for change in baseline_changes(history)
        ],
    )


def _sides(one: Comparison) -> tuple[str, str, str]:
    return one.what, one.baseline or NOT_RECORDED, one.today or NOT_RECORDED


def _costs(result: ExperimentResult) -> Table:
    costs: list[tuple[str, Callable[[Sequence[Run]], list[float]], int]] = [
        ("epochs", lambda runs: [run.epochs for run in runs], 1),
        ("minutes of training", lambda runs: [run.timings.training / 60 for run in runs], 2),
        ("seconds an epoch", lambda runs: [run.timings.training / run.epochs for run in runs], 1),
        ("minutes for the frozen part's features", _feature_minutes, 2),
        ("peak memory of the process (GB)", lambda runs: [run.peak_memory / 1e9 for run in runs if run.peak_memory], 2),
    ]
    absent = NOT_RECORDED if result.recorded else NOT_AVAILABLE
    rows = []
    for what, cost, digits in costs:
        sides = [cost(side) for side in (result.runs, result.recorded)]
        if any(sides):
            rows.append((what, *(mean_and_range(values, digits) or absent for values in sides)))
    return Table("Epochs, time and memory: mean of the runs (lowest to highest)", ("what", "today", "baseline"), rows)


def _feature_minutes(runs: Sequence[Run]) -> list[float]:
    """Return the minutes for the frozen part's features, of the runs that computed them."""
    return [run.timings.features / 60 for run in with_features([run for run in runs if run.protocol.get("backbone")])]


def _classes(result: ExperimentResult) -> Table:
    published = PUBLISHED_NUMBERS[result.experiment].f1_by_class if result.experiment in PUBLISHED_NUMBERS else {}
    baseline = result.baseline.f1.values if result.baseline and result.baseline.f1 else {}
    rows = [
        (
            name,
            f"{fmean(run.evaluation.classes[name].f1 for run in result.runs):.4f}",
            f"{fmean(baseline[name]):.4f}" if name in baseline else "-",
            f"{published[name]:.2f}" if name in published else "-",
        )
        for name in (result.runs[0].evaluation.classes if result.runs else ())
    ]
    return Table("Mean F1 of each class", ("class", "today", "baseline", "published"), rows)


def _drifts(history: Sequence[NightOfExperiment]) -> list[str]:
    found = []
    for metric in ("accuracy", "gap"):
        if drift := recent_drift(history, metric):
            side = "above" if drift.difference > 0 else "below"
            found.append(
                f"Mean {metric} of the last {drift.nights} nights: {drift.mean:.4f}, {abs(drift.difference):.4f} "
                f"{side} the baseline."
            )
    return found


def _facts(results: NightResults) -> list[tuple[str, str]]:
    night = results.night
    runs = [run for result in results.experiments for run in result.runs]
    facts = [
        ("started", _time(night.started)),
        ("ended", _time(night.ended) if night.ended else NOT_RECORDED),
        ("data", f"{night.dataset}, {night.data}"),
        ("runs", str(len(runs))),
        ("experiments", not_trained(results.experiments) or "all of the table"),
        ("exact lane", repeated_runs(results.experiments) or "no run repeats a recorded one"),
        ("false-alarm rate", f"{night.false_alarm_rate:g} over all checks of the night"),
        ("records", results.folder.resolve().name if results.folder else NOT_RECORDED),
    ]
    several: dict[str, set[str]] = {
        "weights": {run.weights for run in runs},
        "device": {run.environment.device for run in runs},
        "processor": {run.environment.processor for run in runs},
        "packages": {", ".join(map(" ".join, run.environment.packages.items())) for run in runs},
        "python": {run.environment.python for run in runs},
        "git commit": {(run.code.commit if run.code else None) or NOT_RECORDED for run in runs},
    }
    return facts + [(what, "; ".join(sorted(values))) for what, values in several.items() if values]


def _day(time: str) -> str:
    day = datetime.datetime.fromisoformat(time)
    return f"{day.day} {day:%B %Y}"


def _time(time: str) -> str:
    return f"{datetime.datetime.fromisoformat(time):%Y-%m-%d %H:%M} UTC"
