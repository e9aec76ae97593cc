"""The published comparison: the report's numbers as they stood, ours beside them, and where ours come from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from benchmarks.baselines.baseline import Baselines
from benchmarks.baselines.published_numbers import PUBLISHED_NUMBERS
from benchmarks.judging.night_results import ExperimentResult, NightResults
from benchmarks.records.night_folder import NightRecord
from benchmarks.report.published_section import comparable_runs, published_panels, published_section
from cifar_models.datasets.batches import CLASS_NAMES
from cifar_models.experiments import EXPERIMENTS
from cifar_models.results.run import Run
from cifar_models.results.run_files import write_run
from tests.factories import make_baseline, make_result, make_run

pytestmark = pytest.mark.integration

F1 = dict.fromkeys(CLASS_NAMES, 0.5)


def _run(seed: int = 0, accuracy: float = 0.7, dataset: str = "cifar10-unofficial", name: str = "simple_cnn") -> Run:
    return make_run(name, seed, accuracy=accuracy, gap=0.125, dataset=dataset, f1=F1)


def _night(dataset: str, *experiments: ExperimentResult) -> NightResults:
    return NightResults(
        Path("night"), NightRecord(dataset, "sha256:data", "2026-01-31T02:00:00+00:00"), experiments, []
    )


@pytest.fixture
def records(tmp_path: Path) -> Path:
    for seed, accuracy in enumerate((0.69, 0.7, 0.71)):
        write_run(tmp_path, _run(seed, accuracy))
    return tmp_path


BASELINES: Baselines = {"simple_cnn": {"cifar10-unofficial": {"measured": make_baseline()}}}


def test_a_night_on_other_images_shows_the_runs_behind_the_baseline_on_cifar10(records: Path) -> None:
    night = _night("synthetic", make_result(runs=[_run(dataset="synthetic")]))
    runs = comparable_runs(night, BASELINES, records)
    assert {name: [run.accuracy for run in some] for name, some in runs.items()} == {"simple_cnn": [0.69, 0.7, 0.71]}


def test_a_night_on_cifar10_shows_its_own_runs(records: Path) -> None:
    own = [_run(accuracy=0.68, dataset="cifar10")]
    night = _night("cifar10", make_result(runs=own), make_result("of_ones_own", runs=own), make_result(runs=[]))
    assert comparable_runs(night, BASELINES, records) == {"simple_cnn": own}


def test_each_published_number_stands_with_ours_beside_it() -> None:
    table = published_section({"simple_cnn": [_run(0, 0.69), _run(1, 0.71)]}, []).experiments
    assert [row[0] for row in table.rows] == list(PUBLISHED_NUMBERS)
    assert table.rows[0] == (
        *("simple_cnn", "0.6763", "0.7000 ± 0.0141", "not measured", "not measured", "0.169", "0.1250 ± 0.0000"),
        *("2 on JPEG copies of the CIFAR-10 images", PUBLISHED_NUMBERS["simple_cnn"].comment),
    )
    assert table.rows[3][1:5] == ("0.3491", *["not measured"] * 3)
    assert table.rows[3][5:8] == ("not published", "not measured", "none")
    assert {len(row) for row in table.rows} == {len(table.headers)}


def test_runs_with_held_out_images_and_the_optimism_stand_beside_ours(records: Path) -> None:
    name = "simple_cnn+held_out"
    for seed in range(3):
        write_run(records, _run(seed, 0.68, name=name))
    baselines = BASELINES | {name: {"cifar10-unofficial": {"measured": make_baseline(accuracy=(0.68,) * 3)}}}
    runs = comparable_runs(_night("synthetic"), baselines, records)
    assert [*runs] == ["simple_cnn", name]
    assert published_section(runs, []).experiments.rows[0][2:5] == ("0.7000 ± 0.0100", "0.6800 ± 0.0000", "+0.0200")
    # Runs on other images are not held against each other.
    runs["simple_cnn"] = [_run(accuracy=0.7, dataset="cifar10")]
    assert published_section(runs, []).experiments.rows[0][3:5] == ("not measured", "not measured")


def test_experiments_that_were_not_published_have_a_table_of_their_own_where_there_are_runs(records: Path) -> None:
    assert published_section({"simple_cnn": [_run()]}, []).matched.rows == []
    protocol = {"normalization": "imagenet_caffe", "input_size": 96}
    name = "vgg16_matched"
    for seed, accuracy in enumerate((0.79, 0.8, 0.81)):
        write_run(records, dataclasses.replace(_run(seed, accuracy, name=name), protocol=protocol))
    baselines = BASELINES | {name: {"cifar10-unofficial": {"measured": make_baseline(accuracy=(0.79, 0.8, 0.81))}}}
    runs = comparable_runs(_night("synthetic"), baselines, records)
    assert [*runs] == ["simple_cnn", name]
    table = published_section(runs, []).matched
    (row,) = table.rows
    assert row == (
        *(name, "96 px, imagenet_caffe", "0.8000 ± 0.0100", "not measured", "not measured", "0.1250 ± 0.0000"),
        *("1.5", "3 on JPEG copies of the CIFAR-10 images", EXPERIMENTS[name].description),
    )
    assert len(row) == len(table.headers)
    assert len(published_section(runs, []).experiments.rows) == len(PUBLISHED_NUMBERS)


def test_the_class_tables_have_every_class_and_their_mean() -> None:
    simple, vgg = published_section({"simple_cnn": [_run()]}, []).classes
    assert (simple.caption, vgg.caption) == ("simple_cnn: F1 of each class", "vgg16_frozen: F1 of each class")
    assert [row[0] for row in simple.rows] == [*CLASS_NAMES, "macro mean"]
    assert simple.rows[3] == ("cat", "0.45", "0.5000")
    assert vgg.rows[3] == ("cat", "0.42", "not measured")
    assert vgg.rows[-1] == ("macro mean", "0.58", "not measured")


@pytest.mark.parametrize("runs", [{}, {"simple_cnn": [_run()]}])
def test_accuracies_and_curves_are_drawn_with_or_without_runs_of_ours(runs: dict[str, list[Run]]) -> None:
    panels = published_panels(runs)
    assert list(panels) == ["accuracy", "curves"]
    assert "simple_cnn published, best 0.6763 at epoch 5 of 8" in panels["curves"].alternative_text
    assert "published 0.3425" in panels["accuracy"].alternative_text
    assert len(published_section(runs, [*panels.values()]).figures.images) == 2
