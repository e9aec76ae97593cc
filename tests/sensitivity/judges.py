"""Four ways to judge the same runs: two nights of this suite, and two bounds that other projects set by hand.

Each judge is a function of the baseline's runs and today's; it returns what it found, or nothing where the runs pass.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from statistics import fmean

from benchmarks.baselines.measure import measured_baseline
from benchmarks.inputs.settings import default_looks
from benchmarks.judging.judge import checks_of
from benchmarks.statistics.verdict import Check, Verdict, judge_night
from cifar_models.results.agreement import disagreements
from cifar_models.results.run import Run

Judge = Callable[[Sequence[Run], Sequence[Run]], str]

EXPERIMENTS = 5
"""In a night: one experiment alone is judged at its part of the night's false-alarm rate."""
RATE = 0.01
BOUND = 0.05
FORMER_RUNS, FORMER_SEEDS = 10, 3
FORMER_TOLERANCES = {"accuracy": 0.01, "gap": 0.01}
FORMER_CLASS_TOLERANCE = 0.02


def night(baseline: Sequence[Run], today: Sequence[Run]) -> str:
    """Judge as a night does: each run against itself, then all checks of the experiment.

    ``today`` has the runs of the first look, and those of the second if the first leaves a verdict undecided.
    """
    for run in today:
        if found := disagreements(run):
            return f"law: {found[0].partition(': ')[2]}"
    first, most = default_looks("synthetic", today[0].experiment)
    verdicts = _judge_at_looks(baseline, today[:first])
    if any(verdict.seeds_wanted for verdict in verdicts):
        verdicts = _judge_at_looks(baseline, today[:most])
    return _first_failure(verdicts)


def wants_more(baseline: Sequence[Run], today: Sequence[Run]) -> bool:
    """Return whether a night with these runs at its first look trains further seeds."""
    return any(verdict.seeds_wanted for verdict in _judge_at_looks(baseline, today))


def _judge_at_looks(baseline: Sequence[Run], today: Sequence[Run]) -> list[Verdict]:
    entry = measured_baseline(baseline, reason="a comparison of judges", day=datetime.date(2025, 1, 1))
    looks = default_looks("synthetic", today[0].experiment)
    return judge_night(checks_of(today, entry), false_alarm_rate=RATE / EXPERIMENTS, looks=looks)


def former_night(baseline: Sequence[Run], today: Sequence[Run]) -> str:
    """Judge as nights did before: three seeds against ten runs, accuracy, gap and each class's F1."""
    baseline, today = baseline[:FORMER_RUNS], today[:FORMER_SEEDS]
    checks = [
        Check(
            experiment=today[0].experiment,
            metric=metric,
            baseline=tuple(getattr(run, metric) for run in baseline),
            today=tuple(getattr(run, metric) for run in today),
            tolerance=tolerance,
            higher_is_better=metric == "accuracy",
        )
        for metric, tolerance in FORMER_TOLERANCES.items()
    ]
    checks += [
        Check(
            experiment=today[0].experiment,
            metric=f"F1 of {name}",
            baseline=tuple(run.evaluation.classes[name].f1 for run in baseline),
            today=tuple(run.evaluation.classes[name].f1 for run in today),
            tolerance=FORMER_CLASS_TOLERANCE,
            higher_is_better=True,
            family="secondary",
        )
        for name in today[0].evaluation.classes
    ]
    return _first_failure(judge_night(checks, false_alarm_rate=RATE / EXPERIMENTS))


def fixed_bound(baseline: Sequence[Run], today: Sequence[Run]) -> str:
    """Fail if the first run's accuracy is more than five points from the baseline's mean in either direction."""
    accuracy = today[0].accuracy
    return "accuracy" if abs(accuracy - fmean(run.accuracy for run in baseline)) > BOUND else ""


def extremes(baseline: Sequence[Run], today: Sequence[Run]) -> str:
    """Fail if the first run's accuracy or gap is outside the extremes of ten runs by more than 5 % of their values."""
    for metric in ("accuracy", "gap"):
        values = [getattr(run, metric) for run in baseline[:FORMER_RUNS]]
        low, high = min(values), max(values)
        if not low - BOUND * abs(low) <= getattr(today[0], metric) <= high + BOUND * abs(high):
            return metric
    return ""


JUDGES: dict[str, Judge] = {
    "night": night,
    "former night": former_night,
    "fixed bound of 5 points": fixed_bound,
    "extremes of ten runs and 5 %": extremes,
}
TRAINED: dict[str, int | None] = {
    "night": None,
    "former night": FORMER_SEEDS,
    "fixed bound of 5 points": 1,
    "extremes of ten runs and 5 %": 1,
}
"""How many of a night's seeds each judge looks at; None for those of its first look."""


def _first_failure(verdicts: Sequence[Verdict]) -> str:
    """Return metric and word of the most significant check that fails."""
    failed = [verdict for verdict in verdicts if verdict.word != "pass"]
    failed.sort(key=lambda verdict: verdict.p_value or 0.0)
    return f"{failed[0].metric}: {failed[0].word}" if failed else ""
