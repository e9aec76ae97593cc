"""Makes baselines for the official CIFAR-10 files from the published numbers.

A published entry has one value and no spread. Its tolerance comes from the measured baselines on CIFAR-10 images: their
spread and, as a margin for another platform, the distance between published and measured values of the models that the
report defines completely.
"""

from __future__ import annotations

import datetime

from benchmarks.baselines.baseline import Baseline, Baselines, Metric
from benchmarks.baselines.published_numbers import PUBLISHED_NUMBERS
from benchmarks.statistics.prediction import CONFIDENCE, prediction_half_width
from cifar_models.datasets.cifar10 import OFFICIAL_FINGERPRINT
from cifar_models.experiments import EXPERIMENTS
from cifar_models.models.pretrained import WEIGHTS_FILES
from cifar_models.results.run import Fingerprints

PUBLISHED: dict[str, dict[str, float]] = {
    name: {"accuracy": result.accuracy} | ({} if result.gap is None else {"gap": result.gap})
    for name, result in PUBLISHED_NUMBERS.items()
}
"""Published accuracy and overfitting gap, from one training each; two gaps were published."""

DEFINED_IN_FULL = ("simple_cnn", "vgg16_frozen", "resnet50_frozen")
"""The report does not give the layers of its improved CNN and the learning rate of its fine-tuning."""


def published_baselines(measured: Baselines, *, reason: str, day: datetime.date) -> dict[str, Baseline]:
    """Return the published entry of each experiment.

    Args:
        measured: baselines with measured runs on CIFAR-10 images (official or not). Each published metric needs one of
            an experiment in ``DEFINED_IN_FULL``. Experiments without one use the widest spread of the others.
        reason: why the entries are written.
        day: today.

    Raises:
        ValueError: a metric has no measured baseline on CIFAR-10 images.
    """
    runs = {name: found for name, datasets in measured.items() if (found := _measured_metrics(datasets))}
    entries = {}
    for name, metrics in PUBLISHED.items():
        protocol = EXPERIMENTS[name].protocol
        entries[name] = Baseline(
            source="published",
            fingerprints=Fingerprints(
                data=OFFICIAL_FINGERPRINT,
                weights=WEIGHTS_FILES[protocol.backbone].fingerprint if protocol.backbone else None,
                protocol=protocol.fingerprint,
            ),
            weights=f"ImageNet, {protocol.backbone}" if protocol.backbone else "none",
            metrics={metric: _metric(name, metric, value, runs) for metric, value in metrics.items()},
            f1=None,
            seeds=[],
            epochs=[],
            seconds=[],
            feature_seconds=None,
            environment=None,
            recorded=day.isoformat(),
            reason=reason,
        )
    return entries


def _measured_metrics(datasets: dict[str, dict[str, Baseline]]) -> dict[str, Metric]:
    """Return an experiment's metrics on CIFAR-10 images, preferably the official ones; empty if not measured."""
    for dataset in ("cifar10", "cifar10-unofficial"):
        if "measured" in datasets.get(dataset, {}):
            return datasets[dataset]["measured"].metrics
    return {}


def _metric(name: str, metric: str, value: float, runs: dict[str, dict[str, Metric]]) -> Metric:
    comparable = [other for other in DEFINED_IN_FULL if metric in PUBLISHED[other]]
    if not runs.keys() & set(comparable):
        raise ValueError(
            f"baselines: found no measured runs on CIFAR-10 images of {' or '.join(comparable)}, expected some to take "
            f"the tolerance of each published {metric} from; measure one with --update-baselines"
        )
    spreads = {other: prediction_half_width(metrics[metric].values) for other, metrics in runs.items()}
    distances = {
        other: abs(runs[other][metric].mean - PUBLISHED[other][metric]) for other in comparable if other in runs
    }
    own = name in spreads
    whose = name if own else max(spreads, key=lambda other: spreads[other])
    farthest = max(distances, key=lambda other: distances[other])
    return Metric(
        values=[value],
        tolerance=round(spreads[whose] + distances[farthest], 4),
        tolerance_reason=(
            f"{spreads[whose]:.4f}, half of the {CONFIDENCE:.0%} prediction interval of {whose} measured on CIFAR-10 "
            f"images{'' if own else ' (the widest, for want of its own)'} + {distances[farthest]:.4f} for another "
            f"platform, as far as {farthest} came out from the report"
        ),
    )
