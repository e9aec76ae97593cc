"""Folders of shards for the tests of this room, made of stubs of runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from benchmarks.baselines.baseline import Baselines
from benchmarks.baselines.baselines_file import write_baselines
from benchmarks.records.night_folder import NightFolder, NightRecord
from benchmarks.records.selection import Selection
from cifar_models.results.run import Fingerprints
from cifar_models.results.run_files import write_run
from tests.factories import make_baseline, make_run, make_shard

STARTED = "2026-01-31T02:00:00+00:00"
NIGHT = Selection({"simple_cnn": [1000, 1001], "improved_cnn": [1000, 1001]}, ["simple_cnn", "improved_cnn"])
FINGERPRINTS = Fingerprints("sha256:data", None, "sha256:protocol")
SHARES = {1: {"simple_cnn": [1000, 1001]}, 2: {"improved_cnn": [1000]}, 3: {"improved_cnn": [1001]}}


def write_shard(
    run_dir: Path,
    number: int,
    *,
    lacks: tuple[str, int] | None = None,
    record: dict[str, Any] | None = None,
    runs: dict[str, Any] | None = None,
    **shard: Any,
) -> Path:
    """Write one of three shards of ``NIGHT``, with changes.

    Args:
        run_dir: that it gets a folder in.
        number: of the shard.
        lacks: a training without a run.
        record: changes of its record.
        runs: changes of its runs.
        shard: changes of its ``Shard``.
    """
    trainings = SHARES[number]
    told: dict[str, Any] = {"count": 3, "night": NIGHT, "seeds": 2, "repeats": False, **shard}
    told.setdefault("fingerprints", dict.fromkeys(trainings, FINGERPRINTS))
    night = NightRecord("synthetic", "sha256:data", STARTED, STARTED, selection=Selection(trainings))
    folder = NightFolder.start(
        run_dir, dataclasses.replace(night, **{"shard": make_shard(number, **told), **(record or {})})
    )
    folder.close()
    for name, seed in Selection(trainings).keys:
        if (name, seed) != lacks:
            write_run(folder.path, dataclasses.replace(make_run(name, seed), **(runs or {})))
    return folder.path


def write_shards(run_dir: Path, *numbers: int) -> list[Path]:
    """Write these shards of three, or all."""
    return [write_shard(run_dir, number) for number in numbers or SHARES]


def write_passing_baselines(path: Path) -> Path:
    """Write baselines that the runs of ``write_shards`` pass."""
    baseline = make_baseline(accuracy=(0.7,) * 3, gap=(0.1,) * 3, fingerprints=FINGERPRINTS)
    baselines: Baselines = {name: {"synthetic": {"measured": baseline}} for name in NIGHT.verdicts}
    write_baselines(path, baselines)
    return path
