"""Reads the metrics of past nights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.records.night_folder import BaselineMark, nights, read_night_runs
from benchmarks.records.selection import REPEATED_SEED
from benchmarks.statistics.cusum import DriftVerdict
from benchmarks.statistics.verdict import Verdict
from benchmarks.statistics.word import Word
from cifar_models.results.run import Run

METRICS = ("accuracy", "loss", "gap", "seconds an epoch")
"""The metrics of the history. The seconds are of the training, without the features of a frozen part."""
MOST_NIGHTS = 365
RECENT_NIGHTS = 7
"""Number of nights that a recent mean is computed over: enough to average out noise, few enough to be recent."""


@dataclass(frozen=True)
class NightOfExperiment:
    """One experiment in one night.

    Attributes:
        started: start of the night in UTC, as YYYY-MM-DDTHH:MM:SS+00:00.
        seeds: the seed of each run.
        values: by metric in ``METRICS``, the value of each run.
        mark: mark of the night's baseline; None if the experiment was not judged.
        baseline: the baseline's mean of each metric that was judged.
        failed: whether a verdict or a drift of the night is a regression or stale.
    """

    started: str
    seeds: list[int]
    values: dict[str, list[float]]
    mark: BaselineMark | None
    baseline: dict[str, float]
    failed: bool = False


@dataclass(frozen=True)
class BaselineChange:
    """A change of the baseline: the index of the first night with the new baseline, and its mark."""

    night: int
    mark: BaselineMark


@dataclass(frozen=True)
class Drift:
    """The mean over the last ``nights`` nights, each with equal weight, and its difference from the baseline's mean."""

    nights: int
    mean: float
    difference: float


def read_history(run_dir: Path, dataset: str, *, until: str) -> dict[str, list[NightOfExperiment]]:
    """Return the nights of each experiment on a data set, the oldest first, without runs for the exact lane alone.

    Args:
        run_dir: the folder of nights.
        dataset: name of the data set.
        until: start of the last night to read, as in its record. At most ``MOST_NIGHTS`` nights up to it are read.
    """
    some = [(path, night) for path, night in nights(run_dir) if night.dataset == dataset and night.started <= until]
    some.sort(key=lambda night: night[1].started)
    history: dict[str, list[NightOfExperiment]] = {}
    for path, night in some[-MOST_NIGHTS:]:
        repeats = bool(night.selection.keys) and night.first_seed[1]
        all_runs = [run for run in read_night_runs(path)[0] if not repeats or run.seed != REPEATED_SEED]
        for name in dict.fromkeys(run.experiment for run in all_runs):
            runs = [run for run in all_runs if run.experiment == name]
            verdicts = [verdict for verdict in night.verdicts if verdict.experiment == name]
            drifts = [drift for drift in night.drifts if drift.experiment == name]
            mark = night.baselines.get(name)
            entry = night_of_experiment(night.started, runs, mark=mark, verdicts=verdicts, drifts=drifts)
            history.setdefault(name, []).append(entry)
    return history


def night_of_experiment(
    started: str,
    runs: Sequence[Run],
    *,
    mark: BaselineMark | None,
    verdicts: Sequence[Verdict] = (),
    drifts: Sequence[DriftVerdict] = (),
) -> NightOfExperiment:
    """Return the entry of one experiment's runs, verdicts and drifts in a night that started at this time."""
    return NightOfExperiment(
        started,
        [run.seed for run in runs],
        _values(runs),
        mark,
        baseline={verdict.metric: verdict.baseline for verdict in verdicts if verdict.metric in METRICS},
        failed=any(found.word in (Word.REGRESSION, Word.STALE) for some in (verdicts, drifts) for found in some),
    )


def baseline_changes(some: Sequence[NightOfExperiment]) -> list[BaselineChange]:
    """Return the nights with another baseline than the last judged night before them, including the first one."""
    changes: list[BaselineChange] = []
    for number, night in enumerate(some):
        if night.mark is not None and (not changes or night.mark != changes[-1].mark):
            changes.append(BaselineChange(number, night.mark))
    return changes


def recent_drift(some: Sequence[NightOfExperiment], metric: str) -> Drift | None:
    """Return the mean of the last nights with the last baseline; None if there are fewer than two such nights."""
    changes = baseline_changes(some)
    judged = [night for night in some[changes[-1].night :] if metric in night.baseline] if changes else []
    if len(judged) < 2:
        return None
    recent = judged[-RECENT_NIGHTS:]
    mean = fmean(fmean(night.values[metric]) for night in recent)
    return Drift(len(recent), mean, mean - recent[-1].baseline[metric])


def _values(runs: Sequence[Run]) -> dict[str, list[float]]:
    return {
        "accuracy": [run.accuracy for run in runs],
        "loss": [run.loss for run in runs],
        "gap": [run.gap for run in runs],
        "seconds an epoch": [run.timings.training / run.epochs for run in runs],
    }
