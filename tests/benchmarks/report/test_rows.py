"""An experiment's row: every judged metric is in it, and its strip says what the numbers say."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks.judging.judge import CLASSES, WORST
from benchmarks.records.history import NightOfExperiment
from benchmarks.records.night_folder import BaselineMark
from benchmarks.report.rows import Cell, cells, metrics_of
from cifar_models.results.run import Curves
from tests.factories import make_result, make_run, make_verdict

pytestmark = pytest.mark.unit


def _cell(label: str, row: list[Cell]) -> Cell:
    return next(cell for cell in row if cell.label == label)


def test_each_judged_metric_has_a_column() -> None:
    verdicts = [make_verdict(name) for name in ("accuracy", "calibration")]
    assert metrics_of([make_result(verdicts=verdicts), make_result()]) == ["accuracy", "gap", "loss", "calibration"]
    row = cells(make_result(verdicts=verdicts), ["accuracy", "gap", "loss", "calibration"])
    labels = ["accuracy", "gap", "loss", "calibration", "catches", "last nights", "minutes"]
    assert [cell.label for cell in row] == labels
    assert _cell("calibration", row).value == "0.7000"


@pytest.mark.parametrize(("word", "columns"), [("pass", []), ("regression", [WORST])])
def test_the_worst_run_has_a_column_where_it_does_not_pass(word: str, columns: list[str]) -> None:
    result = make_result(verdicts=[make_verdict(), make_verdict(WORST, word)])
    assert metrics_of([result]) == ["accuracy", "gap", "loss", *columns]


def test_a_metric_shows_its_mean_and_its_distance_from_the_baseline() -> None:
    row = cells(make_result(verdicts=[make_verdict(today=0.68)], runs=[make_run(gap=0.1), make_run(gap=0.2)]), ["gap"])
    assert row[0] == Cell("gap", "0.1500")
    row = cells(make_result(verdicts=[make_verdict(today=0.68)]), ["accuracy"])
    assert (row[0].value, row[0].difference, _cell("catches", row).value) == ("0.6800", "-0.0200", "0.0500")
    assert _cell("minutes", row).value == "1.50"


def test_a_night_catches_what_the_better_of_accuracy_and_loss_sees() -> None:
    accuracy = dataclasses.replace(make_verdict(smallest_drop=0.012), per_point=0.01)
    loss = dataclasses.replace(make_verdict("loss", smallest_drop=0.02), per_point=0.025)
    gap = dataclasses.replace(make_verdict("gap", smallest_drop=0.001), per_point=0.01)
    for verdicts, said in (
        ([accuracy, loss, gap], "0.8 points at 0.025 nats"),
        ([accuracy, dataclasses.replace(loss, smallest_drop=0.04)], "1.2 points"),
        ([dataclasses.replace(accuracy, smallest_drop=None), loss], "0.8 points at 0.025 nats"),
    ):
        assert _cell("catches", cells(make_result(verdicts=verdicts), ["accuracy"])).value == said


def test_a_loss_is_that_of_the_evaluation_where_it_was_recorded() -> None:
    assert cells(make_result(runs=[make_run(loss=0.875)]), ["loss"])[0] == Cell("loss", "0.8750")


def test_a_loss_that_was_not_recorded_is_that_of_the_epoch_whose_weights_are_kept() -> None:
    curves = Curves(loss=[1.0] * 3, accuracy=[0.5] * 3, val_loss=[0.75, 0.5, 0.25], val_accuracy=[0.5, 0.75, 0.5])
    run = dataclasses.replace(make_run(), curves=curves)
    assert cells(make_result(runs=[run]), ["loss"])[0] == Cell("loss", "0.5000")


def test_a_strip_has_every_run_in_order_and_the_mean_inside_what_is_allowed() -> None:
    verdict = dataclasses.replace(
        make_verdict(today=0.68), baseline_values=[0.65, 0.7, 0.75], today_values=[0.67, 0.68, 0.69]
    )
    strip = cells(make_result(verdicts=[verdict]), ["accuracy"])[0].strip
    assert strip is not None
    low, high = strip.allowed
    assert strip.baseline[0] < low < strip.today[0] < strip.mean == strip.today[1] < strip.today[2] < high
    assert high < strip.baseline[2]
    assert min(strip.baseline) == 6.0
    assert max(strip.baseline) == 114.0
    assert strip.text == "accuracy 0.6800, inside the allowed 0.6600 to 0.7400"


@pytest.mark.parametrize(("today", "where"), [(0.6, "below"), (0.8, "above")])
def test_a_mean_outside_is_drawn_and_described_outside(today: float, where: str) -> None:
    strip = cells(make_result(verdicts=[make_verdict(word="regression", today=today)]), ["accuracy"])[0].strip
    assert strip is not None
    assert f", {where} the allowed" in strip.text
    assert (strip.mean < strip.allowed[0]) == (where == "below")
    assert (strip.mean > strip.allowed[1]) == (where == "above")


@pytest.mark.parametrize(
    ("metric", "better", "open_end", "allowed"),
    [(WORST, 0.8, 114.0, "0.6600 or more"), (CLASSES, 0.6, 6.0, "0.7400 or less")],
)
def test_a_one_sided_check_allows_all_that_is_better(metric: str, better: float, open_end: float, allowed: str) -> None:
    strip = cells(make_result(verdicts=[make_verdict(metric, today=better)]), [metric])[0].strip
    assert strip is not None
    assert strip.allowed[0] <= strip.mean <= strip.allowed[1]
    assert open_end in strip.allowed
    assert strip.text == f"{metric} {better:.4f}, inside the allowed {allowed}"


def test_values_that_do_not_differ_are_a_strip_all_the_same() -> None:
    strip = cells(make_result(verdicts=[make_verdict(allowance=0.0)]), ["accuracy"])[0].strip
    assert strip is not None
    assert {*strip.allowed, *strip.baseline, *strip.today, strip.mean} == {6.0}


def test_what_is_not_known_is_left_empty_or_named() -> None:
    row = cells(make_result(runs=[], problem="no weights"), ["accuracy", "loss"])
    assert {cell.value for cell in row} == {""}
    verdict = make_verdict(smallest_drop=None)
    assert _cell("catches", cells(make_result(verdicts=[verdict]), ["accuracy"])).value == "not known"


def test_the_last_nights_are_compared_with_their_baseline() -> None:
    mark = BaselineMark("measured", "2025-01-31", "the first", "sha256:first")
    history = [
        NightOfExperiment(f"2026-01-0{day}T02:00:00+00:00", [0], {"accuracy": [value]}, mark, {"accuracy": 0.7})
        for day, value in ((1, 0.66), (2, 0.68))
    ]
    row = cells(make_result("a", "pass"), ["accuracy"], history)
    assert _cell("last nights", row).value == "-0.0300 over 2"
