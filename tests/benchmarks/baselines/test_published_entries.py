from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from benchmarks.baselines import published_entries as published
from benchmarks.baselines.baseline import Baseline
from benchmarks.baselines.baselines_file import read_baselines, updating, write_baselines
from benchmarks.statistics.prediction import prediction_half_width
from cifar_models.datasets.cifar10 import OFFICIAL_FINGERPRINT
from cifar_models.experiments import EXPERIMENTS
from tests.cifar_models.command_line.conftest import Command
from tests.factories import make_baseline

pytestmark = pytest.mark.unit

DAY = datetime.date(2026, 1, 2)
NARROW = make_baseline(accuracy=(0.70, 0.71, 0.72), gap=(0.10, 0.11, 0.12))
WIDE = make_baseline(accuracy=(0.70, 0.75, 0.80), gap=(0.10, 0.15, 0.20))
MARGIN = 0.71 - 0.6763  # of simple_cnn, whose mean is NARROW's
WIDEST = prediction_half_width(WIDE.metrics["accuracy"].values)


def _published() -> dict[str, Baseline]:
    measured = {
        "simple_cnn": {"cifar10-unofficial": {"measured": NARROW}},
        "improved_cnn": {"cifar10": {"measured": WIDE}},
        "resnet50_frozen": {"synthetic": {"measured": make_baseline(accuracy=(0.1, 0.5, 0.9))}},
    }
    return published.published_baselines(measured, reason="as in the report", day=DAY)


def test_every_published_experiment_has_its_numbers() -> None:
    entries = _published()
    assert entries.keys() == published.PUBLISHED.keys()
    assert len(entries) == 5
    assert entries.keys() <= EXPERIMENTS.keys()
    assert entries["simple_cnn"].metrics["accuracy"].values == [0.6763]
    assert entries["simple_cnn"].metrics["gap"].values == [0.169]
    assert entries["resnet50_finetuned"].metrics.keys() == {"accuracy"}
    assert (entries["simple_cnn"].reason, entries["simple_cnn"].recorded) == ("as in the report", "2026-01-02")


def test_an_entry_is_for_the_official_files_and_today_s_protocol() -> None:
    for name, entry in _published().items():
        assert entry.fingerprints.data == OFFICIAL_FINGERPRINT
        assert entry.fingerprints.protocol == EXPERIMENTS[name].protocol.fingerprint
        assert (entry.fingerprints.weights is None) == (EXPERIMENTS[name].protocol.backbone is None)


def test_the_tolerance_is_the_experiment_s_own_spread_and_a_measured_margin() -> None:
    metric = _published()["simple_cnn"].metrics["accuracy"]
    spread = prediction_half_width(NARROW.metrics["accuracy"].values)
    assert metric.tolerance == pytest.approx(spread + MARGIN, abs=5e-5)
    assert metric.tolerance_reason == (
        f"{spread:.4f}, half of the 99% prediction interval of simple_cnn measured on CIFAR-10 images"
        " + 0.0337 for another platform, as far as simple_cnn came out from the report"
    )


def test_a_model_that_the_report_leaves_open_lends_no_margin() -> None:
    metric = _published()["improved_cnn"].metrics["accuracy"]  # its own runs lie 0.0025 from the report
    assert metric.tolerance == pytest.approx(WIDEST + MARGIN, abs=5e-5)
    with pytest.raises(ValueError, match="found no measured runs on CIFAR-10 images of simple_cnn or vgg16_frozen or "):
        published.published_baselines({"improved_cnn": {"cifar10": {"measured": WIDE}}}, reason="r", day=DAY)


def test_an_experiment_without_runs_on_cifar10_takes_the_widest_spread_of_the_others() -> None:
    metric = _published()["resnet50_frozen"].metrics["accuracy"]
    assert metric.tolerance == pytest.approx(WIDEST + MARGIN, abs=5e-5), "synthetic runs say nothing of CIFAR-10"
    assert "of improved_cnn measured on CIFAR-10 images (the widest, for want of its own)" in metric.tolerance_reason


def test_without_any_runs_on_cifar10_there_is_no_tolerance_to_give() -> None:
    with pytest.raises(ValueError, match="found no measured runs on CIFAR-10 images"):
        published.published_baselines({"simple_cnn": {"synthetic": {"measured": NARROW}}}, reason="r", day=DAY)


def test_a_metric_that_no_measured_experiment_was_published_with_has_no_margin() -> None:
    assert "gap" not in published.PUBLISHED["resnet50_frozen"]
    with pytest.raises(ValueError, match=r"of simple_cnn or vgg16_frozen, expected some to take .* published gap"):
        published.published_baselines({"resnet50_frozen": {"cifar10": {"measured": NARROW}}}, reason="r", day=DAY)


def test_the_command_waits_for_another_update(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "baselines.json"
    write_baselines(path, {"simple_cnn": {"cifar10-unofficial": {"measured": NARROW}}})
    monkeypatch.setattr("benchmarks.baselines.baselines_file.LOCK_SECONDS", 0.1)
    before = path.read_bytes()
    with updating(path):
        ended = command("published", f"--baselines={path}", "--reason=why")
    assert ended.status == 2
    assert "found it locked by another update" in ended.error
    assert path.read_bytes() == before


def test_the_command_writes_the_published_entries_and_keeps_all_others(tmp_path: Path, command: Command) -> None:
    path = tmp_path / "baselines.json"
    write_baselines(path, {"simple_cnn": {"cifar10-unofficial": {"measured": NARROW}}})
    ended = command("published", f"--baselines={path}", "--reason=as in the report")
    assert ended.status == 0
    assert "vgg16_frozen: accuracy 0.5769 within " in ended.output
    baselines = read_baselines(path)
    assert baselines["simple_cnn"]["cifar10-unofficial"]["measured"] == NARROW
    assert baselines["vgg16_frozen"]["cifar10"]["published"].metrics["gap"].values == [0.016]
