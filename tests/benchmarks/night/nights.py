"""Nights without a session and without trainings, for the tests of this room."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from benchmarks.baselines.baseline import Baselines
from benchmarks.inputs.loaded_inputs import LoadedInputs
from benchmarks.inputs.settings import Settings
from benchmarks.night.night import Night
from benchmarks.records.selection import Selection
from benchmarks.records.trainings import Outcome, Training
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import find_experiment
from cifar_models.models.pretrained import BackboneWeights, WeightsError
from cifar_models.results.run import Fingerprints
from tests.factories import make_baseline, make_run

SYNTHETIC = load_synthetic(train_count=20, evaluation_count=10)
CIFAR10 = dataclasses.replace(SYNTHETIC, name="cifar10")
WEIGHTS = BackboneWeights("vgg16", "ImageNet", "sha256:weights", {})
PLAIN, PRETRAINED = "simple_cnn", "vgg16_frozen"


def make_inputs(
    path: Path,
    *,
    baselines: Baselines | None = None,
    weights: BackboneWeights | WeightsError = WEIGHTS,
    **settings: Any,
) -> LoadedInputs:
    """Return what a night on a stand-in for CIFAR-10 trains on, with a baselines file at this path."""
    chosen = Settings(baselines_path=path, run_dir=path.parent / "runs", **settings)
    return LoadedInputs(chosen, CIFAR10, baselines or {}, {"vgg16": weights})


def make_night(
    path: Path, *trainings: Training, verdicts: tuple[str, ...] = (PLAIN, PRETRAINED), **inputs: Any
) -> Night:
    """Return a night with these trainings, without a folder."""
    night = Night(make_inputs(path, **inputs), Selection(verdicts=list(verdicts)))
    for training in trainings:
        night.file(training)
    return night


def make_trainings(name: str, *, accuracies: tuple[float, ...] = (0.7, 0.7, 0.7)) -> list[Training]:
    """Return a training for each accuracy, by seed."""
    runs = [make_run(name, seed, accuracy=accuracy) for seed, accuracy in enumerate(accuracies)]
    return [Training(name, run.seed, Outcome.TRAINED, run) for run in runs]


def fingerprints_of(name: str) -> Fingerprints:
    """Return the fingerprints of an experiment's trainings."""
    protocol = find_experiment(name).protocol
    return Fingerprints(CIFAR10.fingerprint, WEIGHTS.fingerprint if protocol.backbone else None, protocol.fingerprint)


def passing_baselines() -> Baselines:
    """Return baselines of both experiments, with the values of ``make_trainings`` and without any spread."""
    return {
        name: {
            "cifar10": {
                "measured": make_baseline(accuracy=(0.7,) * 3, gap=(0.1,) * 3, fingerprints=fingerprints_of(name))
            }
        }
        for name in (PLAIN, PRETRAINED)
    }
