"""What a person is told of an experiment that fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from benchmarks.baselines.baselines import Baseline
from benchmarks.records.judge import judge
from benchmarks.report.failure import explain
from benchmarks.statistics.verdict import Verdict
from cifar_models.results.run import Run
from tests.factories import make_baseline, make_published, make_result, make_run

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


def _explain(runs: Sequence[Run], baseline: Baseline = BASELINE, *, recorded: Sequence[Run] = (), **night: Any) -> str:
    verdicts = _judge(runs, baseline, **night)
    result = make_result(verdicts=verdicts, runs=runs, baseline=baseline, recorded=recorded)
    return explain(result, false_alarm_rate=0.01, update_command="the command")


def test_a_pass_needs_no_words() -> None:
    assert _explain(_night(), recorded=RECORDED) == ""


def test_a_regression_says_all_that_there_is_to_know() -> None:
    text = _explain(_night(accuracy=-0.2, cat=-0.05, confusion=((60, 40), (9, 91))), recorded=RECORDED)
    accuracy = _judge(_night(accuracy=-0.2))[0]
    assert text == (
        "simple_cnn on synthetic: accuracy is a regression\n"
        "  0.5000 (mean of 3 runs, 0.4900 to 0.5100) is 0.2000 below the baseline 0.7000 (mean of 5 runs, "
        "0.6800 to 0.7200);\n"
        f"  allowed is {accuracy.allowance:.4f} either way: runs vary by 0.0141 (standard deviation), and a night "
        "without change may raise a false alarm with probability 0.01.\n"
        "  F1 that moved most: cat 0.600 to 0.550, dog 0.800 to 0.800.\n"
        "  Confusion that grew most: cat taken for dog, 10.0% to 40.0% of its images.\n"
        "  Training got worse. If that was meant: the command"
    )


def test_classes_that_failed_are_named_before_those_that_moved() -> None:
    text = _explain(_night(dog=-0.4), recorded=RECORDED)
    assert text.startswith("simple_cnn on synthetic: F1 of dog is a regression\n")
    assert "  F1 that moved most: dog 0.800 to 0.400.\n" in text
    assert "  No confusion of two classes grew.\n" in text


def test_a_stale_baseline_asks_for_a_leak_first() -> None:
    text = _explain(_night(gap=-0.2), recorded=RECORDED)
    assert text.startswith("simple_cnn on synthetic: gap makes the baseline stale\n")
    assert "look for a leak of evaluation images or a changed metric first. If the gain is real: the command" in text
    assert "got worse" not in text


def test_a_published_baseline_names_its_source_and_its_reason() -> None:
    text = _explain(_night(gap=0.1), make_published(accuracy=0.7, gap=0.169))
    assert (
        "0.2000 (mean of 3 runs, 0.1900 to 0.2100) is 0.0310 above the baseline 0.1690 (published, one value);" in text
    )
    assert "  allowed is 0.0200 either way: what the report's one run leaves open.\n" in text
    assert "F1 that moved" not in text


def test_a_difference_within_a_wide_tolerance_is_not_blamed_on_the_spread() -> None:
    wide = make_baseline(accuracy=(0.70, 0.70, 0.70), tolerance=0.1, tolerance_reason="as wide as that")
    same = [make_run(seed=seed, accuracy=0.5) for seed in range(3)]
    assert "  allowed is 0.1000 either way: as wide as that.\n" in _explain(same, wide)


def test_an_undecided_verdict_says_between_what_it_lies() -> None:
    for half_thousandths in range(200):
        runs = _night(accuracy=-0.02 - half_thousandths / 2000)
        (accuracy, *_) = _judge(runs, looks=(2, 3))
        if accuracy.word == "undecided":
            break
    else:
        pytest.fail("no accuracy is undecided")
    text = _explain(runs, recorded=RECORDED, looks=(2, 3))
    assert text.startswith("simple_cnn on synthetic: accuracy is undecided\n")
    between = (
        f"  {accuracy.inner_allowance:.4f} would pass, more than {accuracy.allowance:.4f} would fail, after 3 runs"
    )
    assert between in text
    assert text.endswith("train more seeds (--max-seeds), or measure the baseline with more of them")
    assert "got worse" not in text


def test_without_the_baseline_s_own_runs_the_confusion_is_said_to_be_unknown() -> None:
    text = _explain(_night(accuracy=-0.2))
    assert "Which confusion grew most is not known: the records of the baseline's runs are not at hand." in text
