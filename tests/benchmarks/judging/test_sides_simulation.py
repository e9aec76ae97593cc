"""Comparisons drawn from the recorded runs: how often equal sides do not pass, and how often a large change is found.

Both sides' runs are drawn from those of one experiment, without replacement: nothing tells the sides apart, and the
noise is what it is. All checks, looks and decisions are those of a comparison.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.judging.judge import checks_of_sides
from benchmarks.statistics import verdict
from benchmarks.statistics.verdict import Verdict, judge_night
from benchmarks.statistics.word import Word
from cifar_models.results.run import Run
from cifar_models.results.run_files import read_run

pytestmark = pytest.mark.integration

RECORDS = Path(__file__).parents[3] / "baseline_runs"
LOOKS = {"simple_cnn": (6, 12), "vgg16_frozen": (6, 12), "resnet50_frozen": (6, 12), "improved_cnn": (3, 6)}
"""Of the experiments whose recorded runs are enough for both sides."""
RATE = 0.1
COMPARISONS = 1000


@cache
def _recorded(name: str) -> list[Run]:
    return [read_run(path) for path in sorted(RECORDS.glob(f"{name}.synthetic.*.json"))]


@pytest.fixture(autouse=True)
def _no_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what a verdict says it would have caught, which takes most of the time and decides nothing."""
    monkeypatch.setattr(verdict, "smallest_drop", lambda **_: 0.0)


def _drawn(rng: np.random.Generator, drop: Mapping[str, float]) -> list[Verdict]:
    """Judge sides without a difference, but for accuracies of side B that are lower."""
    checks = []
    for name, looks in LOOKS.items():
        runs = [_recorded(name)[number] for number in rng.permutation(len(_recorded(name)))[: 2 * looks[-1]]]
        runs = [dataclasses.replace(run, seed=seed) for seed, run in enumerate(runs)]
        a, b = runs[: looks[-1]], [_lower(run, drop.get(name, 0.0)) for run in runs[looks[-1] :]]
        # Every change counts, however small: a tolerance would only lower the rate.
        checks += [dataclasses.replace(check, tolerance=0.0) for check in checks_of_sides(a, b, looks)]
    return judge_night(checks, false_alarm_rate=RATE, looks=LOOKS)


def _lower(run: Run, drop: float) -> Run:
    return dataclasses.replace(run, evaluation=dataclasses.replace(run.evaluation, accuracy=run.accuracy - drop))


def test_equal_sides_do_not_pass_no_more_often_than_stated() -> None:
    rng = np.random.default_rng(0)
    alarms = sum(any(one.word != Word.PASS for one in _drawn(rng, {})) for _ in range(COMPARISONS))
    assert 0 < alarms <= stats.binom.ppf(0.999, COMPARISONS, RATE)


def test_a_drop_of_four_standard_deviations_is_found() -> None:
    rng = np.random.default_rng(1)
    drop = 4 * float(np.std([run.accuracy for run in _recorded("simple_cnn")], ddof=1))
    words = []
    for _ in range(COMPARISONS // 10):
        verdicts = _drawn(rng, {"simple_cnn": drop})
        words += [one.word for one in verdicts if (one.experiment, one.metric) == ("simple_cnn", "accuracy")]
    assert words.count(Word.REGRESSION) >= 0.9 * len(words)
    assert Word.STALE not in words
