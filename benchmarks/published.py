"""The published report's numbers as baselines for the official CIFAR-10 files.

    python -m benchmarks.published --reason "..."

writes their entries into baselines.json anew. They hold one value each, so their tolerance cannot come from them: it
is taken from the spread of the measured baselines on CIFAR-10 images, and margins for another platform and for what
the report leaves open.
"""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from benchmarks.baselines import (
    CONFIDENCE,
    Baseline,
    Baselines,
    Metric,
    prediction_half_width,
    read_baselines,
    write_baselines,
)
from cifar_models.datasets.cifar10 import OFFICIAL_CHECKSUM
from cifar_models.experiments import EXPERIMENTS
from cifar_models.pretrained import published_checksum
from cifar_models.run import Fingerprints

PUBLISHED: dict[str, dict[str, float]] = {
    "simple_cnn": {"accuracy": 0.6763, "gap": 0.169},
    "vgg16_frozen": {"accuracy": 0.5769, "gap": 0.016},
    "improved_cnn": {"accuracy": 0.7525},
    "resnet50_frozen": {"accuracy": 0.3491},
    "resnet50_finetuned": {"accuracy": 0.3425},
}
"""Accuracy and overfitting gap as the report has them, from one training each; two gaps were published."""

PLATFORM_MARGIN = 0.02
"""Another Keras, another GPU and an unnamed seed: what they may add to the run-to-run spread, as a fraction."""

UNKNOWNS: dict[str, tuple[float, str]] = {
    "improved_cnn": (0.04, "the report not giving its layers"),
    "resnet50_finetuned": (0.04, "the report not giving its learning rate"),
}
"""What the report leaves open: a further margin, as a fraction, and its reason."""


def published_baselines(measured: Baselines, *, reason: str, day: datetime.date) -> dict[str, Baseline]:
    """Return the published entry of each experiment.

    Args:
        measured: baselines with measured runs on CIFAR-10 images (official or not); an experiment without any takes
            the widest spread of the others, never a narrower one.
        reason: why the entries are written.
        day: today.

    Raises:
        ValueError: no measured baseline on CIFAR-10 images to take a spread from.
    """
    spreads = {name: _spreads(datasets) for name, datasets in measured.items() if _spreads(datasets)}
    if not spreads:
        raise ValueError("baselines: found no measured runs on CIFAR-10 images, expected some to take a spread from")
    entries = {}
    for name, metrics in PUBLISHED.items():
        protocol = EXPERIMENTS[name].protocol
        entries[name] = Baseline(
            source="published",
            fingerprints=Fingerprints(
                data=OFFICIAL_CHECKSUM,
                weights=published_checksum(protocol.backbone) if protocol.backbone else None,
                protocol=protocol.fingerprint,
            ),
            weights=f"ImageNet, {protocol.backbone}" if protocol.backbone else "none",
            metrics={metric: _metric(name, metric, value, spreads) for metric, value in metrics.items()},
            seeds=[],
            epochs=[],
            seconds=[],
            environment=None,
            recorded=day.isoformat(),
            reason=reason,
        )
    return entries


def main() -> None:
    """Write the published entries into baselines.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baselines", type=Path, default=Path("baselines.json"), metavar="FILE")
    parser.add_argument("--reason", required=True, help="why the entries are written, kept with them")
    arguments = parser.parse_args()
    baselines = read_baselines(arguments.baselines)
    for name, entry in published_baselines(
        baselines, reason=arguments.reason, day=datetime.datetime.now(tz=datetime.UTC).date()
    ).items():
        baselines.setdefault(name, {}).setdefault("cifar10", {})["published"] = entry
    write_baselines(arguments.baselines, baselines)


def _spreads(datasets: dict[str, dict[str, Baseline]]) -> dict[str, float]:
    """Return how far one further run may lie from each metric's measured runs on CIFAR-10 images, if there are any."""
    for dataset in ("cifar10", "cifar10-unofficial"):
        if "measured" in datasets.get(dataset, {}):
            metrics = datasets[dataset]["measured"].metrics
            return {name: prediction_half_width(metric.values) for name, metric in metrics.items()}
    return {}


def _metric(name: str, metric: str, value: float, spreads: dict[str, dict[str, float]]) -> Metric:
    own = name in spreads
    whose = name if own else max(spreads, key=lambda other: spreads[other][metric])
    spread = spreads[whose][metric]
    unknown, what = UNKNOWNS.get(name, (0.0, ""))
    reasons = [
        f"{spread:.4f}, half of the {CONFIDENCE:.0%} prediction interval of {whose} measured on CIFAR-10 images"
        f"{'' if own else ' (the widest, for want of its own)'}",
        f"{PLATFORM_MARGIN} for another platform",
        *([f"{unknown} for {what}"] if unknown else []),
    ]
    return Metric(
        values=[value],
        tolerance=round(spread + PLATFORM_MARGIN + unknown, 4),
        tolerance_reason=" + ".join(reasons),
    )


if __name__ == "__main__":
    main()
