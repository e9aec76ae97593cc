"""One run against its baseline: where passing ends, on which side, and what is said of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.baselines import TOLERANCE_RULE, Baseline
from benchmarks.judge import Judgement, judge
from cifar_models.run import Run
from tests.factories import make_baseline, make_published, make_run

pytestmark = pytest.mark.unit

BASELINE = make_baseline(accuracy=(0.68, 0.70, 0.72), gap=(0.08, 0.10, 0.12), tolerance=0.04)


def _judge_all(run: Run, baseline: Baseline) -> list[Judgement]:
    return judge(run, baseline, update_command="the command")


def _judge(run: Run, baseline: Baseline, metric: str) -> Judgement:
    (judgement,) = (judgement for judgement in _judge_all(run, baseline) if judgement.metric == metric)
    return judgement


def _verdicts(*, accuracy: float = 0.70, gap: float = 0.10) -> dict[str, str]:
    judgements = _judge_all(make_run(accuracy=accuracy, gap=gap), BASELINE)
    return {judgement.metric: judgement.verdict for judgement in judgements}


@pytest.mark.parametrize(
    ("accuracy", "verdict"),
    [
        (0.0, "regression"),
        (0.6599, "regression"),
        (0.66, "pass"),
        (0.70, "pass"),
        (0.74, "pass"),
        (0.7401, "stale"),
        (1.0, "stale"),
    ],
)
def test_an_accuracy_passes_up_to_the_tolerance_and_is_worse_below_it(accuracy: float, verdict: str) -> None:
    assert _verdicts(accuracy=accuracy) == {"accuracy": verdict, "gap": "pass"}


@pytest.mark.parametrize(
    ("gap", "verdict"),
    [
        (1.0, "regression"),
        (0.1401, "regression"),
        (0.14, "pass"),
        (0.10, "pass"),
        (0.06, "pass"),
        (0.0599, "stale"),
        (-1.0, "stale"),
    ],
)
def test_a_gap_passes_up_to_the_tolerance_and_is_worse_above_it(gap: float, verdict: str) -> None:
    assert _verdicts(gap=gap) == {"accuracy": "pass", "gap": verdict}


def test_each_metric_of_the_baseline_is_judged_and_no_other() -> None:
    assert [judgement.metric for judgement in _judge_all(make_run(), BASELINE)] == ["accuracy", "gap"]
    assert [judgement.metric for judgement in _judge_all(make_run(), make_published(gap=None))] == ["accuracy"]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("metric", ["accuracy", "gap"])
def test_what_is_no_finite_number_is_never_judged(number: float, metric: str) -> None:
    run = make_run("vgg16_frozen", 4, **{metric: number})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"vgg16_frozen, seed 4: found {metric} .+, expected a finite number"):
        _judge_all(run, BASELINE)


def test_a_judgement_holds_the_numbers_that_it_was_made_of() -> None:
    judgement = _judge(make_run(accuracy=0.65), BASELINE, "accuracy")
    assert judgement.today == 0.65
    assert judgement.baseline == pytest.approx(0.70)
    assert judgement.allowance == 0.04
    assert judgement.difference == pytest.approx(-0.05)


def test_the_sentence_of_a_regression_says_all_that_there_is_to_know() -> None:
    assert _judge(make_run("simple_cnn", 7, accuracy=0.65), BASELINE, "accuracy").sentence == (
        "simple_cnn seed 7 on synthetic: accuracy is a regression\n"
        "  accuracy 0.6500 is 0.0500 below the baseline 0.7000 (mean of 3 measured runs, 0.6800 to 0.7200);\n"
        f"  allowed is 0.0400 either way: {TOLERANCE_RULE}.\n"
        "  Training got worse. If that was meant: the command"
    )


def test_the_sentence_of_a_stale_baseline_asks_for_a_leak_first() -> None:
    assert _judge(make_run("simple_cnn", 7, gap=0.05), BASELINE, "gap").sentence == (
        "simple_cnn seed 7 on synthetic: gap makes the baseline stale\n"
        "  gap 0.0500 is 0.0500 below the baseline 0.1000 (mean of 3 measured runs, 0.0800 to 0.1200);\n"
        f"  allowed is 0.0400 either way: {TOLERANCE_RULE}.\n"
        "  That is better than the baseline allows: look for a leak of evaluation images or a changed metric "
        "first. If the gain is real: the command"
    )


def test_the_sentence_of_a_published_baseline_names_its_source() -> None:
    sentence = _judge(make_run(gap=0.2), make_published(gap=0.169), "gap").sentence
    assert "gap 0.2000 is 0.0310 above the baseline 0.1690 (published, one value);" in sentence
    assert "allowed is 0.0200 either way: what the report's one run leaves open." in sentence


def test_the_sentence_of_a_pass_asks_for_nothing() -> None:
    sentence = _judge(make_run(), BASELINE, "accuracy").sentence
    assert sentence.startswith("simple_cnn seed 0 on synthetic: accuracy passes\n")
    assert "--update-baselines" not in sentence


fractions = st.floats(0, 1)
tolerances = st.floats(1e-4, 0.99)


@pytest.mark.property
@settings(deadline=None, max_examples=100)
@given(accuracy=fractions, gap=fractions, narrow=tolerances, wide=tolerances)
def test_more_tolerance_never_turns_a_pass_into_a_failure(
    accuracy: float, gap: float, narrow: float, wide: float
) -> None:
    narrow, wide = sorted((narrow, wide))
    run = make_run(accuracy=accuracy, gap=gap)
    for metric in ("accuracy", "gap"):
        if _judge(run, make_baseline(tolerance=narrow), metric).verdict == "pass":
            assert _judge(run, make_baseline(tolerance=wide), metric).verdict == "pass"


@pytest.mark.property
@settings(deadline=None, max_examples=100)
@given(values=st.tuples(fractions, fractions), tolerance=tolerances)
def test_a_worse_value_never_gets_a_better_verdict(values: tuple[float, float], tolerance: float) -> None:
    order = ["regression", "pass", "stale"]
    baseline = make_baseline(accuracy=(0.5,) * 3, gap=(0.5,) * 3, tolerance=tolerance)
    low, high = sorted(values)
    accuracies = [_judge(make_run(accuracy=value), baseline, "accuracy").verdict for value in (low, high)]
    assert order.index(accuracies[0]) <= order.index(accuracies[1])
    gaps = [_judge(make_run(gap=value), baseline, "gap").verdict for value in (high, low)]
    assert order.index(gaps[0]) <= order.index(gaps[1])


@pytest.mark.property
@settings(deadline=None, max_examples=50)
@given(value=fractions, tolerance=tolerances)
def test_only_what_lies_within_the_tolerance_passes(value: float, tolerance: float) -> None:
    baseline = make_baseline(accuracy=(0.5,) * 3, tolerance=tolerance)
    passes = _judge(make_run(accuracy=value), baseline, "accuracy").verdict == "pass"
    assert passes or abs(value - 0.5) > tolerance
    assert not passes or abs(value - 0.5) <= tolerance + 1e-9
