"""Nights resampled from the recorded runs: how often one without a change fails, and how often a stated drop is caught.

The runs of baseline and night are drawn with replacement from the recorded runs of each experiment, so that the noise
is what it is: early stopping at another epoch, accuracy and loss that move together. What is judged, in which family
and with what tolerance is what ``checks_of`` says; p-values and decisions are those of real nights.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.baselines.baseline import Baseline
from benchmarks.baselines.measure import measured_baseline
from benchmarks.inputs.settings import default_looks
from benchmarks.judging.judge import CLASSES, WORST, best_sight, checks_of, judge
from benchmarks.statistics.class_pattern import pattern_distances
from benchmarks.statistics.sequential import Decisions, decide, make_plan
from benchmarks.statistics.significance import Floats, measure, p_values
from benchmarks.statistics.verdict import Check
from cifar_models.experiments import trained_by_nights
from cifar_models.results.run import Run
from cifar_models.results.run_files import read_run

pytestmark = pytest.mark.integration

RECORDS = Path(__file__).parents[3] / "baseline_runs"
RATE = 0.01
NIGHTS, LOOKS = 1000, 2


@dataclass(frozen=True)
class Recorded:
    """What is recorded of one experiment: its runs, the checks of a night, and values and F1 scores by run."""

    looks: tuple[int, int]
    runs: list[Run]
    baseline: Baseline
    checks: list[Check]
    values: Mapping[str, Floats]
    f1: Floats

    def draw(
        self, rng: np.random.Generator, shift: Mapping[str, float], *, repeated: bool
    ) -> dict[str, tuple[Floats, Floats]]:
        """Draw the runs of baselines and of both looks of ``NIGHTS`` nights whose metrics are moved, by metric.

        ``repeated`` takes a night's runs from its baseline's, as seeds do that both have. The values have the shapes
        (nights, baseline runs) and (nights, runs).
        """
        count, most = len(self.runs), self.looks[-1]
        before = rng.integers(count, size=(NIGHTS, count))
        now = rng.permuted(before, axis=1)[:, :most] if repeated else rng.integers(count, size=(NIGHTS, most))
        drawn = {name: (values[before], values[now] + shift.get(name, 0.0)) for name, values in self.values.items()}
        patterns = [pattern_distances(self.f1[theirs], self.f1[ours]) for theirs, ours in zip(before, now, strict=True)]
        theirs, ours = map(np.array, zip(*patterns, strict=True))
        return drawn | {WORST: drawn["accuracy"], CLASSES: (theirs, ours)}


@cache
def recorded() -> dict[str, Recorded]:
    found = {}
    for name in trained_by_nights("synthetic"):
        runs = [read_run(path) for path in sorted(RECORDS.glob(f"{name}.synthetic.*.json"))]
        baseline = measured_baseline(runs, reason="simulation", day=datetime.date(2025, 1, 31))
        looks = default_looks("synthetic", name)
        checks = checks_of(runs[: looks[-1]], baseline)
        values = {
            check.metric: np.array([getattr(run, check.metric) for run in runs])
            for check in checks
            if check.metric not in (WORST, CLASSES)
        }
        classes = list(runs[0].evaluation.classes)
        f1 = np.array([[run.evaluation.classes[label].f1 for label in classes] for run in runs])
        found[name] = Recorded(looks, runs, baseline, checks, values, f1)
    return found


def _nights(shifts: Mapping[str, Mapping[str, float]], *, repeated: bool = False) -> tuple[list[Check], Decisions]:
    """Judge resampled nights in which the metrics of some experiments are moved."""
    rng = np.random.default_rng(0)
    checks = [check for one in recorded().values() for check in one.checks]
    effect = np.empty((LOOKS, NIGHTS, len(checks)))
    p = np.empty_like(effect)
    drawn = {name: one.draw(rng, shifts.get(name, {}), repeated=repeated) for name, one in recorded().items()}
    for column, check in enumerate(checks):
        before, now = drawn[check.experiment][check.metric]
        for look, seeds in enumerate(recorded()[check.experiment].looks):
            today = now[:, :seeds].min(axis=1, keepdims=True) if check.worst else now[:, :seeds]
            found = measure(before, today)
            effect[look, :, column] = found[0]
            p_value = p_values(*found, baseline_runs=before.shape[1], today_runs=today.shape[1])
            p[look, :, column] = p_value * (seeds if check.worst else 1)
    plan = make_plan(
        [check.experiment for check in checks],
        [check.family for check in checks],
        looks={name: one.looks for name, one in recorded().items()},
        false_alarm_rate=RATE,
    )
    one_sided = np.array([check.one_sided for check in checks])
    beyond = np.abs(effect) > np.array([check.tolerance for check in checks])
    better = (effect > 0) == np.array([check.higher_is_better for check in checks])
    return checks, decide(p, beyond & ~(one_sided & better), plan)


@pytest.mark.parametrize("repeated", [False, True], ids=["new seeds", "seeds of the baseline"])
def test_nights_without_a_change_fail_no_more_often_than_stated(repeated: bool) -> None:
    _, decisions = _nights({}, repeated=repeated)
    alarms = int((~decisions.passed).any(axis=1).sum())
    assert alarms <= stats.binom.ppf(0.999, NIGHTS, RATE)


@pytest.mark.parametrize("name", trained_by_nights("synthetic"))
def test_the_drop_that_a_night_states_is_caught_95_times_in_100(name: str) -> None:
    """The metric that states it sees it: the accuracy falls by so many points, or the loss rises by what they are."""
    one = recorded()[name]
    verdicts = judge(
        {name: one.runs[: one.looks[0]]}, {name: one.baseline}, false_alarm_rate=RATE / 5, looks=one.looks
    )[name]
    best = best_sight(verdicts)
    assert best is not None
    assert best.smallest_drop is not None
    # The night's own spread is an estimate: the drop is stated again for that of all recorded runs.
    deviation = float(one.values[best.metric].std(ddof=1))
    assert best.deviation is not None
    drop = best.smallest_drop * max(1.0, deviation / best.deviation)
    sign = -1 if best.metric == "accuracy" else 1
    checks, decisions = _nights({name: {best.metric: sign * drop}})
    column = next(n for n, check in enumerate(checks) if (check.experiment, check.metric) == (name, best.metric))
    caught = 1 - float(decisions.passed[:, column].mean())
    assert caught >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / NIGHTS)
