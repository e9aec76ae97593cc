"""What a night came to, in sentences that somebody reads over coffee."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks.records.night_results import ExperimentResult
from benchmarks.report.wording import SYMBOLS, answer, mean_and_range, reasons, shift, summary, worst
from benchmarks.statistics.word import Word
from cifar_models.results.run import Curves, Run
from tests.factories import make_result, make_run, make_verdict

pytestmark = pytest.mark.unit

WORSE = make_verdict(word="regression", today=0.61, baseline=0.7)
PASS, OTHER = make_result("one", "pass"), make_result("two", "pass")
REGRESSION = make_result("three", verdicts=[WORSE])
STALE = make_result("four", verdicts=[make_verdict("gap", "stale", today=0.05, baseline=0.1)])
UNDECIDED = make_result("five", "undecided")
UNJUDGED = make_result("six", problem="not every training gave a run (seed 2: diverged)")


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
            "four makes its baseline stale (gap 0.0500, 0.0500 below its baseline); five is undecided (accuracy "
            "0.7000, as its baseline); six was not judged; the other 2 pass.",
        ),
        (
            [STALE, PASS],
            "1 of 2 experiments needs a look: four makes its baseline stale (gap 0.0500, 0.0500 below its baseline); "
            "the other passes.",
        ),
        (
            [STALE, UNJUDGED, dataclasses.replace(UNJUDGED, experiment="seven")],
            "3 of 3 experiments need a look: four makes its baseline stale (gap 0.0500, 0.0500 below its baseline); "
            "six and seven were not judged; none passes.",
        ),
    ],
)
def test_the_night_s_answer_is_one_sentence(experiments: list[ExperimentResult], sentence: str) -> None:
    assert answer(experiments) == sentence


def test_a_finding_is_named_after_accuracy_then_gap_then_the_class_farthest_out() -> None:
    cat = make_verdict("F1 of cat", "regression", today=0.5, baseline=0.6)
    dog = make_verdict("F1 of dog", "regression", today=0.3, baseline=0.6)
    gap = make_verdict("gap", "regression", today=0.3, baseline=0.1)
    passing = make_verdict("accuracy", "pass")
    assert worst(make_result("a", verdicts=[cat, dog, passing])) == dog
    assert worst(make_result("a", verdicts=[cat, gap, dog, passing])) == gap
    with pytest.raises(ValueError, match="found no verdict"):
        worst(UNJUDGED)


def test_a_shift_says_how_far_and_to_which_side() -> None:
    assert shift(WORSE) == "accuracy 0.6100, 0.0900 below its baseline"
    assert shift(make_verdict("gap", today=0.12, baseline=0.1)) == "gap 0.1200, 0.0200 above its baseline"
    assert shift(make_verdict(today=0.70001)) == "accuracy 0.7000, as its baseline"


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (REGRESSION, "Accuracy 0.6100, 0.0900 below its baseline: outside the ±0.0400 that its tolerance allows."),
        (PASS, "Accuracy 0.7000, as its baseline: inside the ±0.0400 that its tolerance allows."),
        (UNDECIDED, "Accuracy 0.7000, as its baseline: at the edge of the ±0.0400 that its tolerance allows."),
        (UNJUDGED, "Not judged: not every training gave a run (seed 2: diverged)."),
    ],
)
def test_an_experiment_s_sentence(result: ExperimentResult, sentence: str) -> None:
    assert summary(result) == sentence


def _with_curves(run: Run, accuracy: list[float]) -> Run:
    same = [1.0] * len(accuracy)
    return dataclasses.replace(run, curves=Curves(same, same, same, accuracy))


def test_the_reasons_say_what_moved_since_when_and_what_is_confused() -> None:
    recorded = [_with_curves(make_run(), [0.5, 0.6]), _with_curves(make_run(), [0.6, 0.7])]
    today = _with_curves(make_run(confusion=((2, 2), (1, 3))), [0.55, 0.5])
    found = reasons(make_result(verdicts=[WORSE, make_verdict("gap")], runs=[today], recorded=recorded))
    assert found == [
        "Accuracy 0.6100, 0.0900 below its baseline: regression, ±0.0400 is allowed.",
        "The curves part at epoch 2: the mean lies outside the range of the baseline's runs since epoch 2 of "
        "validation accuracy.",
        "Confusion that grew most: cat taken for dog, 25.0% to 50.0% of its images.",
    ]


def test_curves_that_part_together_are_named_together_and_the_earliest_first() -> None:
    recorded = [dataclasses.replace(make_run(), curves=Curves([1.0] * 3, [0.5] * 3, [1.0] * 3, [0.5] * 3))]
    moved = Curves([1.0, 2.0, 2.0], [0.5, 0.5, 0.4], [1.0, 2.0, 2.0], [0.5, 0.5, 0.4])
    today = [dataclasses.replace(make_run(), curves=moved)]
    assert reasons(make_result(verdicts=[WORSE], runs=today, recorded=recorded))[1] == (
        "The curves part at epoch 2: the mean lies outside the range of the baseline's runs since epoch 2 of train "
        "loss and validation loss; since epoch 3 of train accuracy and validation accuracy."
    )


def test_of_the_classes_the_three_that_moved_most_are_named() -> None:
    classes = [
        make_verdict(f"F1 of {name}", "regression", today=0.7 - part)
        for name, part in (("bird", 0.1), ("cat", 0.3), ("deer", 0.05), ("dog", 0.2))
    ]
    assert reasons(make_result(verdicts=[*classes, make_verdict("F1 of ship")]))[0] == (
        "F1 of 4 classes out of bounds, most: cat 0.7000 to 0.4000, dog 0.7000 to 0.5000, bird 0.7000 to 0.6000."
    )
    assert reasons(make_result(verdicts=classes[:1]))[0] == (
        "F1 of 1 class out of bounds, most: bird 0.7000 to 0.6000."
    )


def test_curves_that_do_not_part_and_runs_not_at_hand_are_said() -> None:
    run = make_run()
    assert reasons(make_result(verdicts=[WORSE], runs=[run], recorded=[run]))[1:] == [
        "The mean curves end inside the range of the baseline's runs.",
        "No confusion of two classes grew.",
    ]
    assert reasons(make_result(verdicts=[WORSE]))[1:] == [
        "The records of the baseline's runs are not at hand: since when the curves part is not known."
    ]


@pytest.mark.parametrize(
    ("values", "text"), [([], ""), ([1.5], "1.5"), ([1.52, 1.48], "1.5"), ([1, 2], "1.5 (1.0 to 2.0)")]
)
def test_a_range_is_shown_where_there_is_one(values: list[float], text: str) -> None:
    assert mean_and_range(values, 1) == text
