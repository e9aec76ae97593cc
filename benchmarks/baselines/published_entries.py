"""The published report's numbers as baselines for the official CIFAR-10 files.

    python -m benchmarks.published --reason "..."

writes their entries into baselines.json anew. They hold one value each, so their tolerance cannot come from them: it
is taken from the measured baselines on CIFAR-10 images: their spread, and as a margin for another platform how far the
models that the report defines in full have come out from its numbers here.
"""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from benchmarks.baselines.baselines import (
    CONFIDENCE,
    Baseline,
    Baselines,
    Metric,
    prediction_half_width,
    read_baselines,
    write_baselines,
)
from benchmarks.baselines.published_report import REPORT
from cifar_models.datasets.cifar10 import OFFICIAL_FINGERPRINT
from cifar_models.experiments import EXPERIMENTS
from cifar_models.models.pretrained import WEIGHTS_FILES
from cifar_models.results.run import Fingerprints
from cifar_models.storage.files import user_path

PUBLISHED: dict[str, dict[str, float]] = {
    name: {"accuracy": result.accuracy} | ({} if result.gap is None else {"gap": result.gap})
    for name, result in REPORT.items()
}
"""Accuracy and overfitting gap as the report has them, from one training each; two gaps were published."""

DEFINED_IN_FULL = ("simple_cnn", "vgg16_frozen", "resnet50_frozen")
"""The report gives neither the layers of its improved CNN nor the learning rate of its fine-tuning."""


def published_baselines(measured: Baselines, *, reason: str, day: datetime.date) -> dict[str, Baseline]:
    """Return the published entry of each experiment.

    Args:
        measured: baselines with measured runs on CIFAR-10 images (official or not), of at least one experiment of
            ``DEFINED_IN_FULL``; an experiment without any takes the widest spread of the others.
        reason: why the entries are written.
        day: today.

    Raises:
        ValueError: no measured baseline on CIFAR-10 images to take spread and margin from.
    """
    runs = {name: _measured_metrics(datasets) for name, datasets in measured.items() if _measured_metrics(datasets)}
    if not runs.keys() & set(DEFINED_IN_FULL):
        raise ValueError(
            f"baselines: found no measured runs on CIFAR-10 images of {', '.join(DEFINED_IN_FULL)}, expected some "
            f"of at least one, to take spread and margin from"
        )
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


def main() -> None:
    """Write the published entries into baselines.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baselines", type=user_path, default=Path("baselines.json"), metavar="FILE")
    parser.add_argument("--reason", required=True, help="why the entries are written, kept with them")
    arguments = parser.parse_args()
    baselines = read_baselines(arguments.baselines)
    for name, entry in published_baselines(
        baselines, reason=arguments.reason, day=datetime.datetime.now(tz=datetime.UTC).date()
    ).items():
        baselines.setdefault(name, {}).setdefault("cifar10", {})["published"] = entry
    write_baselines(arguments.baselines, baselines)


def _measured_metrics(datasets: dict[str, dict[str, Baseline]]) -> dict[str, Metric]:
    """Return an experiment's metrics as measured on CIFAR-10 images, on the official ones if there are such."""
    for dataset in ("cifar10", "cifar10-unofficial"):
        if "measured" in datasets.get(dataset, {}):
            return datasets[dataset]["measured"].metrics
    return {}


def _metric(name: str, metric: str, value: float, runs: dict[str, dict[str, Metric]]) -> Metric:
    spreads = {other: prediction_half_width(metrics[metric].values) for other, metrics in runs.items()}
    distances = {
        other: abs(runs[other][metric].mean - PUBLISHED[other][metric])
        for other in DEFINED_IN_FULL
        if other in runs and metric in PUBLISHED[other]
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


if __name__ == "__main__":
    main()
