"""An experiment as one row: its metrics, their differences from the baseline, and what the night detects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean

from benchmarks.judging.judge import HIGHER_IS_BETTER, WORST, best_sight
from benchmarks.judging.night_results import ExperimentResult
from benchmarks.records.history import NightOfExperiment, recent_drift
from benchmarks.report.tables import catches, is_plain
from benchmarks.statistics.verdict import Verdict

_METRICS = ("accuracy", "gap", "loss")
"""Metrics that are always shown."""
_STRIP_WIDTH, _MARGIN = 120.0, 6.0


@dataclass(frozen=True)
class Strip:
    """A drawing of one metric's runs on a line, with places from 0 to ``_STRIP_WIDTH``.

    Attributes:
        allowed: the range in which today's mean passes.
        baseline, today: a place for each run.
        mean: the place of today's mean.
        text: description for readers who cannot see the drawing.
    """

    allowed: tuple[float, float]
    baseline: Sequence[float]
    today: Sequence[float]
    mean: float
    text: str


@dataclass(frozen=True)
class Cell:
    """One value of a row: the column's name, the value, its difference from the baseline's, and a drawing."""

    label: str
    value: str = ""
    difference: str = ""
    strip: Strip | None = None


def metrics_of(results: Iterable[ExperimentResult]) -> list[str]:
    """Return the metrics that have a column: those always shown and those judged."""
    judged = [verdict.metric for result in results for verdict in result.verdicts if not is_plain(verdict)]
    return list(dict.fromkeys([*_METRICS, *judged]))


def cells(result: ExperimentResult, metrics: Sequence[str], history: Sequence[NightOfExperiment] = ()) -> list[Cell]:
    """Return an experiment's row without name and verdict: a cell for each of ``metrics_of``, and three more."""
    drift = recent_drift(history, "accuracy")
    sight = best_sight(result.verdicts) or result.verdict("accuracy")
    return [
        *(_metric_cell(result, metric) for metric in metrics),
        Cell("catches", catches(sight) if sight else ""),
        Cell("last nights", f"{drift.difference:+z.4f} over {drift.nights}" if drift else ""),
        Cell("minutes", _mean([run.timings.total / 60 for run in result.runs], 2)),
    ]


def _metric_cell(result: ExperimentResult, metric: str) -> Cell:
    verdict = result.verdict(metric)
    if verdict is None:
        # A metric that is judged need not be an attribute of a run.
        return Cell(metric, _mean([getattr(run, metric) for run in result.runs if hasattr(run, metric)], 4))
    return Cell(metric, f"{verdict.today:.4f}", f"{verdict.effect:+z.4f}", _strip(verdict))


def _strip(verdict: Verdict) -> Strip:
    lowest, highest, allowed = _allowed(verdict)
    ends = (verdict.baseline - verdict.allowance, verdict.baseline + verdict.allowance)
    every = (*ends, verdict.today, *verdict.baseline_values, *verdict.today_values)
    start, end = min(every), max(every)

    def place(value: float) -> float:
        share = (min(max(value, start), end) - start) / ((end - start) or 1.0)
        return round(_MARGIN + share * (_STRIP_WIDTH - 2 * _MARGIN), 1)

    where = "below" if verdict.today < lowest else "above" if verdict.today > highest else "inside"
    return Strip(
        allowed=(place(lowest), place(highest)),
        baseline=[place(value) for value in verdict.baseline_values],
        today=[place(value) for value in verdict.today_values],
        mean=place(verdict.today),
        text=f"{verdict.metric} {verdict.today:.4f}, {where} the allowed {allowed}",
    )


def _allowed(verdict: Verdict) -> tuple[float, float, str]:
    """Return the range in which today's mean passes, and its words; one-sided checks allow any better value."""
    lowest, highest = verdict.baseline - verdict.allowance, verdict.baseline + verdict.allowance
    if verdict.metric in HIGHER_IS_BETTER:
        return lowest, highest, f"{lowest:.4f} to {highest:.4f}"
    if verdict.metric == WORST:
        return lowest, inf, f"{lowest:.4f} or more"
    return -inf, highest, f"{highest:.4f} or less"


def _mean(values: Sequence[float], digits: int) -> str:
    return f"{fmean(values):.{digits}f}" if values else ""
