"""The tables at a night's end: every number as it was formatted, every item in a line."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest

from benchmarks.baselines import Baselines
from benchmarks.judge import judge
from benchmarks.report import Row, changes_table, published_table, summary_table
from tests.factories import make_baseline, make_published, make_run

pytestmark = pytest.mark.unit


def _cells(table: str) -> list[list[str]]:
    """Return the table's lines as cells, without the rule; a column is as wide as the rule's dashes."""
    header, rule, *lines = table.splitlines()
    edges = [0]
    for width in map(len, rule.split("  ")):
        edges.append(edges[-1] + width + 2)
    return [[line[start:end].strip() for start, end in pairwise(edges)] for line in (header, *lines)]


def _judged(accuracy: float, gap: float, verdict: str, seed: int = 0) -> Row:
    run = make_run(seed=seed, accuracy=accuracy, gap=gap)
    return Row("simple_cnn", seed, verdict, run, judge(run, make_baseline(), update_command=""))


def test_the_summary_has_every_column() -> None:
    header, line = _cells(summary_table([_judged(0.65, 0.05, "accuracy regression, gap stale", seed=3)]))
    assert header == [
        *("experiment", "seed", "accuracy", "baseline", "difference", "allowance"),
        *("gap", "baseline", "difference", "allowance", "epochs", "minutes", "verdict"),
    ]
    assert line == [
        *("simple_cnn", "3", "0.6500", "0.7000", "-0.0500", "0.0400"),
        *("0.0500", "0.1000", "-0.0500", "0.0400", "2", "1.5", "accuracy regression, gap stale"),
    ]


def test_trailing_zeros_and_signs_are_kept() -> None:
    _, line = _cells(summary_table([_judged(0.72, 0.1, "pass")]))
    assert line[2:6] == ["0.7200", "0.7000", "+0.0200", "0.0400"]
    assert line[8] == "+0.0000"


def test_a_row_without_a_run_has_its_place_and_its_word() -> None:
    rows = [_judged(0.7, 0.1, "pass"), Row("vgg16_frozen", 1, "TrainingDiverged"), _judged(0.7, 0.1, "pass", 2)]
    cells = _cells(summary_table(rows))
    assert [line[:2] for line in cells[1:]] == [["simple_cnn", "0"], ["vgg16_frozen", "1"], ["simple_cnn", "2"]]
    assert cells[2] == ["vgg16_frozen", "1", *[""] * 10, "TrainingDiverged"]


def test_a_run_that_was_not_judged_has_its_own_numbers_alone() -> None:
    _, line = _cells(summary_table([Row("simple_cnn", 0, "recorded", make_run())]))
    assert line == ["simple_cnn", "0", "0.7000", "", "", "", "0.1000", "", "", "", "2", "1.5", "recorded"]


def test_a_metric_without_a_baseline_has_its_own_number_alone() -> None:
    run = make_run()
    row = Row("simple_cnn", 0, "pass", run, judge(run, make_published(accuracy=0.7, gap=None), update_command=""))
    _, line = _cells(summary_table([row]))
    assert line[2:10] == ["0.7000", "0.7000", "+0.0000", "0.0200", "0.1000", "", "", ""]


def test_the_published_table_has_ours_beside_it() -> None:
    baselines: Baselines = {
        "simple_cnn": {"cifar10": {"published": make_published(accuracy=0.6763, gap=0.169)}},
        "vgg16_frozen": {"cifar10": {"published": make_published(accuracy=0.5769, gap=None)}},
        "improved_cnn": {"cifar10": {"published": make_published()}},
        "resnet50_frozen": {"cifar10": {"measured": make_baseline()}},
    }
    rows = [
        Row("simple_cnn", 0, "pass", make_run(accuracy=0.60, gap=0.1)),
        Row("simple_cnn", 1, "pass", make_run(seed=1, accuracy=0.70, gap=0.2)),
        Row("simple_cnn", 2, "TrainingDiverged"),
        Row("vgg16_frozen", 0, "pass", make_run("vgg16_frozen", weights="random (seed 0)")),
        Row("improved_cnn", 0, "no baseline"),
        Row("resnet50_frozen", 0, "pass", make_run("resnet50_frozen")),
    ]
    assert _cells(published_table(baselines, rows)) == [
        ["experiment", "published accuracy", "ours", "published gap", "ours", "seeds", "data", "weights"],
        ["simple_cnn", "0.6763", "0.6500", "0.1690", "0.1500", "2", "synthetic", "none"],
        ["vgg16_frozen", "0.5769", "0.7000", "not published", "0.1000", "1", "synthetic", "random (seed 0)"],
    ]


def test_the_changes_are_those_entries_that_differ_with_old_and_new() -> None:
    same, published = make_baseline(), make_published()
    before: Baselines = {
        "simple_cnn": {"synthetic": {"measured": make_baseline(), "published": published}},
        "vgg16_frozen": {"synthetic": {"measured": same}},
    }
    new = make_baseline(accuracy=(0.80, 0.80, 0.80), tolerance=0.05)
    after: Baselines = {
        "improved_cnn": {"synthetic": {"measured": new}},
        "simple_cnn": {"synthetic": {"measured": new, "published": published}},
        "vgg16_frozen": {"synthetic": {"measured": dataclasses.replace(same)}},
    }
    assert _cells(changes_table(before, after)) == [
        ["experiment", "data", "metric", "old mean", "new mean", "old tolerance", "new tolerance"],
        ["improved_cnn", "synthetic", "accuracy", "none", "0.8000", "none", "0.0500"],
        ["improved_cnn", "synthetic", "gap", "none", "0.1000", "none", "0.0500"],
        ["simple_cnn", "synthetic", "accuracy", "0.7000", "0.8000", "0.0400", "0.0500"],
        ["simple_cnn", "synthetic", "gap", "0.1000", "0.1000", "0.0400", "0.0500"],
    ]
