"""A night as the page's template wants it: texts, tables and figures, all plain data."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.baselines.published_report import REPORT
from benchmarks.records.differences import compare, differing_first
from benchmarks.records.history import NightOfExperiment, baseline_changes, recent_drift
from benchmarks.records.judge import CLASS_METRIC
from benchmarks.records.night_folder import BaselineMark
from benchmarks.records.night_results import ExperimentResult, NightResults
from benchmarks.report.pictures import Drawing, history_drawing, pictures_of
from benchmarks.report.published_comparison import Published
from benchmarks.report.wording import answer, mean_and_range, reasons, summary
from benchmarks.statistics.verdict import Verdict

Table = Sequence[Sequence[str]]
VERDICT_HEADERS = ("metric", "verdict", "today", "baseline", "difference", "allowed", "by", "catches", "runs")
NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class ExperimentContent:
    """One experiment on the page; tables are rows of cells."""

    name: str
    anchor: str
    word: str
    sentence: str
    held_against: str
    headline: Sequence[tuple[str, str]]
    reasons: Sequence[str]
    differing: Table
    not_known: str
    comparisons: Table
    verdicts: Table
    costs: Table
    classes: Table
    drawings: Sequence[Drawing]


@dataclass(frozen=True)
class HistoryContent:
    """One experiment's past nights on the page."""

    anchor: str
    drawing: Drawing
    drifts: Sequence[str]
    changes: Sequence[str]


@dataclass(frozen=True)
class PageContent:
    """The whole page."""

    title: str
    word: str
    answer: str
    notes: Sequence[str]
    experiments: Sequence[ExperimentContent]
    histories: Mapping[str, HistoryContent]
    published: Published
    facts: Sequence[tuple[str, str]]


def page_content(
    results: NightResults, history: Mapping[str, Sequence[NightOfExperiment]], published: Published
) -> PageContent:
    """Return the page of a night.

    Args:
        results: of the night.
        history: the nights of each experiment up to this one.
        published: the published comparison.
    """
    night = results.night
    return PageContent(
        title=f"Night of {_day(night.started)}, {night.dataset}",
        word=results.word,
        answer=answer(results.experiments),
        notes=results.notes,
        experiments=[_experiment(result) for result in results.experiments],
        histories={
            result.experiment: _history(result.experiment, history[result.experiment])
            for result in results.experiments
            if result.experiment in history
        },
        published=published,
        facts=_facts(results),
    )


def anchor(kind: str, name: str) -> str:
    """Return the id of a part of the page, the same every night."""
    return f"{kind}-{re.sub(r'[^A-Za-z0-9_-]+', '-', name)}"


def _experiment(result: ExperimentResult) -> ExperimentContent:
    comparisons = []
    if result.runs and result.baseline:
        comparisons = differing_first(compare(result.baseline, result.recorded, result.runs))
    shown = [(one.what, one.baseline or NOT_RECORDED, one.today or NOT_RECORDED) for one in comparisons]
    return ExperimentContent(
        name=result.experiment,
        anchor=anchor("experiment", result.experiment),
        word=result.word,
        sentence=summary(result),
        held_against=_held_against(result),
        headline=headline(result),
        reasons=reasons(result) if result.failed else [],
        differing=[row for row, one in zip(shown, comparisons, strict=True) if one.differs],
        not_known=", ".join(one.what for one in comparisons if not one.known),
        comparisons=[
            (*row, "differs" if one.differs else "same" if one.known else "not known")
            for row, one in zip(shown, comparisons, strict=True)
        ],
        verdicts=[_verdict_row(verdict) for verdict in result.verdicts if _worth_a_line(verdict)],
        costs=_costs(result),
        classes=_classes(result),
        drawings=pictures_of(result),
    )


def _held_against(result: ExperimentResult) -> str:
    if result.mark is None:
        return ""
    runs = f" of {len(result.baseline.seeds)} runs" if result.baseline and result.baseline.seeds else ""
    return f"Held against the {result.mark.source} baseline{runs}, set {result.mark.recorded}: {result.mark.reason}."


def headline(result: ExperimentResult) -> list[tuple[str, str]]:
    """Return the means of accuracy, gap, epochs and minutes, each with the difference that it was judged by, if so."""
    cells = []
    for metric in ("accuracy", "gap"):
        values = [getattr(run, metric) for run in result.runs]
        verdict = result.verdict(metric)
        difference = f"{verdict.effect:+z.4f}" if verdict else ""
        cells.append((f"{fmean(values):.4f}" if values else "", difference))
    epochs = [run.epochs for run in result.runs]
    minutes = [run.timings.total / 60 for run in result.runs]
    return [
        *cells,
        (f"{fmean(epochs):.1f}" if epochs else "", ""),
        (f"{fmean(minutes):.2f}" if minutes else "", ""),
    ]


def _worth_a_line(verdict: Verdict) -> bool:
    return verdict.word != "pass" or not verdict.metric.startswith(CLASS_METRIC)


def _verdict_row(verdict: Verdict) -> tuple[str, ...]:
    return (
        verdict.metric,
        verdict.word,
        f"{verdict.today:.4f}",
        f"{verdict.baseline:.4f}",
        f"{verdict.effect:+z.4f}",
        f"±{verdict.allowance:.4f}",
        verdict.rule,
        "not known" if verdict.smallest_drop is None else f"{verdict.smallest_drop:.4f}",
        str(verdict.runs),
    )


def _costs(result: ExperimentResult) -> Table:
    if not result.runs:
        return []

    absent = NOT_RECORDED if result.recorded else "not at hand"

    def row(what: str, values: Sequence[Sequence[float]], digits: int) -> tuple[str, ...]:
        return (what, *(mean_and_range(some, digits) or absent for some in values))

    sides = (result.runs, result.recorded)
    features = row(
        "minutes for the frozen part's features",
        [[max(run.timings.features for run in side) / 60] if side else [] for side in sides],
        2,
    )
    return [
        row("epochs", [[run.epochs for run in side] for side in sides], 1),
        row("minutes of training", [[run.timings.training / 60 for run in side] for side in sides], 2),
        row("seconds an epoch", [[run.timings.training / run.epochs for run in side] for side in sides], 1),
        *([features] if any(run.protocol.get("backbone") for run in result.runs) else []),
        row(
            "peak memory of the process (GB)",
            [[run.peak_memory / 1e9 for run in side if run.peak_memory is not None] for side in sides],
            2,
        ),
    ]


def _classes(result: ExperimentResult) -> Table:
    if not result.runs:
        return []
    published = REPORT[result.experiment].f1_by_class if result.experiment in REPORT else {}
    baseline = result.baseline.f1.values if result.baseline and result.baseline.f1 else {}
    rows = []
    for name in result.runs[0].evaluation.classes:
        verdict = result.verdict(f"{CLASS_METRIC}{name}")
        rows.append(
            (
                name,
                f"{fmean(run.evaluation.classes[name].f1 for run in result.runs):.4f}",
                f"{fmean(baseline[name]):.4f}" if name in baseline else "-",
                f"{published[name]:.2f}" if name in published else "-",
                f"±{verdict.allowance:.4f}" if verdict else "-",
                verdict.word if verdict else "-",
            )
        )
    return rows


def _history(name: str, some: Sequence[NightOfExperiment]) -> HistoryContent:
    drifts = []
    for metric in ("accuracy", "gap"):
        if drift := recent_drift(some, metric):
            side = "above" if drift.difference > 0 else "below"
            drifts.append(
                f"Mean {metric} of the last {drift.nights} nights: {drift.mean:.4f}, {abs(drift.difference):.4f} "
                f"{side} the baseline."
            )
    return HistoryContent(
        anchor=anchor("history", name),
        drawing=history_drawing(name, some),
        drifts=drifts,
        changes=[_change(some[change.night].started, change.mark) for change in baseline_changes(some)],
    )


def _change(started: str, mark: BaselineMark) -> str:
    return f"From the night of {_day(started)}: {mark.source} on {mark.recorded}. {mark.reason}"


def _facts(results: NightResults) -> list[tuple[str, str]]:
    night = results.night
    runs = [run for result in results.experiments for run in result.runs]
    facts = [
        ("started", _time(night.started)),
        ("ended", _time(night.ended) if night.ended else "not recorded"),
        ("data", f"{night.dataset}, {night.data}"),
        ("runs", str(len(runs))),
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
