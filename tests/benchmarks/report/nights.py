"""Nights on disk for the tests of the page, made of stubs of runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple

from benchmarks.baselines.baseline import Baselines
from benchmarks.baselines.baselines_file import write_baselines
from benchmarks.records.night_folder import RECORDS, BaselineMark, NightFolder, NightRecord
from cifar_models.results.run import Curves, Run
from cifar_models.results.run_files import write_run
from tests.factories import ENVIRONMENT, make_baseline, make_run, make_verdict

HOSTILE = "<script>alert(1)</script>"
"""A name that must stay text."""
EPOCHS = 4


class Project(NamedTuple):
    """A night's folder, with earlier nights beside it, and its baselines."""

    night: Path
    baselines_path: Path
    baselines: Baselines
    records: Path


def make_project(folder: Path) -> Project:
    """Write three nights: in the last one ``simple_cnn`` is a regression, ``HOSTILE`` not judged, the other passes."""
    names = ("simple_cnn", "vgg16_frozen", "hostile")
    baseline = make_baseline(accuracy=(0.69, 0.7, 0.71), reason="the first & <only>")
    baselines: Baselines = {name: {"synthetic": {"measured": baseline}} for name in names}
    baselines["simple_cnn"]["cifar10-unofficial"] = {"measured": baseline}
    records = folder / RECORDS
    for name in names:
        for seed, accuracy in enumerate((0.69, 0.7, 0.71)):
            write_run(records, _run(name, seed, accuracy))
    path = folder / "baselines.json"
    write_baselines(path, baselines)
    former = dataclasses.replace(baseline, recorded="2024-12-24", reason="set in a hurry")
    _write_night(folder / "runs", "2025-01-29", BaselineMark.of(former), worse=())
    _write_night(folder / "runs", "2025-01-30", BaselineMark.of(baseline), worse=())
    night = _write_night(folder / "runs", "2025-01-31", BaselineMark.of(baseline), worse=("simple_cnn",))
    return Project(night, path, baselines, records)


def _write_night(run_dir: Path, day: str, mark: BaselineMark, *, worse: tuple[str, ...]) -> Path:
    judged = ("simple_cnn", "vgg16_frozen")
    verdicts = [
        make_verdict(metric, "regression" if bad else "pass", experiment=name, today=0.6 if bad else 0.7)
        for name in judged
        for metric in ("accuracy", "gap", "classes")
        for bad in [name in worse and metric in ("accuracy", "classes")]
    ]
    record = NightRecord(
        dataset="synthetic",
        data="sha256:data",
        started=f"{day}T02:00:00+00:00",
        ended=f"{day}T03:00:00+00:00",
        verdicts=verdicts,
        problems={HOSTILE: "it diverged </p><img src=x onerror=alert(1)>"},
        baselines=dict.fromkeys(judged, mark),
    )
    night = NightFolder.start(run_dir, record)
    night.close()
    for name in judged:
        for seed in range(3):
            run = _run(name, seed, 0.6 if name in worse else 0.7)
            if name in worse:
                run = dataclasses.replace(run, environment=dataclasses.replace(ENVIRONMENT, device="a GPU"))
            write_run(night.path, run)
    hostile = dataclasses.replace(_run("hostile", 0, 0.7), experiment=HOSTILE)
    (night.path / "hostile.synthetic.seed0.json").write_text(hostile.to_json(), encoding="utf-8")
    return night.path


def _run(name: str, seed: int, accuracy: float) -> Run:
    steps = [epoch / EPOCHS for epoch in range(1, EPOCHS + 1)]
    rising = [accuracy * step for step in steps]
    falling = [2 - accuracy * step for step in steps]
    run = make_run(name, seed, accuracy=accuracy)
    return dataclasses.replace(run, curves=Curves(falling, rising, falling, rising))
