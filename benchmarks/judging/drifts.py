"""Finds drifts from the baseline over several nights, even if no single night fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.baselines.baseline import Baseline
from benchmarks.judging.judge import HEADLINE, HIGHER_IS_BETTER
from benchmarks.records.history import NightOfExperiment
from benchmarks.records.night_folder import BaselineMark
from benchmarks.statistics.cusum import DRIFT_ALARM_RATE, DriftVerdict, find_drift
from benchmarks.statistics.word import Word


def judge_history(
    history: Mapping[str, Sequence[NightOfExperiment]],
    baselines: Mapping[str, Baseline],
    *,
    false_alarm_rate: float = DRIFT_ALARM_RATE,
) -> list[DriftVerdict]:
    """Return the drifts in the nights that were compared with today's baselines.

    Seeds of the baseline or of an earlier night do not count, because they are not new evidence. Nights that failed, by
    a verdict or by a drift, do not count either: they were red already, and would keep the nights red after the fault
    is mended.

    Args:
        history: nights by experiment, the oldest first; see ``read_history``.
        baselines: baselines by experiment; published ones have no spread and are not checked.
        false_alarm_rate: probability per night of a first false alarm, over all experiments and metrics.
    """
    charts = [
        (name, metric, values)
        for name, baseline in baselines.items()
        if baseline.source == "measured"
        for metric in HEADLINE
        if metric in baseline.metrics
        for values in [_evidence(history.get(name, ()), baseline, metric)]
    ]
    found = []
    for name, metric, nights in charts:
        drift = find_drift(
            baselines[name].metrics[metric].values,
            [values for _, values in nights],
            false_alarm_rate=false_alarm_rate / len(charts),
        )
        if drift:
            better = drift.rises == HIGHER_IS_BETTER[metric]
            found.append(
                DriftVerdict(
                    experiment=name,
                    metric=metric,
                    word=Word.STALE if better else Word.REGRESSION,
                    size=drift.size,
                    began=nights[drift.began][0],
                    nights=len(nights) - drift.began,
                )
            )
    return found


def _evidence(nights: Sequence[NightOfExperiment], baseline: Baseline, metric: str) -> list[tuple[str, list[float]]]:
    """Return start and new values of each night that was compared with the baseline, passed, and has new values."""
    mark = BaselineMark.of(baseline)
    seen = set(baseline.seeds)
    evidence = []
    for night in nights:
        if night.mark != mark or night.failed:
            continue
        values = [value for seed, value in zip(night.seeds, night.values[metric], strict=True) if seed not in seen]
        seen.update(night.seeds)
        if values:
            evidence.append((night.started, values))
    return evidence
