"""The history's verdicts: what counts as evidence, what is named, and how the rate is shared."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.judging.drifts import judge_history
from benchmarks.records.history import NightOfExperiment
from benchmarks.records.night_folder import BaselineMark
from benchmarks.statistics.cusum import find_drift
from tests.factories import make_baseline, make_published

pytestmark = pytest.mark.unit

RUNS = 30
GENERATOR = np.random.default_rng(0)
BASELINE = make_baseline(
    accuracy=tuple(GENERATOR.normal(0.7, 0.005, RUNS)),
    gap=tuple(GENERATOR.normal(0.1, 0.005, RUNS)),
    loss=tuple(GENERATOR.normal(0.9, 0.01, RUNS)),
)
MARK = BaselineMark.of(BASELINE)


def _nights(
    accuracy: Sequence[float],
    *,
    loss: float = 0.9,
    first_seed: int = 1000,
    step: int = 10,
    mark: BaselineMark | None = MARK,
) -> list[NightOfExperiment]:
    """Return nights of three runs, with seeds of their own unless told otherwise."""
    return [
        NightOfExperiment(
            started=f"2026-01-{day:02}T02:00:00+00:00",
            seeds=[first_seed + step * day + number for number in range(3)],
            values={
                "accuracy": [level - 0.005, level, level + 0.005],
                "loss": [loss - 0.01, loss, loss + 0.01],
                "gap": [0.1] * 3,
            },
            mark=mark,
            baseline={"accuracy": 0.7},
        )
        for day, level in enumerate(accuracy, start=1)
    ]


FALLING = [0.7] * 6 + [0.7 - 0.002 * night for night in range(1, 12)]


def test_a_drift_is_named_with_its_night_and_side() -> None:
    (found,) = judge_history({"simple_cnn": _nights(FALLING)}, {"simple_cnn": BASELINE})
    assert (found.experiment, found.metric, found.word) == ("simple_cnn", "accuracy", "regression")
    assert "2026-01-06" <= found.began[:10] <= "2026-01-10"
    assert found.nights == len(FALLING) - int(found.began[8:10]) + 1
    former = [level for level in FALLING[: -found.nights] for _ in range(3)]
    before = np.mean([*BASELINE.metrics["accuracy"].values, *former])
    assert found.size == pytest.approx(np.mean(FALLING[-found.nights :]) - before)


def test_its_word_is_that_of_its_side_also_if_the_baseline_lies_low_by_chance() -> None:
    low = make_baseline(accuracy=(0.690, 0.691, 0.692), gap=(0.09, 0.1, 0.11), loss=(0.89, 0.9, 0.91))
    nights = _nights([0.7] * 14 + [0.694] * 14, mark=BaselineMark.of(low))
    found = [drift for end in range(15, 29) for drift in judge_history({"a": nights[:end]}, {"a": low})]
    assert found
    assert all((drift.word, drift.size < 0) == ("regression", True) for drift in found)


def test_nights_that_failed_do_not_keep_those_after_them_red() -> None:
    broken = [dataclasses.replace(night, failed=True) for night in _nights([0.66] * 5, first_seed=3000)]
    nights = [*_nights([0.7] * 10), *broken, *_nights([0.7] * 5, first_seed=5000)]
    assert judge_history({"a": nights}, {"a": BASELINE}) == []
    assert judge_history({"a": [dataclasses.replace(night, failed=False) for night in nights]}, {"a": BASELINE}) != []


@pytest.mark.parametrize(
    ("accuracy", "loss", "metric", "word"),
    [(0.72, 0.9, "accuracy", "stale"), (0.7, 0.94, "loss", "regression"), (0.7, 0.86, "loss", "stale")],
)
def test_each_metric_drifts_to_its_side(accuracy: float, loss: float, metric: str, word: str) -> None:
    (found,) = judge_history({"a": _nights([accuracy] * 10, loss=loss)}, {"a": BASELINE})
    assert (found.metric, found.word) == (metric, word)


def test_nights_without_a_change_say_nothing() -> None:
    assert judge_history({"a": _nights([0.7] * 20)}, {"a": BASELINE}) == []


@pytest.mark.parametrize(
    "nights",
    [
        pytest.param(_nights(FALLING, step=0), id="the same seeds each night"),
        pytest.param(_nights(FALLING, first_seed=0, step=0), id="the baseline's seeds"),
        pytest.param(_nights(FALLING, mark=None), id="not judged"),
        pytest.param(_nights(FALLING, mark=dataclasses.replace(MARK, reason="another")), id="another baseline"),
        pytest.param([], id="no night"),
    ],
)
def test_what_is_no_new_evidence_does_not_count(nights: list[NightOfExperiment]) -> None:
    assert judge_history({"a": nights}, {"a": BASELINE}) == []


def test_a_published_baseline_has_no_history() -> None:
    published = make_published()
    assert judge_history({"a": _nights(FALLING, mark=BaselineMark.of(published))}, {"a": published}) == []


def test_all_charts_share_one_rate() -> None:
    level = 0.7
    while not judge_history({"a": _nights([level] * 8)}, {"a": BASELINE}):
        level -= 0.0002
    values = [night.values["accuracy"] for night in _nights([level] * 8)]
    accuracy = BASELINE.metrics["accuracy"].values
    assert find_drift(accuracy, values, false_alarm_rate=0.0025 / 2)
    others = dict.fromkeys("bcdefghij", BASELINE)
    assert judge_history({"a": _nights([level] * 8)}, {"a": BASELINE} | others) == []
