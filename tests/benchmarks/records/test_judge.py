"""A night's runs against their baselines: what is checked, and with what rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from benchmarks.baselines.baselines import Baseline
from benchmarks.records.judge import checks_of, judge
from benchmarks.statistics.verdict import Verdict
from cifar_models.results.run import Run
from tests.factories import make_baseline, make_published, make_run

pytestmark = pytest.mark.unit

BASELINE = make_baseline(
    accuracy=(0.68, 0.70, 0.72, 0.69, 0.71),
    gap=(0.08, 0.10, 0.12, 0.09, 0.11),
    f1={"cat": (0.58, 0.60, 0.62, 0.59, 0.61), "dog": (0.78, 0.80, 0.82, 0.79, 0.81)},
    tolerance=0.01,
)
RECORDED = [make_run(seed=seed, confusion=((90, 10), (10, 90))) for seed in range(5)]


def _night(**changes: Any) -> list[Run]:
    """Return three runs like the baseline's, moved by the given amounts."""
    steps = (-0.01, 0.0, 0.01)
    return [
        make_run(
            seed=seed,
            accuracy=0.70 + step + changes.get("accuracy", 0.0),
            gap=0.10 + step + changes.get("gap", 0.0),
            f1={"cat": 0.60 + step + changes.get("cat", 0.0), "dog": 0.80 + step + changes.get("dog", 0.0)},
            confusion=changes.get("confusion", ((90, 10), (10, 90))),
        )
        for seed, step in enumerate(steps)
    ]


def _judge(runs: Sequence[Run], baseline: Baseline = BASELINE, *, looks: Sequence[int] = (3,)) -> list[Verdict]:
    return judge({"simple_cnn": runs}, {"simple_cnn": baseline}, false_alarm_rate=0.01, looks=looks)["simple_cnn"]


def _words(runs: Sequence[Run], baseline: Baseline = BASELINE) -> dict[str, str]:
    return {verdict.metric: verdict.word for verdict in _judge(runs, baseline)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"accuracy": -0.2}, {"accuracy": "regression"}),
        ({"accuracy": 0.2}, {"accuracy": "stale"}),
        ({"gap": 0.2}, {"gap": "regression"}),
        ({"gap": -0.2}, {"gap": "stale"}),
        ({"cat": -0.4}, {"F1 of cat": "regression"}),
        ({"dog": 0.2}, {"F1 of dog": "stale"}),
        ({"accuracy": -0.2, "dog": -0.4}, {"accuracy": "regression", "F1 of dog": "regression"}),
    ],
)
def test_each_metric_fails_on_its_own_and_by_its_side(changes: dict[str, float], expected: dict[str, str]) -> None:
    passes = dict.fromkeys(("accuracy", "gap", "F1 of cat", "F1 of dog"), "pass")
    assert _words(_night(**changes)) == passes | expected


def test_the_checks_are_the_numbers_of_runs_and_baseline() -> None:
    accuracy, gap, cat, dog = checks_of(_night(dog=-0.1), BASELINE)
    assert accuracy.baseline == (0.68, 0.70, 0.72, 0.69, 0.71)
    assert accuracy.today == pytest.approx((0.69, 0.70, 0.71))
    assert (accuracy.higher_is_better, gap.higher_is_better, dog.higher_is_better) == (True, False, True)
    assert (accuracy.family, gap.family, cat.family) == ("headline", "headline", "per_class")
    assert gap.today == pytest.approx((0.09, 0.10, 0.11))
    assert dog.baseline == (0.78, 0.80, 0.82, 0.79, 0.81)
    assert dog.today == pytest.approx((0.69, 0.70, 0.71))
    assert {check.tolerance for check in (accuracy, gap, cat, dog)} == {0.01}


def test_a_published_baseline_is_judged_by_what_it_has_and_by_its_tolerance_alone() -> None:
    assert _words(_night(), make_published(accuracy=0.69, gap=None)) == {"accuracy": "pass"}
    (accuracy, gap) = _judge(_night(accuracy=-0.05), make_published(accuracy=0.68, gap=0.1, tolerance=0.02))
    assert (accuracy.word, accuracy.rule, gap.word) == ("regression", "tolerance", "pass")


def test_all_experiments_share_one_false_alarm_rate() -> None:
    runs = {name: [make_run(name, seed, accuracy=0.69 + seed / 100) for seed in range(3)] for name in "ab"}
    both = judge(runs, dict.fromkeys("ab", BASELINE), false_alarm_rate=0.01, looks=(3,))
    assert list(both) == ["a", "b"]
    alone = judge({"a": runs["a"]}, {"a": BASELINE}, false_alarm_rate=0.01, looks=(3,))
    assert both["a"][0].level == pytest.approx((alone["a"][0].level or 0.0) / 2)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("metric", ["accuracy", "gap"])
def test_what_is_no_finite_number_is_never_judged(number: float, metric: str) -> None:
    runs = [*_night()[:2], make_run(seed=2, **{metric: number})]  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"simple_cnn {metric}: today value .+ of run 3 must be finite"):
        _judge(runs)
