"""A night's runs against their baselines: what is checked, and with what rate."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from benchmarks.baselines.baseline import Baseline
from benchmarks.judging.judge import CLASSES, WORST, best_sight, checks_of, checks_of_sides, identical_verdicts, judge
from benchmarks.statistics.power import Look, smallest_drop
from benchmarks.statistics.verdict import Verdict, judge_night
from cifar_models.results.run import Run
from tests.factories import make_baseline, make_published, make_run

pytestmark = pytest.mark.unit

BASELINE = make_baseline(
    accuracy=(0.68, 0.70, 0.72, 0.69, 0.71),
    gap=(0.08, 0.10, 0.12, 0.09, 0.11),
    loss=(0.88, 0.90, 0.92, 0.89, 0.91),
    nats_per_point=0.03,
    f1={"cat": (0.58, 0.62, 0.59, 0.61, 0.62), "dog": (0.81, 0.80, 0.82, 0.78, 0.78), "emu": (0.7, 0.7, 0.7, 0.7, 0.7)},
    tolerance=0.01,
)
METRICS = ("accuracy", "loss", "gap", WORST, CLASSES)


def _night(**changes: Any) -> list[Run]:
    """Return three runs like the baseline's, moved by the given amounts."""
    steps = (-0.01, 0.0, 0.01)
    return [
        make_run(
            seed=seed,
            accuracy=0.70 + step + changes.get("accuracy", 0.0),
            gap=0.10 + step + changes.get("gap", 0.0),
            loss=0.90 + step + changes.get("loss", 0.0),
            f1={
                "cat": 0.60 + 2 * step + changes.get("cat", 0.0),
                "dog": 0.80 - step + changes.get("dog", 0.0),
                "emu": 0.70 + changes.get("emu", 0.0),
            },
            confusion=changes.get("confusion", ((90, 10), (10, 90))),
        )
        for seed, step in enumerate(steps)
    ]


def _judge(runs: Sequence[Run], baseline: Baseline = BASELINE, *, looks: Sequence[int] | None = None) -> list[Verdict]:
    return judge({"simple_cnn": runs}, {"simple_cnn": baseline}, false_alarm_rate=0.01, looks=looks or [len(runs)])[
        "simple_cnn"
    ]


def _words(runs: Sequence[Run], baseline: Baseline = BASELINE) -> dict[str, str]:
    return {verdict.metric: verdict.word for verdict in _judge(runs, baseline)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"accuracy": -0.2}, {"accuracy": "regression"}),
        ({"accuracy": 0.2}, {"accuracy": "stale"}),
        ({"loss": 0.2}, {"loss": "regression"}),
        ({"loss": -0.2}, {"loss": "stale"}),
        ({"gap": 0.2}, {"gap": "regression"}),
        ({"gap": -0.2}, {"gap": "stale"}),
        ({"cat": -0.4}, {CLASSES: "regression"}),
        ({"dog": 0.2}, {CLASSES: "regression"}),
        ({"accuracy": -0.2, "dog": -0.4}, {"accuracy": "regression", CLASSES: "regression"}),
        # What all classes share is the accuracy's to find.
        ({"cat": -0.2, "dog": -0.2, "emu": -0.2}, {}),
    ],
)
def test_each_metric_fails_on_its_own_and_by_its_side(changes: dict[str, float], expected: dict[str, str]) -> None:
    assert _words(_night(**changes)) == dict.fromkeys(METRICS, "pass") | expected


def test_the_checks_are_the_numbers_of_runs_and_baseline() -> None:
    found = accuracy, loss, gap, worst, classes = checks_of(_night(), BASELINE)
    assert accuracy.baseline == (0.68, 0.70, 0.72, 0.69, 0.71)
    assert accuracy.today == pytest.approx((0.69, 0.70, 0.71))
    assert loss.today == pytest.approx((0.89, 0.90, 0.91))
    assert gap.today == pytest.approx((0.09, 0.10, 0.11))
    assert (len(classes.baseline), len(classes.today)) == (5, 3)
    assert (worst.baseline, worst.today) == (accuracy.baseline, accuracy.today)
    assert [check.higher_is_better for check in found] == [True, False, False, True, False]
    assert [check.family for check in found] == ["headline"] * 2 + ["secondary"] * 3
    assert [check.one_sided for check in found] == [False] * 3 + [True] * 2
    assert [check.worst for check in found] == [False] * 3 + [True, False]
    assert {check.tolerance for check in found} == {0.01}


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_one_collapsed_run_fails_though_it_widens_the_allowance_of_the_mean(seeds: int) -> None:
    spread = tuple(0.7 + 0.001 * (seed % 5) for seed in range(30))
    baseline = make_baseline(accuracy=spread, gap=spread, loss=spread, tolerance=0.01)
    runs = [make_run(seed=seed, accuracy=spread[seed], gap=spread[seed], loss=spread[seed]) for seed in range(seeds)]
    assert set(_words(runs, baseline).values()) == {"pass"}
    runs[1] = make_run(seed=1, accuracy=0.1, gap=0.7, loss=0.7)
    found = _words(runs, baseline)
    assert found[WORST] == "regression"
    assert found["accuracy"] == ("pass" if seeds == 10 else "regression")
    runs[1] = make_run(seed=1, accuracy=0.95, gap=0.7, loss=0.7)
    assert _words(runs, baseline)[WORST] == "pass", "a better run is no collapse"


def test_a_pattern_nearer_to_the_baseline_s_than_usual_is_no_news() -> None:
    runs = [make_run(seed=seed, f1={"cat": 0.7, "dog": 0.7, "emu": 0.7}) for seed in range(3)]
    wide = {"cat": (0.5, 0.9, 0.5, 0.9), "dog": (0.9, 0.5, 0.9, 0.5), "emu": (0.7,) * 4}
    baseline = make_baseline(accuracy=(0.7,) * 4, gap=(0.1,) * 4, f1=wide, tolerance=0.01)
    (*_, classes) = _judge(runs, baseline)
    assert (classes.metric, classes.word) == (CLASSES, "pass")
    assert classes.effect < -classes.allowance


def test_a_baseline_from_before_the_loss_is_judged_without_it() -> None:
    assert tuple(_words(_night(), make_baseline())) == ("accuracy", "gap", WORST, CLASSES)


@pytest.mark.parametrize(
    ("nats_per_point", "metric", "per_point"), [(0.005, "accuracy", 0.01), (0.5, "loss", 0.5), (None, "accuracy", 0.01)]
)
def test_what_a_night_catches_is_the_better_of_accuracy_and_loss_in_points(
    nats_per_point: float | None, metric: str, per_point: float
) -> None:
    baseline = make_baseline(
        accuracy=(0.68, 0.70, 0.72), loss=(0.88, 0.90, 0.92), nats_per_point=nats_per_point, tolerance=0.01
    )
    best = best_sight(_judge(_night(), baseline))
    assert best is not None
    assert best.smallest_drop is not None
    assert best.metric == metric
    assert best.points == pytest.approx(best.smallest_drop / per_point)


def test_a_published_baseline_states_no_sight() -> None:
    assert best_sight(_judge(_night(), make_published())) is None


def test_experiments_may_have_different_numbers_of_runs() -> None:
    runs = {"a": _night(), "b": _night()[:2]}
    runs = {name: [dataclasses.replace(run, experiment=name) for run in some] for name, some in runs.items()}
    verdicts = judge(runs, dict.fromkeys("ab", BASELINE), false_alarm_rate=0.01, looks={"a": (3, 6), "b": (2, 4)})
    assert {name: some[0].runs for name, some in verdicts.items()} == {"a": 3, "b": 2}
    with pytest.raises(ValueError, match="b accuracy, runs today: found 2, expected one of the looks"):
        judge(runs, dict.fromkeys("ab", BASELINE), false_alarm_rate=0.01, looks=(3, 6))
    with pytest.raises(ValueError, match=r"numbers of looks: found \[1, 2\], expected the same for each experiment"):
        judge(runs, dict.fromkeys("ab", BASELINE), false_alarm_rate=0.01, looks={"a": (3, 6), "b": (2,)})


def test_a_published_baseline_is_judged_by_what_it_has_and_by_its_tolerance_alone() -> None:
    assert _words(_night(), make_published(accuracy=0.69, gap=None)) == {"accuracy": "pass"}
    (accuracy, gap) = _judge(_night(accuracy=-0.05), make_published(accuracy=0.68, gap=0.1, tolerance=0.02))
    assert (accuracy.word, accuracy.rule, gap.word) == ("regression", "tolerance", "pass")


def test_all_experiments_share_one_false_alarm_rate() -> None:
    runs = {name: [dataclasses.replace(run, experiment=name) for run in _night()] for name in "ab"}
    both = judge(runs, dict.fromkeys("ab", BASELINE), false_alarm_rate=0.01, looks=(3,))
    assert list(both) == ["a", "b"]
    alone = judge({"a": runs["a"]}, {"a": BASELINE}, false_alarm_rate=0.01, looks=(3,))
    assert both["a"][0].level == pytest.approx((alone["a"][0].level or 0.0) / 2)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("metric", ["accuracy", "loss", "gap"])
def test_what_is_no_finite_number_is_never_judged(number: float, metric: str) -> None:
    runs = [*_night()[:2], make_run(seed=2, **{metric: number})]  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=rf"simple_cnn {metric}, today: found .+, {number}\), expected finite numbers"):
        _judge(runs)


def _numbered(*nights: list[Run]) -> list[Run]:
    runs = [run for night in nights for run in night]
    return [dataclasses.replace(run, seed=seed) for seed, run in enumerate(runs)]


A, B = _numbered(_night(), _night(accuracy=0.002, cat=0.01)), _numbered(_night(cat=0.01), _night(dog=0.02))


class TestSides:
    """Two sides that grow together."""

    def test_are_compared_at_each_look_by_the_runs_so_far(self) -> None:
        first = checks_of_sides(A[:3], B[:3], (3, 6))
        both = checks_of_sides(A, B, (3, 6))
        assert [check.metric for check in both] == [*METRICS]
        for early, late in zip(first, both, strict=True):
            assert late.grown[3] == early.grown[3] == (early.baseline, early.today)
            assert late.grown[6] == (late.baseline, late.today)
            assert len(late.baseline) == len(late.today) == 6

    def test_have_distances_of_classes_from_the_runs_so_far(self) -> None:
        *_, classes = checks_of_sides(A, B, (3, 6))
        assert classes.grown[3][1] != classes.grown[6][1][:3]

    def test_a_verdict_of_an_earlier_look_stays_what_it_was(self) -> None:
        looks = {"simple_cnn": (3, 6)}
        before = judge_night(checks_of_sides(A[:3], B[:3], (3, 6)), looks=looks)
        after = judge_night(checks_of_sides(A, B, (3, 6)), looks=looks)
        assert {verdict.word for verdict in before} == {"pass"}
        assert [(verdict.runs, verdict.effect, verdict.p_value, verdict.word) for verdict in before] == [
            (verdict.runs, verdict.effect, verdict.p_value, verdict.word) for verdict in after
        ]
        assert {len(verdict.baseline_values) for verdict in after} == {3}

    def test_state_what_they_catch_with_as_many_runs_on_either_side(self) -> None:
        (verdict, *_) = judge_night(checks_of_sides(A, B, (6,)), looks=(6,))
        assert verdict.degrees_of_freedom == 10
        assert verdict.deviation is not None
        assert verdict.level is not None
        assert verdict.smallest_drop == smallest_drop(
            deviation=verdict.deviation,
            tolerance=0.005,
            looks=[Look(baseline_runs=6, today_runs=6, level=verdict.level)],
        )

    def test_that_are_identical_pass_by_that_alone(self) -> None:
        verdicts = identical_verdicts(A[:2])
        assert [verdict.metric for verdict in verdicts] == ["accuracy", "loss", "gap"]
        assert {(verdict.word, verdict.rule, verdict.effect, verdict.runs) for verdict in verdicts} == {
            ("pass", "identical", 0.0, 2)
        }
        assert verdicts[0].baseline == verdicts[0].today == pytest.approx(0.695)
