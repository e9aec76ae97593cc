"""Accuracy and time by input size, and the optimism of the published way, as tables and a figure in docs/."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from benchmarks.baselines.baseline import Baselines
from benchmarks.documents import transfer_learning
from cifar_models.results.run import Fingerprints, Run, Timings
from cifar_models.results.run_files import write_run
from tests.factories import make_baseline, make_run

pytestmark = pytest.mark.unit

PRINTS = Fingerprints(data="sha256:data", weights=None, protocol="sha256:protocol")


def _run(name: str, seed: int = 0, *, accuracy: float = 0.5, minutes: float | None = 2.0, **protocol: Any) -> Run:
    processor = None if minutes is None else 60 * minutes
    run = make_run(name, seed, accuracy=accuracy, dataset="cifar10", timings=Timings(3.0, 6.0, processor))
    protocol = {"normalization": "unit_scale", "backbone": None, **protocol}
    prints = dataclasses.replace(PRINTS, protocol=f"sha256:{sorted(protocol.items())}")
    return dataclasses.replace(run, protocol=protocol, fingerprints=prints)


def _baselines(folder: Path, *some: list[Run]) -> Baselines:
    """Return measured baselines of these runs, whose records are written to a folder."""
    found: Baselines = {}
    for runs in some:
        for run in runs:
            write_run(folder, run)
        entry = make_baseline(
            accuracy=[run.accuracy for run in runs],
            gap=[run.gap for run in runs],
            fingerprints=runs[0].fingerprints,
        )
        found[runs[0].experiment] = {"cifar10": {"measured": entry}}
    return found


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


MATCHED: dict[str, Any] = {"backbone": "vgg16", "normalization": "imagenet_caffe"}


def test_the_runs_are_those_of_baselines_and_of_trials_on_the_official_images(tmp_path: Path) -> None:
    baselines = _baselines(
        tmp_path / "records",
        [_run("simple_cnn", seed, accuracy=0.7 + 0.01 * seed) for seed in range(3)],
        [_run("vgg16_frozen", seed, backbone="vgg16") for seed in range(3)],
    )
    trials = tmp_path / "trials"
    write_run(trials, _run("vgg16_matched+64px", input_size=64, accuracy=0.8, **MATCHED))
    write_run(trials, _run("simple_cnn", 9))
    write_run(trials, dataclasses.replace(_run("resnet50_matched"), dataset="synthetic"))
    runs = transfer_learning.matched_runs(baselines, tmp_path / "records", trials)
    assert [(run.experiment, run.seed) for run in runs] == [
        *(("simple_cnn", seed) for seed in range(3)),
        *(("vgg16_frozen", seed) for seed in range(3)),
        ("vgg16_matched+64px", 0),
    ]
    assert _rows(transfer_learning.sizes_table(runs)) == [
        ["`vgg16_frozen`", "`unit_scale`", "32 px", "3", "0.5000 ± 0.0000", "2.0"],
        ["`vgg16_matched`", "`imagenet_caffe`", "64 px", "1", "0.8000", "2.0"],
        ["`simple_cnn`", "`unit_scale`", "32 px", "3", "0.7100 ± 0.0100", "2.0"],
    ]
    assert "vgg16_matched, imagenet_caffe: 64 px 0.8000" in transfer_learning.figure(runs)
    assert (transfer_learning.png(runs) or b"").startswith(b"\x89PNG")


def test_minutes_that_were_not_recorded_are_not_made_up() -> None:
    timed, other = _run("vgg16_matched", **MATCHED), _run("resnet50_matched", minutes=None, **MATCHED)
    assert [row[-1] for row in _rows(transfer_learning.sizes_table([timed, other]))] == ["2.0", "-"]
    text = transfer_learning.figure([timed, other])
    assert "Processor minutes of a training by input size (px). vgg16_matched, imagenet_caffe: 32 px 2.0." in text


def test_the_optimism_needs_runs_of_both_ways(tmp_path: Path) -> None:
    baselines = _baselines(
        tmp_path,
        [_run("simple_cnn", seed, accuracy=0.7) for seed in range(3)],
        [_run("simple_cnn+held_out", seed, accuracy=0.68, validation="held_out") for seed in range(2)],
        [_run("improved_cnn", seed) for seed in range(3)],
    )
    assert _rows(transfer_learning.optimism_table(baselines, tmp_path)) == [
        ["`simple_cnn`", "0.7000 ± 0.0000", "0.6800 ± 0.0000", "+0.0200", "3, 2"]
    ]


def test_what_was_not_measured_is_said_so() -> None:
    runs = [_run("simple_cnn")]
    for part in (transfer_learning.sizes_table, transfer_learning.figure):
        assert part(runs) == "Not measured yet."
    assert transfer_learning.png(runs) is None
    assert transfer_learning.optimism_table({}, Path()) == "Not measured yet."
