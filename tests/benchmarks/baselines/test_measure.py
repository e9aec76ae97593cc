"""From runs to a baseline: each run by seed, tolerances by their rules, and runs that make none."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.baselines.baselines_file import read_baselines, write_baselines
from benchmarks.baselines.measure import SMALLEST_CHANGE, measured_baseline
from cifar_models.results.run import Curves, Run, Timings
from tests.factories import FINGERPRINTS, make_run

pytestmark = pytest.mark.unit

DAY = datetime.date(2025, 1, 31)


def test_the_loss_of_runs_that_recorded_it_is_measured_and_its_tolerance_is_the_accuracy_s() -> None:
    curves = Curves(loss=[2, 1.5, 1], accuracy=[0.5, 0.6, 0.7], val_loss=[2, 1.6, 1.2], val_accuracy=[0.5, 0.6, 0.7])
    runs = [dataclasses.replace(make_run(seed=seed, loss=1.2 + seed / 100), curves=curves) for seed in range(3)]
    baseline = measured_baseline(runs, reason="r", day=DAY)
    assert baseline.nats_per_point == pytest.approx(0.04)
    assert baseline.metrics["loss"].values == [1.2, 1.21, 1.22]
    assert baseline.metrics["loss"].tolerance == pytest.approx(0.02)  # half a point
    old = [*runs[:2], dataclasses.replace(make_run(seed=2), curves=curves)]
    assert "loss" not in measured_baseline(old, reason="r", day=DAY).metrics


def _runs(accuracies: list[float], gaps: list[float]) -> list[Run]:
    pairs = enumerate(zip(accuracies, gaps, strict=True))
    return [make_run(seed=seed, accuracy=accuracy, gap=gap) for seed, (accuracy, gap) in pairs]


def test_a_measured_baseline_holds_each_run_by_seed() -> None:
    runs = _runs([0.50, 0.51, 0.52], [0.10, 0.11, 0.12])
    baseline = measured_baseline(reversed(runs), reason=" a new optimizer ", day=DAY)
    assert baseline.source == "measured"
    assert baseline.fingerprints == FINGERPRINTS
    assert baseline.metrics["accuracy"].values == [0.50, 0.51, 0.52]
    assert baseline.metrics["gap"].values == pytest.approx([0.10, 0.11, 0.12])
    assert baseline.seeds == [0, 1, 2]
    assert baseline.epochs == [2, 2, 2]
    assert baseline.seconds == [60.0, 60.0, 60.0]
    assert baseline.environment == runs[0].environment
    assert baseline.recorded == "2025-01-31"
    assert baseline.reason == "a new optimizer"


def test_the_f1_of_each_class_is_held_by_seed() -> None:
    runs = [make_run(seed=seed, f1={"cat": 0.5 + seed / 10, "dog": 0.25}) for seed in range(3)]
    f1 = measured_baseline(reversed(runs), reason="r", day=DAY).f1
    assert f1 is not None
    assert f1.values == {"cat": [0.5, 0.6, 0.7], "dog": [0.25, 0.25, 0.25]}
    assert f1.tolerance == SMALLEST_CHANGE["f1"]


def test_the_features_cost_what_the_run_took_that_computed_them() -> None:
    runs = [make_run(seed=seed, timings=Timings(features=[0.01, 30.04, 0.0][seed], training=1.0)) for seed in range(3)]
    assert measured_baseline(runs, reason="r", day=DAY).feature_seconds == 30.0


def test_a_tolerance_is_the_smallest_change_worth_acting_on_however_far_runs_are_apart() -> None:
    for spread in (0.0001, 0.05):
        runs = _runs([0.7, 0.7, 0.7 + spread], [0.1, 0.1, 0.1 + spread])
        metrics = measured_baseline(runs, reason="r", day=DAY).metrics
        assert {name: metric.tolerance for name, metric in metrics.items()} == {"accuracy": 0.005, "gap": 0.01}


def test_gaps_of_runs_that_stopped_at_different_epochs_are_allowed_as_much_as_that_puts_them_apart() -> None:
    runs = [make_run(seed=seed, gap=[0.10, 0.16, 0.11][seed], epochs=[10, 7, 10][seed]) for seed in range(3)]
    metrics = measured_baseline(runs, reason="r", day=DAY).metrics
    assert metrics["gap"].tolerance == pytest.approx(0.055)
    assert "by the epochs it ended them at" in metrics["gap"].tolerance_reason
    assert metrics["accuracy"].tolerance == 0.005


def test_gaps_that_vary_whatever_epoch_they_stopped_at_are_left_to_their_spread() -> None:
    runs = [make_run(seed=seed, gap=[0.00, 0.05, 0.10][seed], epochs=[10, 9, 10][seed]) for seed in range(3)]
    assert measured_baseline(runs, reason="r", day=DAY).metrics["gap"].tolerance == 0.01


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("written") / "baselines.json"


@pytest.mark.property
@settings(deadline=None, max_examples=50)
@given(
    values=st.lists(st.tuples(st.floats(0, 1), st.floats(-1, 1)), min_size=3, max_size=6),
)
def test_whatever_is_measured_can_be_read_back_or_is_refused(written: Path, values: list[tuple[float, float]]) -> None:
    runs = _runs([accuracy for accuracy, _ in values], [gap for _, gap in values])
    try:
        baseline = measured_baseline(runs, reason="r", day=DAY)
    except ValueError as error:
        assert "expected values so close together" in str(error)  # noqa: PT017 - either outcome is right
        return
    write_baselines(written, {"a": {"b": {"measured": baseline}}})
    assert read_baselines(written) == {"a": {"b": {"measured": baseline}}}


@pytest.mark.parametrize(
    ("runs", "reason", "expected"),
    [
        ([], "r", "runs: found 0, expected 3 or more"),
        (_runs([0.7] * 2, [0.1] * 2), "r", "runs: found 2, expected 3 or more"),
        ([*_runs([0.7] * 3, [0.1] * 3), make_run(seed=2)], "r", "seeds: found [0, 1, 2, 2], expected each seed once"),
        ([*_runs([0.7] * 3, [0.1] * 3), make_run("other", seed=3)], "r", "experiments, data sets and fingerprints: "),
        ([*_runs([0.7] * 3, [0.1] * 3), make_run(seed=3, dataset="cifar10")], "r", "found 2, expected one of each"),
        (_runs([0.7] * 3, [0.1] * 3), "", "reason: found '', expected why the baseline changes"),
        (_runs([0.7] * 3, [0.1] * 3), " \n", "reason: found ' \\n', expected why the baseline changes"),
        (_runs([0.7, 0.7, float("nan")], [0.1] * 3), "r", "accuracy: found [0.7, 0.7, nan], expected finite"),
        (_runs([0.7] * 3, [0.1, 0.1, float("inf")]), "r", "gap: found [0.1, 0.1, "),
        (_runs([0.1, 0.75, 0.75], [0.1] * 3), "r", "accuracy: found [0.1, 0.75, 0.75], expected values so close"),
    ],
)
def test_runs_that_make_no_baseline_are_refused(runs: list[Run], reason: str, expected: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        measured_baseline(runs, reason=reason, day=DAY)
    assert expected in str(caught.value)


@pytest.mark.parametrize("part", ["data", "weights", "protocol"])
def test_runs_of_several_fingerprints_make_no_baseline(part: str) -> None:
    other = make_run(seed=3, fingerprints=dataclasses.replace(FINGERPRINTS, **{part: "sha256:other"}))
    with pytest.raises(ValueError, match="experiments, data sets and fingerprints: found 2, expected one of each"):
        measured_baseline([*_runs([0.7] * 3, [0.1] * 3), other], reason="r", day=DAY)
