"""The sentences on a night's results."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from benchmarks.baselines.baseline import Baseline
from benchmarks.judging.judge import judge
from benchmarks.judging.night_results import ExperimentResult
from benchmarks.report.wording import (
    SYMBOLS,
    answer,
    failure_message,
    held_against,
    mean_and_range,
    reasons,
    repeated_runs,
    shift,
    worst,
)
from benchmarks.statistics.verdict import Verdict
from benchmarks.statistics.word import Word
from cifar_models.results.run import Curves, Run
from tests.factories import (
    DIFFERS,
    DRIFT,
    IDENTICAL,
    make_baseline,
    make_published,
    make_result,
    make_run,
    make_verdict,
)

pytestmark = pytest.mark.unit

WORSE = make_verdict(word="regression", today=0.61, baseline=0.7)
PASS, OTHER = make_result("one", "pass"), make_result("two", "pass")
REGRESSION = make_result("three", verdicts=[WORSE])
STALE = make_result("four", verdicts=[make_verdict("gap", "stale", today=0.05, baseline=0.1)])
UNDECIDED = make_result("five", "undecided")
UNJUDGED = make_result("six", problem="not every training gave a run (seed 2: diverged)")


def test_what_failed_is_said_without_the_records_of_tonight_s_runs_too() -> None:
    result = make_result("three", verdicts=[WORSE], runs=[], baseline=make_baseline(), recorded=[make_run()])
    assert reasons(result)[-1] == "The records of tonight's runs are not available."
    assert failure_message(result, update_command="again").startswith("three: accuracy is a regression\n")


def test_each_word_has_a_symbol_of_its_own() -> None:
    assert SYMBOLS.keys() == set(Word)
    assert len(set(SYMBOLS.values())) == len(SYMBOLS)


@pytest.mark.parametrize(
    ("experiments", "sentence"),
    [
        ([], "The night trained nothing."),
        ([PASS], "one passes."),
        ([PASS, OTHER], "All 2 experiments pass."),
        ([UNJUDGED], "Nothing was judged."),
        ([REGRESSION], "three is a regression (accuracy 0.6100, 0.0900 below its baseline)."),
        (
            [REGRESSION, STALE, UNDECIDED, UNJUDGED, PASS, OTHER],
            "4 of 6 experiments need a look: three is a regression (accuracy 0.6100, 0.0900 below its baseline); "
            "four makes the baseline stale (gap 0.0500, 0.0500 below its baseline); five is undecided (accuracy "
            "0.7000, as its baseline); six was not judged; the other 2 pass.",
        ),
        (
            [STALE, PASS],
            "1 of 2 experiments needs a look: four makes the baseline stale (gap 0.0500, 0.0500 below its baseline); "
            "the other passes.",
        ),
        (
            [STALE, UNJUDGED, dataclasses.replace(UNJUDGED, experiment="seven")],
            "3 of 3 experiments need a look: four makes the baseline stale (gap 0.0500, 0.0500 below its baseline); "
            "six and seven were not judged; none passes.",
        ),
    ],
)
def test_the_night_s_answer_is_one_sentence(experiments: list[ExperimentResult], sentence: str) -> None:
    assert answer(experiments) == sentence


DRIFTED = "accuracy has drifted by -0.0200 since the night of 2026-01-20, over 12 nights"
APART = "1 of 2 repeated runs is not identical to its recorded run: a seed 0, since epoch 2."
REPEATS = [DIFFERS, dataclasses.replace(IDENTICAL, seed=1)]


@pytest.mark.parametrize(
    ("result", "word", "sentence"),
    [
        (make_result("a", "pass", drifts=[DRIFT]), "regression", f"a is a regression ({DRIFTED})."),
        (
            make_result("a", verdicts=[WORSE], drifts=[DRIFT]),
            "regression",
            f"a is a regression (accuracy 0.6100, 0.0900 below its baseline, and {DRIFTED}).",
        ),
        (
            make_result("a", "pass", drifts=[dataclasses.replace(DRIFT, word=Word.STALE)]),
            "stale",
            f"a makes the baseline stale ({DRIFTED}).",
        ),
        (make_result("a", "pass", exact=[IDENTICAL], must_be_identical=True), "pass", "a passes."),
        (make_result("a", "pass", exact=REPEATS), "pass", f"{APART} a passes."),
        (
            make_result("a", "pass", exact=REPEATS, must_be_identical=True),
            "not identical",
            f"{APART} a has a run that is not identical, which --exact does not allow.",
        ),
        (
            make_result("a", verdicts=[WORSE], exact=REPEATS, must_be_identical=True),
            "regression",
            f"{APART} a is a regression (accuracy 0.6100, 0.0900 below its baseline).",
        ),
    ],
)
def test_drifts_and_runs_that_are_not_identical_are_in_the_answer(
    result: ExperimentResult, word: str, sentence: str
) -> None:
    assert (result.word, answer([result])) == (word, sentence)


def test_of_many_runs_that_are_not_identical_the_first_are_named() -> None:
    repeats = [dataclasses.replace(DIFFERS, seed=seed) for seed in range(5)]
    assert repeated_runs([make_result("a", "pass", exact=repeats)]) == (
        "5 of 5 repeated runs are not identical to the recorded runs: a seed 0, since epoch 2; a seed 1, since epoch "
        "2; a seed 2, since epoch 2; 2 more."
    )


def test_the_message_and_the_reasons_begin_with_the_run_that_is_not_identical_then_the_drift() -> None:
    result = make_result("a", "pass", exact=REPEATS, must_be_identical=True, drifts=[DRIFT])
    assert failure_message(result, update_command="the command") == (
        "a on synthetic: seed 0 is not identical to its recorded run; accuracy is a regression over 12 nights\n"
        "  Seed 0 repeats a recorded run and differs since epoch 2: val_loss 1.5, +0.5 from the recorded run.\n"
        f"  A{DRIFTED[1:]}: regression.\n"
        "  Training got worse. If this is intended: the command"
    )
    only = make_result("a", "pass", exact=REPEATS, must_be_identical=True)
    assert failure_message(only, update_command="the command").endswith(
        "\n  The code or a library computes other values than before. If this is intended: the command"
    )
    assert failure_message(dataclasses.replace(only, must_be_identical=False), update_command="") == ""


def test_what_was_not_judged_says_so_beside_a_run_that_is_not_identical() -> None:
    result = make_result("a", problem="no weights", exact=REPEATS, must_be_identical=True)
    title, first, second, _ = failure_message(result, update_command="").splitlines()
    assert title == "a on synthetic: seed 0 is not identical to its recorded run; not judged"
    assert (first[2:8], second) == ("Seed 0", "  Not judged: no weights.")
    assert failure_message(UNJUDGED, update_command="") == f"six: not judged, {UNJUDGED.problem}"


def test_a_finding_is_named_after_accuracy_then_gap_then_what_is_farthest_out() -> None:
    cat = make_verdict("classes", "regression", today=0.5, baseline=0.6)
    dog = make_verdict("worst run", "regression", today=0.3, baseline=0.6)
    gap = make_verdict("gap", "regression", today=0.3, baseline=0.1)
    passing = make_verdict("accuracy", "pass")
    assert worst(make_result("a", verdicts=[cat, dog, passing])) == dog
    assert worst(make_result("a", verdicts=[cat, gap, dog, passing])) == gap
    assert worst(UNJUDGED) is None


def test_a_shift_says_how_far_and_to_which_side() -> None:
    assert shift(WORSE) == "accuracy 0.6100, 0.0900 below its baseline"
    assert shift(make_verdict("gap", today=0.12, baseline=0.1)) == "gap 0.1200, 0.0200 above its baseline"
    assert shift(make_verdict(today=0.70001)) == "accuracy 0.7000, as its baseline"


def test_an_experiment_that_was_not_judged_says_why() -> None:
    assert reasons(UNJUDGED) == ["Not judged: not every training gave a run (seed 2: diverged)."]


def _with_curves(run: Run, accuracy: list[float]) -> Run:
    same = [1.0] * len(accuracy)
    return dataclasses.replace(run, curves=Curves(same, same, same, accuracy))


MOVED = (
    "Accuracy 0.6100 (mean of 3 runs, 0.6100 to 0.6100) is 0.0900 below the baseline 0.7000 (mean of 3 runs, 0.7000 to "
    "0.7000)"
)


def test_the_reasons_say_what_moved_since_when_and_what_is_confused() -> None:
    recorded = [_with_curves(make_run(), [0.5, 0.6]), _with_curves(make_run(), [0.6, 0.7])]
    today = _with_curves(make_run(confusion=((2, 2), (1, 3))), [0.55, 0.5])
    found = reasons(make_result(verdicts=[WORSE, make_verdict("gap")], runs=[today], recorded=recorded))
    assert found == [
        f"{MOVED}: regression. The allowance is 0.0400 either way by its tolerance.",
        "The mean curves lie outside the range of the baseline's runs since epoch 2 in validation accuracy.",
        "Largest increase of a confusion: cat taken for dog, 25.0% to 50.0% of its images.",
    ]


def test_curves_that_differ_since_one_epoch_are_named_together_and_the_earliest_first() -> None:
    recorded = [dataclasses.replace(make_run(), curves=Curves([1.0] * 3, [0.5] * 3, [1.0] * 3, [0.5] * 3))]
    moved = Curves([1.0, 2.0, 2.0], [0.5, 0.5, 0.4], [1.0, 2.0, 2.0], [0.5, 0.5, 0.4])
    today = [dataclasses.replace(make_run(), curves=moved)]
    assert reasons(make_result(verdicts=[WORSE], runs=today, recorded=recorded))[1] == (
        "The mean curves lie outside the range of the baseline's runs since epoch 2 in train loss and validation "
        "loss; since epoch 3 in train accuracy and validation accuracy."
    )


def test_of_the_classes_the_three_that_moved_most_are_named() -> None:
    moved = {"bird": 0.6, "cat": 0.4, "deer": 0.65, "dog": 0.9}
    result = make_result(
        verdicts=[WORSE], runs=[make_run(f1=moved)], baseline=make_baseline(f1=dict.fromkeys(moved, [0.7] * 3))
    )
    assert (
        reasons(result)[1]
        == "Largest changes of F1: cat 0.7000 to 0.4000, dog 0.7000 to 0.9000, bird 0.7000 to 0.6000."
    )


def test_a_class_that_fails_has_a_reason_and_a_pass_has_none() -> None:
    fails = make_verdict("classes", "regression", today=0.5)
    result = make_result(verdicts=[fails], runs=[make_run(f1={"cat": 0.5, "dog": 0.8})], baseline=make_baseline())
    assert reasons(result)[1] == "Largest changes of F1: cat 0.6000 to 0.5000, dog 0.8000 to 0.8000."
    assert reasons(make_result(verdicts=[make_verdict("classes")], baseline=make_baseline())) == []


def test_curves_that_do_not_differ_and_missing_records_are_mentioned() -> None:
    run = make_run()
    assert reasons(make_result(verdicts=[WORSE], runs=[run], recorded=[run]))[1:] == [
        "The mean curves end inside the range of the baseline's runs.",
        "No confusion of two classes increased.",
    ]
    assert reasons(make_result(verdicts=[WORSE]))[1:] == [
        "The records of the baseline's runs are not available, so it is not known since which epoch the curves "
        "differ and which confusion increased."
    ]


def test_a_check_that_passes_any_change_for_the_better_has_an_allowance_on_one_side() -> None:
    run = make_run(f1={"cat": 0.6, "dog": 0.8})
    judged = judge({"simple_cnn": [run] * 3}, {"simple_cnn": make_baseline()}, false_alarm_rate=0.01, looks=(3,))
    for verdict in judged["simple_cnn"]:
        failed = dataclasses.replace(verdict, word=Word.REGRESSION, rule="tolerance")
        one_sided = verdict.metric in ("worst run", "classes")
        assert ("either way" in reasons(make_result(verdicts=[failed]))[0]) == (not one_sided)


BASELINE = make_baseline(
    accuracy=(0.68, 0.70, 0.72, 0.69, 0.71),
    gap=(0.08, 0.10, 0.12, 0.09, 0.11),
    f1={"cat": (0.58, 0.60, 0.62, 0.59, 0.61), "dog": (0.78, 0.80, 0.82, 0.79, 0.81)},
    tolerance=0.01,
)
RECORDED = [make_run(seed=seed, gap=0.05 + 0.025 * seed, confusion=((90, 10), (10, 90))) for seed in range(5)]


def _night(**changes: Any) -> list[Run]:
    """Return three runs like the baseline's, moved by the given amounts."""
    return [
        make_run(
            seed=seed,
            accuracy=0.70 + step + changes.get("accuracy", 0.0),
            gap=0.10 + step + changes.get("gap", 0.0),
            f1={"cat": 0.60 + step + changes.get("cat", 0.0), "dog": 0.80 + step + changes.get("dog", 0.0)},
            confusion=changes.get("confusion", ((90, 10), (10, 90))),
        )
        for seed, step in enumerate((-0.01, 0.0, 0.01))
    ]


def _judge(runs: Sequence[Run], baseline: Baseline = BASELINE, *, looks: Sequence[int] = (3,)) -> list[Verdict]:
    return judge({"simple_cnn": runs}, {"simple_cnn": baseline}, false_alarm_rate=0.01, looks=looks)["simple_cnn"]


def _message(runs: Sequence[Run], baseline: Baseline = BASELINE, *, recorded: Sequence[Run] = (), **night: Any) -> str:
    verdicts = _judge(runs, baseline, **night)
    result = make_result(verdicts=verdicts, runs=runs, baseline=baseline, recorded=recorded)
    return failure_message(result, update_command="the command")


def test_a_pass_has_no_failure_message() -> None:
    assert _message(_night(), recorded=RECORDED) == ""


def test_a_failure_message_is_a_title_the_reasons_and_what_to_do() -> None:
    runs = _night(accuracy=-0.2, cat=-0.05, dog=-0.04, confusion=((60, 40), (9, 91)))
    text = _message(runs, recorded=RECORDED)
    accuracy = _judge(_night(accuracy=-0.2, dog=-0.04))[0]
    assert text == (
        "simple_cnn on synthetic: accuracy is a regression\n"
        "  Accuracy 0.5000 (mean of 3 runs, 0.4900 to 0.5100) is 0.2000 below the baseline 0.7000 (mean of 5 runs, "
        "0.6800 to 0.7200): regression. "
        f"The allowance is {accuracy.allowance:.4f} either way by the t-test at the night's false-alarm rate; runs "
        "vary by 0.0141 (standard deviation).\n"
        "  Largest changes of F1: cat 0.6000 to 0.5500, dog 0.8000 to 0.7600.\n"
        "  The mean curves end inside the range of the baseline's runs.\n"
        "  Largest increase of a confusion: cat taken for dog, 10.0% to 40.0% of its images.\n"
        "  Training got worse. If this is intended: the command"
    )
    result = make_result(verdicts=_judge(runs), runs=runs, baseline=BASELINE, recorded=RECORDED)
    assert text.splitlines()[1:-1] == [f"  {reason}" for reason in reasons(result)]


def test_a_failure_message_is_ascii_so_that_every_console_shows_its_lines() -> None:
    for changes in ({"accuracy": -0.2}, {"gap": -0.2}, {"dog": -0.4}):
        assert _message(_night(**changes), recorded=RECORDED).isascii()


def test_the_title_names_each_check_that_fails() -> None:
    text = _message(_night(accuracy=-0.2, gap=-0.3, dog=-0.4))
    assert text.startswith(
        "simple_cnn on synthetic: accuracy is a regression; gap makes the baseline stale; classes is a regression\n"
    )


def test_a_stale_baseline_asks_for_a_leak_first() -> None:
    text = _message(_night(gap=-0.2), recorded=RECORDED)
    assert "look for a leak of evaluation images or a changed metric first. If the gain is real: the command" in text
    assert "got worse" not in text


def test_a_published_baseline_names_its_source_and_the_reason_of_its_tolerance() -> None:
    text = _message(_night(gap=0.1), make_published(accuracy=0.7, gap=0.169))
    assert (
        "Gap 0.2000 (mean of 3 runs, 0.1900 to 0.2100) is 0.0310 above the baseline 0.1690 (published, one value): "
        "regression. The allowance is 0.0200 either way by its tolerance: what the report's one run leaves open.\n"
    ) in text
    assert "F1" not in text


def test_a_difference_within_a_wide_tolerance_is_not_blamed_on_the_spread() -> None:
    wide = make_baseline(accuracy=(0.70, 0.70, 0.70), tolerance=0.1, tolerance_reason="as wide as that")
    same = [make_run(seed=seed, accuracy=0.5) for seed in range(3)]
    assert "The allowance is 0.1000 either way by its tolerance: as wide as that.\n" in _message(same, wide)


def test_an_undecided_verdict_says_between_what_it_lies() -> None:
    for half_thousandths in range(200):
        runs = _night(accuracy=-0.02 - half_thousandths / 2000)
        (accuracy, *_) = _judge(runs, looks=(2, 3))
        if accuracy.word == "undecided":
            break
    else:
        pytest.fail("no accuracy is undecided")
    text = _message(runs, recorded=RECORDED, looks=(2, 3))
    assert text.startswith("simple_cnn on synthetic: accuracy is undecided\n")
    between = (
        f"A change of {accuracy.inner_allowance:.4f} passes, one of more than {accuracy.allowance:.4f} fails by the "
        "t-test"
    )
    assert between in text
    assert text.endswith("train more seeds (--max-seeds), or measure the baseline with more seeds")
    assert "got worse" not in text


def test_what_an_experiment_was_compared_with_is_a_sentence() -> None:
    judged = make_result("a", "pass", baseline=make_baseline())
    assert held_against(judged) == "Compared with the measured baseline of 3 runs, set 2025-01-31: the first."
    assert held_against(dataclasses.replace(judged, baseline=None)) == (
        "Compared with the measured baseline, set 2025-01-31: the first."
    )
    assert held_against(UNJUDGED) == ""


@pytest.mark.parametrize(
    ("values", "text"), [([], ""), ([1.5], "1.5"), ([1.52, 1.48], "1.5"), ([1, 2], "1.5 (1.0 to 2.0)")]
)
def test_a_range_is_shown_where_there_is_one(values: list[float], text: str) -> None:
    assert mean_and_range(values, 1) == text
