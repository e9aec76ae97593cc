"""Runs and baselines for the tests: made in one line, with only what a test is about spelt out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks.baselines.baseline import Baseline, ClassMetric, Metric
from benchmarks.judging.night_results import ExperimentResult
from benchmarks.records.exact import Exact
from benchmarks.records.night_folder import BaselineMark
from benchmarks.records.selection import Selection, Shard
from benchmarks.statistics.cusum import DriftVerdict
from benchmarks.statistics.verdict import Rule, Verdict
from benchmarks.statistics.word import Word
from cifar_models.datasets.batches import CLASS_NAMES, PYTHON
from cifar_models.results.environment import Environment
from cifar_models.results.evaluation import ClassReport, Evaluation
from cifar_models.results.run import Curves, Fingerprints, Run, Timings
from cifar_models.results.source_code import Code

FINGERPRINTS = Fingerprints(data="sha256:data", weights=None, protocol="sha256:protocol")
CODE = Code(commit="0123abc", source="sha256:source")
ENVIRONMENT = Environment(
    packages={"keras": "3.8.0"},
    python="3.11.0",
    system="Linux x86_64",
    processor="a processor",
    device="CPU",
    driver=None,
    settings={"TF32": "True"},
    cores=2,
)


def make_run(
    experiment: str = "simple_cnn",
    seed: int = 0,
    *,
    accuracy: float = 0.7,
    gap: float = 0.1,
    loss: float | None = None,
    dataset: str = "synthetic",
    weights: str = "none",
    fingerprints: Fingerprints = FINGERPRINTS,
    epochs: int = 2,
    f1: Mapping[str, float] = {"cat": 0.6, "dog": 0.8},
    confusion: Sequence[Sequence[int]] = ((3, 1), (1, 3)),
    timings: Timings = Timings(features=30.0, training=60.0),  # noqa: B008 - frozen
) -> Run:
    """Return a run whose accuracy and gap are exactly these numbers."""
    # The gap is a difference of two curves' ends: one of them is 0, so that no rounding gets between.
    train, validation = (gap, 0.0) if not gap < 0 else (0.0, -gap)
    return Run(
        experiment=experiment,
        seed=seed,
        dataset=dataset,
        weights=weights,
        fingerprints=fingerprints,
        protocol={"epochs": 10},
        curves=Curves(
            loss=[1.0] * epochs,
            accuracy=[0.5] * (epochs - 1) + [train],
            val_loss=[1.0] * epochs,
            val_accuracy=[0.5] * (epochs - 1) + [validation],
        ),
        evaluation=Evaluation(
            accuracy=accuracy,
            classes={name: ClassReport(precision=1.0, recall=0.75, f1=value, images=4) for name, value in f1.items()},
            confusion=[list(row) for row in confusion],
            loss=loss,
        ),
        timings=timings,
        environment=ENVIRONMENT,
        code=CODE,
        started="2025-01-31T02:00:00+00:00",
        peak_memory=2**30,
    )


def make_baseline(
    *,
    accuracy: Sequence[float] = (0.69, 0.70, 0.71),
    gap: Sequence[float] = (0.09, 0.10, 0.11),
    loss: Sequence[float] | None = None,
    nats_per_point: float | None = None,
    f1: Mapping[str, Sequence[float]] | None = None,
    tolerance: float = 0.04,
    tolerance_reason: str = "as narrow as that",
    fingerprints: Fingerprints = FINGERPRINTS,
    weights: str = "none",
    reason: str = "the first",
) -> Baseline:
    """Return a measured baseline with one tolerance for all metrics."""
    runs = len(accuracy)
    classes = f1 or {"cat": [0.6] * runs, "dog": [0.8] * runs}
    return Baseline(
        source="measured",
        fingerprints=fingerprints,
        weights=weights,
        metrics={
            name: Metric(list(values), tolerance, tolerance_reason)
            for name, values in (("accuracy", accuracy), ("gap", gap), ("loss", loss))
            if values is not None
        },
        f1=ClassMetric({name: list(values) for name, values in classes.items()}, tolerance, tolerance_reason),
        seeds=list(range(runs)),
        epochs=[2] * runs,
        seconds=[60.0] * runs,
        feature_seconds=30.0,
        environment=ENVIRONMENT,
        recorded="2025-01-31",
        reason=reason,
        nats_per_point=nats_per_point,
    )


def make_published(
    *,
    accuracy: float = 0.6763,
    gap: float | None = 0.169,
    tolerance: float = 0.02,
    fingerprints: Fingerprints = FINGERPRINTS,
) -> Baseline:
    """Return a published baseline, without a gap if that is None."""
    rule = "what the report's one run leaves open"
    metrics = {"accuracy": Metric([accuracy], tolerance, rule)}
    if gap is not None:
        metrics["gap"] = Metric([gap], tolerance, rule)
    return Baseline(
        source="published",
        fingerprints=fingerprints,
        weights="none",
        metrics=metrics,
        f1=None,
        seeds=[],
        epochs=[],
        seconds=[],
        feature_seconds=None,
        environment=None,
        recorded="2025-01-31",
        reason="the report's numbers",
    )


def make_verdict(
    metric: str = "accuracy",
    word: str = "pass",
    *,
    experiment: str = "simple_cnn",
    today: float = 0.7,
    baseline: float = 0.7,
    allowance: float = 0.04,
    rule: Rule = "tolerance",
    smallest_drop: float | None = 0.05,
) -> Verdict:
    """Return a verdict as a night records it, whose word is as told."""
    return Verdict(
        experiment=experiment,
        metric=metric,
        source="measured",
        family="headline" if metric in ("accuracy", "loss") else "secondary",
        word=Word(word),
        rule=rule,
        baseline=baseline,
        today=today,
        effect=today - baseline,
        allowance=allowance,
        runs=3,
        inner_allowance=allowance,
        baseline_values=[baseline] * 3,
        today_values=[today] * 3,
        smallest_drop=smallest_drop,
    )


def make_shard(number: int = 1, *, count: int = 8, night: Selection | None = None, **changed: Any) -> Shard:
    """Return what the record of a shard says of its night: by default a seed of one experiment, which is judged."""
    told = {"first_seed": 1000, "seeds": None, "max_seeds": None, "repeats": True, "against": "measured"}
    night = night or Selection({"simple_cnn": [1000]}, ["simple_cnn"])
    return Shard(number, count, night, **{**told, "reason": None, "options": "--dataset synthetic", **changed})


IDENTICAL = Exact("a", 0)
DIFFERS = Exact("a", 0, epoch=2, what="val_loss", recorded=1.0, today=1.5)
"""A repeated run that is identical to the recorded one, and one that is not."""
DRIFT = DriftVerdict("a", "accuracy", Word.REGRESSION, -0.02, began="2026-01-20T02:00:00+00:00", nights=12)


def make_result(
    experiment: str = "simple_cnn",
    *words: str,
    runs: Sequence[Run] | None = None,
    verdicts: Sequence[Verdict] | None = None,
    problem: str = "",
    baseline: Baseline | None = None,
    recorded: Sequence[Run] = (),
    **found: Any,
) -> ExperimentResult:
    """Return what a night found of an experiment: verdicts of accuracy and gap by these words, unless told others."""
    named = zip(("accuracy", "gap"), words, strict=False)
    verdicts = verdicts or [make_verdict(metric, word, experiment=experiment) for metric, word in named]
    return ExperimentResult(
        experiment=experiment,
        runs=[make_run(experiment)] if runs is None else runs,
        verdicts=verdicts,
        problem=problem,
        mark=BaselineMark("measured", "2025-01-31", "the first", "sha256:first") if verdicts else None,
        baseline=baseline,
        recorded=recorded,
        **found,
    )


def cifar10_batches(seed: int) -> dict[str, dict[bytes, Any]]:
    """Return what the seven files of CIFAR-10 hold, with ten random images in each batch."""
    generator = np.random.default_rng(seed)
    batches: dict[str, dict[bytes, Any]] = {
        name: {
            b"batch_label": b"a batch",
            b"labels": list(range(10)),
            b"data": generator.integers(0, 256, size=(10, 3072), dtype=np.uint8),
        }
        for name in (*PYTHON.train, PYTHON.test)
    }
    return batches | {"batches.meta": {b"num_vis": 3072, b"label_names": [name.encode() for name in CLASS_NAMES]}}


def write_weights(path: Path, model: Any, **options: Any) -> Path:
    """Write a model's weights as Keras's published files have them, which is Keras 2's layout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}_{position}:0".encode() for position in range(len(layer.weights))]
            group.attrs["weight_names"] = names
            for name, values in zip(names, layer.get_weights(), strict=True):
                group.create_dataset(name, data=values, **options)
    return path
