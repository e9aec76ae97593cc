"""The tables at a night's end: every number as it was formatted, every item in a line."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import pytest

from benchmarks.baselines.baseline import Baseline, Baselines
from benchmarks.judging.judge import judge
from benchmarks.records.trainings import Outcome, Training
from benchmarks.report.terminal import changes_table, published_table, trainings_table, verdicts_table
from benchmarks.statistics.verdict import Verdict
from tests.factories import make_baseline, make_published, make_run

pytestmark = pytest.mark.unit


def _cells(table: str) -> list[list[str]]:
    """Return the table's lines as cells, without the rule; a column is as wide as the rule's dashes."""
    header, rule, *lines = table.splitlines()
    edges = [0]
    for width in map(len, rule.split("  ")):
        edges.append(edges[-1] + width + 2)
    return [[line[start:end].strip() for start, end in pairwise(edges)] for line in (header, *lines)]


def _verdicts(*, baseline: Baseline | None = None, **changes: Any) -> dict[str, list[Verdict]]:
    runs = [make_run(seed=seed, **changes) for seed in range(3)]
    baseline = baseline or make_baseline()
    return judge({"simple_cnn": runs}, {"simple_cnn": baseline}, false_alarm_rate=0.01, looks=(3,))


def test_each_training_is_a_line_with_its_numbers() -> None:
    rows = [
        Training("simple_cnn", 3, Outcome.TRAINED, make_run(seed=3, accuracy=0.65, gap=0.05)),
        Training("vgg16_frozen", 1, Outcome.DIVERGED),
    ]
    assert _cells(trainings_table(rows)) == [
        ["experiment", "seed", "accuracy", "gap", "epochs", "minutes", "training"],
        ["simple_cnn", "3", "0.6500", "0.0500", "2", "1.5", Outcome.TRAINED],
        ["vgg16_frozen", "1", "", "", "", "", Outcome.DIVERGED],
    ]


def test_the_verdicts_have_a_line_for_each_metric() -> None:
    baseline = make_baseline(gap=(0.02, 0.10, 0.18), loss=(0.99, 1.0, 1.01), nats_per_point=0.025)
    verdicts = _verdicts(baseline=baseline, accuracy=0.72, gap=0.1, loss=1.0)
    (accuracy, loss, gap, _, classes) = verdicts["simple_cnn"]
    header, *lines = _cells(verdicts_table(verdicts, {}))
    assert header == [
        *("experiment", "metric", "baseline", "today", "seeds", "difference", "allowance", "by", "catches", "verdict"),
    ]
    catches = [
        f"{100 * (accuracy.smallest_drop or 0):.1f} points",
        f"{(loss.smallest_drop or 0) / 0.025:.1f} points at 0.025 nats",
        *(f"{verdict.smallest_drop:.4f}" for verdict in (gap, classes)),
    ]
    allowed = [f"{verdict.allowance:.4f}" for verdict in (accuracy, loss, gap, classes)]
    assert lines == [
        ["simple_cnn", "accuracy", "0.7000", "0.7200", "3", "+0.0200", allowed[0], "tolerance", catches[0], "pass"],
        ["simple_cnn", "loss", "1.0000", "1.0000", "3", "+0.0000", allowed[1], "tolerance", catches[1], "pass"],
        ["simple_cnn", "gap", "0.1000", "0.1000", "3", "+0.0000", allowed[2], "t-test", catches[2], "pass"],
        ["simple_cnn", "classes", "0.0000", "0.0000", "3", "+0.0000", allowed[3], "tolerance", catches[3], "pass"],
    ]


def test_a_published_baseline_says_that_its_tolerance_judges_and_that_no_drop_is_known() -> None:
    table = verdicts_table(_verdicts(baseline=make_published(accuracy=0.71, gap=None)), {})
    assert _cells(table)[1:] == [
        [
            *("simple_cnn", "accuracy", "0.7100", "0.7000", "3", "-0.0100", "0.0200"),
            *("published tolerance", "not known", "pass"),
        ]
    ]


def test_what_was_not_judged_is_a_line_with_the_reason() -> None:
    lines = _cells(verdicts_table({}, {"simple_cnn": "seed 1 diverged"}))[1:]
    assert lines == [["simple_cnn", *[""] * 8, "not judged: seed 1 diverged"]]


def test_only_runs_on_the_official_files_stand_beside_the_published_numbers() -> None:
    baselines: Baselines = {
        "simple_cnn": {"cifar10": {"published": make_published(accuracy=0.6763, gap=0.169)}},
        "vgg16_frozen": {"cifar10": {"published": make_published(accuracy=0.5769, gap=None)}},
        "improved_cnn": {"cifar10": {"published": make_published()}},
        "resnet50_frozen": {"cifar10": {"measured": make_baseline()}},
    }

    def official(name: str, seed: int = 0, **options: Any) -> Training:
        return Training(name, seed, Outcome.TRAINED, make_run(name, seed, dataset="cifar10", **options))

    trainings = [
        official("simple_cnn", accuracy=0.60, gap=0.1),
        official("simple_cnn", 1, accuracy=0.70, gap=0.2),
        Training("simple_cnn", 2, Outcome.DIVERGED),
        official("vgg16_frozen", weights="ImageNet, VGG16"),
        Training("improved_cnn", 0, Outcome.NO_BASELINE),
        official("resnet50_frozen"),
    ]
    assert _cells(published_table(baselines, trainings)) == [
        ["experiment", "published accuracy", "ours", "published gap", "ours", "seeds", "weights"],
        ["simple_cnn", "0.6763", "0.6500", "0.1690", "0.1500", "2", "none"],
        ["vgg16_frozen", "0.5769", "0.7000", "not published", "0.1000", "1", "ImageNet, VGG16"],
    ]
    for dataset in ("synthetic", "cifar10-unofficial"):
        others = [Training("simple_cnn", 0, Outcome.TRAINED, make_run(dataset=dataset))]
        assert published_table(baselines, others) == ""


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
        ["improved_cnn", "synthetic", "F1, all classes", "none", "0.7000", "none", "0.0500"],
        ["simple_cnn", "synthetic", "accuracy", "0.7000", "0.8000", "0.0400", "0.0500"],
        ["simple_cnn", "synthetic", "gap", "0.1000", "0.1000", "0.0400", "0.0500"],
        ["simple_cnn", "synthetic", "F1, all classes", "0.7000", "0.7000", "0.0400", "0.0500"],
    ]


def test_tables_are_ascii_so_that_every_console_shows_their_lines() -> None:
    table = verdicts_table(_verdicts(accuracy=0.5, f1={"cat": 0.1, "dog": 0.99}), {"simple_cnn": "seed 1 diverged"})
    assert table.isascii()
    assert trainings_table([Training("simple_cnn", 0, Outcome.TRAINED, make_run())]).isascii()
