"""The published table beside ours on the official images: distances, curves, classes and conditions."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from benchmarks.documents import reproduction
from cifar_models.datasets.batches import CLASS_NAMES
from cifar_models.results.run import Run
from cifar_models.results.run_files import write_run
from tests.factories import make_baseline, make_run

pytestmark = pytest.mark.unit

F1 = dict.fromkeys(CLASS_NAMES, 0.5)


def _run(seed: int, accuracy: float, val_accuracy: list[float] | None = None) -> Run:
    run = make_run("simple_cnn", seed, accuracy=accuracy, gap=0.169, dataset="cifar10", f1=F1)
    if val_accuracy is None:
        return run
    curves = {each.name: val_accuracy for each in dataclasses.fields(run.curves)}
    return dataclasses.replace(run, curves=dataclasses.replace(run.curves, **curves))


def _rows(table: str) -> dict[str, list[str]]:
    """Return the cells of each line of a Markdown table behind the first two, by these."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "|" in line]
    return {" ".join(cells[:2]): cells[2:] for cells in lines}


def test_a_published_value_is_held_against_one_further_run_of_ours() -> None:
    # The mean is 0.68, the standard deviation 0.01: the 99 % interval of 3 runs is 9.925 * 0.01 * sqrt(4 / 3).
    rows = _rows(reproduction.distances({"simple_cnn": [_run(seed, 0.67 + 0.01 * seed) for seed in range(3)]}))
    assert rows["`simple_cnn` accuracy"] == ["0.6763", "0.6800 ± 0.0100", "3", "-0.0037", "-0.4", "yes"]
    rows = _rows(reproduction.distances({"simple_cnn": [_run(seed, 0.79 + 0.01 * seed) for seed in range(3)]}))
    assert rows["`simple_cnn` accuracy"][-3:] == ["-0.1237", "-12.4", "no"]


def test_what_was_not_measured_is_said_so_and_never_inside() -> None:
    rows = _rows(reproduction.distances({"simple_cnn": [_run(0, 0.6763)]}))
    assert rows["`simple_cnn` accuracy"] == ["0.6763", "not measured", "1", "-", "-", "-"]
    assert rows["`resnet50_frozen` accuracy"] == ["0.3491", "not measured", "0", "-", "-", "-"]
    for part in (reproduction.curves_by_epoch, reproduction.classes, reproduction.conditions):
        assert part({}) == "Not measured yet."


def test_each_epoch_has_the_published_value_and_the_runs_that_reached_it() -> None:
    runs = [_run(0, 0.7, [0.5] * 8), _run(1, 0.7, [0.6] * 9)]
    rows = [line.split("|")[1:-1] for line in reproduction.curves_by_epoch({"simple_cnn": runs}).splitlines()]
    cells = [[cell.strip() for cell in row] for row in rows if row and row[0].strip().isdigit()]
    assert cells[0] == ["1", "0.5828", "0.5500 ± 0.0707", "0.5000 to 0.6000", "2"]
    assert cells[8] == ["9", "stopped", "0.6000", "0.6000 to 0.6000", "1"]
    assert len(cells) == 9


def test_what_has_no_published_curve_has_ours_by_epoch() -> None:
    runs = {"improved_cnn": [_run(0, 0.7, [0.5, 0.7])], "resnet50_frozen": [_run(0, 0.3, [0.1]), _run(1, 0.3, [0.2])]}
    rows = _rows(reproduction.curves_by_epoch(runs))
    assert rows["epoch `improved_cnn`"] == ["`resnet50_frozen`"]
    assert rows["1 0.5000"] == ["0.1500 ± 0.0707"]
    assert rows["2 0.7000"] == [""]


def test_trials_on_the_official_images_are_one_row_each(tmp_path: Path) -> None:
    path = tmp_path / "published.jsonl"
    assert reproduction.trials(path) == "Not measured yet."
    curves = {"accuracy": [0.6, 0.9], "val_accuracy": [0.7, 0.65]}
    records = [
        {"trial": "shuffled", "dataset": "cifar10", **curves},
        {"trial": "shuffled", "dataset": "synthetic", **curves},
        {"trial": "shuffled", "dataset": "cifar10", "accuracy": [0.6], "val_accuracy": [0.5]},
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    assert _rows(reproduction.trials(path))["shuffled 2"] == ["0.6000 ± 0.1414", "0.1750 ± 0.1061", "1.5"]


def test_only_runs_behind_the_baseline_on_official_images_count(tmp_path: Path) -> None:
    runs = [_run(seed, accuracy) for seed, accuracy in enumerate((0.69, 0.7, 0.71))]
    for run in runs:
        write_run(tmp_path, run)
    entry = make_baseline(fingerprints=runs[0].fingerprints)
    assert reproduction.official_runs({"simple_cnn": {"cifar10-unofficial": {"measured": entry}}}, tmp_path) == {}
    found = reproduction.official_runs({"simple_cnn": {"cifar10": {"measured": entry}}}, tmp_path)
    assert {name: [run.seed for run in some] for name, some in found.items()} == {"simple_cnn": [0, 1, 2]}
    assert "| `simple_cnn` | 0 to 2  | `none`" in reproduction.conditions(found)
    assert "0.5000 ± 0.0000" in reproduction.classes(found)
    text = reproduction.figure(found)
    assert text.startswith("![")
    assert text.endswith(f"]({reproduction.FIGURE})")
    assert "mean of 3 runs of ours" in text
