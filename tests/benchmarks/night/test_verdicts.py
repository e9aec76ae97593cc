"""The verdicts of whole sessions: further seeds, single classes, parts of a night."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.baselines.baselines_file import read_baselines, write_baselines
from benchmarks.inputs import settings
from benchmarks.judging.night_results import read_night_results
from benchmarks.night.exit_status import NOT_JUDGED, UNDECIDED
from benchmarks.records.night_folder import newest_first
from cifar_models.datasets import Dataset
from cifar_models.experiments import Experiment
from cifar_models.results.run import Run
from cifar_models.training import train as training
from cifar_models.training.watch import TrainingDiverged
from tests.benchmarks.sessions import (
    Bench,
    fingerprints_of,
    lines,
    table,
    trainings,
    words,
)
from tests.factories import make_baseline, make_published

pytestmark = pytest.mark.integration


@pytest.fixture
def further(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The accuracies of ``simple_cnn`` from seed 3 on; those of the first three leave its verdict undecided."""
    spread = (-0.01, 0.0, 0.01, -0.005, 0.005)
    baseline = make_baseline(
        accuracy=[0.7 + step for step in spread],
        gap=(0.1,) * 5,
        tolerance=0.005,
        fingerprints=fingerprints_of("simple_cnn"),
    )
    bench.record(simple_cnn=baseline)
    first = [0.66 + step for step in spread[:3]]
    further: list[float] = []
    train = bench.train

    def varying(experiment: Experiment, dataset: Dataset, seed: int, **options: Any) -> Run:
        if experiment.name == "simple_cnn":
            bench.accuracy["simple_cnn"] = (first + further)[seed]
        return train(experiment, dataset, seed, **options)

    monkeypatch.setattr(training, "train", varying)
    return further


def test_an_undecided_verdict_trains_further_seeds_until_it_is_decided(bench: Bench, further: list[float]) -> None:
    seeds = ["--seeds", "3", "--max-seeds", "6"]

    # A bad start and a good end: a pass. The others train no further seed.
    further[:] = [0.69, 0.70, 0.71]
    result = bench.benchmark(*seeds)
    result.assert_outcomes(passed=12)
    assert result.ret == pytest.ExitCode.OK
    assert [line for line in bench.trained if "simple_cnn" in line] == [
        f"train simple_cnn {seed} on none" for seed in range(6)
    ]
    assert len(bench.trained) == 12
    assert list(trainings(result))[-3:] == [("simple_cnn", "3"), ("simple_cnn", "4"), ("simple_cnn", "5")]
    assert table(result, "verdicts,")["simple_cnn", "accuracy"][2] == "6"
    assert lines(result, "^simple_cnn seed 5  epoch 2/2 ")

    # As bad throughout: a regression.
    further[:] = [0.65, 0.66, 0.67]
    result = bench.benchmark(*seeds)
    result.assert_outcomes(passed=11, failed=1)
    assert words(result)["simple_cnn", "accuracy"] == "regression"

    # Between the two to the end: said as it is, and not green.
    further[:] = [0.669, 0.678, 0.688]
    result = bench.benchmark(*seeds)
    result.assert_outcomes(passed=11, failed=1)
    assert result.ret == UNDECIDED
    assert words(result)["simple_cnn", "accuracy"] == "undecided"
    assert "simple_cnn on synthetic: accuracy is undecided" in result.outlines

    # Diverging on the way: not judged, and not green; the others are.
    bench.failures["simple_cnn", 4] = TrainingDiverged("the loss is nan")
    result = bench.benchmark(*seeds)
    result.assert_outcomes(passed=11, failed=1)
    assert "simple_cnn: not judged, not every training gave a run (seed 4: diverged)" in result.outlines
    assert words(result)["improved_cnn", "accuracy"] == "pass"


def test_a_night_trains_further_seeds_by_default_and_none_with_a_fixed_number(
    bench: Bench, further: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.SEEDS, "synthetic", dict.fromkeys(settings.SEEDS["synthetic"], (3, 6)))
    further[:] = [0.69, 0.70, 0.71]
    night = ("-m", "benchmark", "--dataset", "synthetic", "--first-seed", "0")
    result = bench.run(*night)
    assert result.ret == pytest.ExitCode.OK
    assert len(bench.trained) == 3 * 3 + 3
    result = bench.run(*night, "--seeds", "3")
    assert words(result)["simple_cnn", "accuracy"] == "regression"
    assert len(bench.trained) == 3 * 3


def test_one_class_that_collapses_fails_though_accuracy_and_gap_hold(bench: Bench) -> None:
    f1 = {"cat": (0.9,) * 3, "dog": (0.8,) * 3}
    entry = make_baseline(accuracy=(0.7,) * 3, gap=(0.1,) * 3, f1=f1, fingerprints=fingerprints_of("simple_cnn"))
    bench.record(simple_cnn=entry)
    result = bench.benchmark("-k", "simple_cnn")
    result.assert_outcomes(passed=1, failed=1, deselected=4)
    result.stdout.fnmatch_lines(
        [
            "simple_cnn on synthetic: classes is a regression",
            "  Largest changes of F1: cat 0.9000 to 0.6000, dog 0.8000 to 0.8000.",
        ]
    )
    found = {metric: word for (_, metric), word in words(result).items()}
    assert found == {"accuracy": "pass", "gap": "pass", "classes": "regression"}


@pytest.mark.parametrize("selection", ["seed0", "test_trains", "seed0 or (simple_cnn and not test_trains)"])
def test_a_night_that_trained_without_judging_is_not_green(bench: Bench, selection: str) -> None:
    bench.record()
    result = bench.benchmark("-k", selection)
    assert result.ret == NOT_JUDGED
    assert lines(result, "^improved_cnn +not judged: its verdict was not selected")


def test_a_verdict_without_all_of_its_trainings_is_a_failure(bench: Bench) -> None:
    bench.record()
    result = bench.benchmark("-k", "test_verdict and simple_cnn")
    result.assert_outcomes(failed=1, deselected=5)
    assert "simple_cnn: not judged, its trainings were not selected" in result.outlines
    result = bench.benchmark("-k", "simple_cnn and (seed0 or test_verdict)", "--seeds", "2")
    result.assert_outcomes(passed=1, failed=1, deselected=7)
    assert "simple_cnn: not judged, found 1 of its 2 trainings selected, expected all" in result.outlines


def test_a_night_is_judged_by_the_published_numbers_on_request(bench: Bench) -> None:
    baselines = bench.record()
    for name, accuracy in (("simple_cnn", 0.6763), ("improved_cnn", 0.6999)):
        published = make_published(accuracy=accuracy, gap=None, fingerprints=fingerprints_of(name))
        baselines[name]["synthetic"]["published"] = published
    write_baselines(bench.baselines_path, baselines)
    assert bench.benchmark().ret == pytest.ExitCode.OK  # the measured ones are the default

    result = bench.benchmark("--against", "published")
    assert words(result) == {("simple_cnn", "accuracy"): "stale", ("improved_cnn", "accuracy"): "pass"}
    result.assert_outcomes(passed=3, failed=1, errors=2)  # vgg16_frozen has no published number here, which is no pass
    assert lines(result, "vgg16_frozen on synthetic: found no published baseline")
    assert lines(result, "The published numbers stay as they are")
    assert not lines(result, "If the gain is real")

    # The page of that night shows what it was held against.
    folder, _ = newest_first(bench.pytester.path / "runs")[0]
    results = read_night_results(folder, read_baselines(bench.baselines_path), bench.pytester.path / "baseline_runs")
    sources = {one.experiment: one.baseline.source for one in results.experiments if one.baseline}
    assert sources == {"simple_cnn": "published", "improved_cnn": "published", "vgg16_frozen": "measured"}
    assert results.notes == []
