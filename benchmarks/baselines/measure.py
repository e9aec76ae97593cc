"""Makes a measured baseline from runs, and computes the tolerances of its metrics."""

from __future__ import annotations

import datetime
import math
import statistics
from collections.abc import Iterable, Sequence

from benchmarks.baselines.baseline import LARGEST_TOLERANCE, LEAST_RUNS, METRICS, Baseline, ClassMetric, Metric
from benchmarks.statistics.exchange import nats_per_point
from benchmarks.statistics.expect import expect
from benchmarks.statistics.prediction import prediction_half_width
from cifar_models.results.run import Run

SMALLEST_CHANGE = {"accuracy": 0.005, "gap": 0.01, "f1": 0.01}
"""The smallest changes worth acting on, which are the tolerances of measured baselines. The loss's is the accuracy's in
nats; the F1's is for the distance between patterns over classes."""
LEAST_NATS_PER_POINT = 0.02
"""Used if the curves do not show how loss depends on accuracy; smaller than any value that they have shown."""


def measured_baseline(runs: Iterable[Run], *, reason: str, day: datetime.date) -> Baseline:
    """Make a baseline from one experiment's runs on one data set.

    The tolerances are ``SMALLEST_CHANGE``. If early stopping ended runs at different epochs, their gaps can form
    clusters, so the gap's tolerance is at least the largest distance between the clusters' means.

    Raises:
        ValueError: there are fewer than ``LEAST_RUNS`` runs, runs with different fingerprints, a repeated seed, no
            reason, or a metric that is not finite or varies too much.
    """
    runs = sorted(runs, key=lambda run: run.seed)
    seeds = [run.seed for run in runs]
    kinds = {(run.experiment, run.dataset, run.fingerprints) for run in runs}
    enough = f"{LEAST_RUNS} or more, because their spread sets the allowance"
    expect(len(runs) >= LEAST_RUNS, "runs", len(runs), enough)
    expect(len(kinds) == 1, "experiments, data sets and fingerprints", len(kinds), "one of each")
    expect(len(set(seeds)) == len(runs), "seeds", seeds, "each seed once")
    expect(bool(reason.strip()), "reason", reason, "why the baseline changes")
    epochs = [run.epochs for run in runs]
    nats = None
    if not any(run.protocol.get("label_smoothing") for run in runs):  # whose curves are of another loss
        nats = nats_per_point([run.curves.val_accuracy for run in runs], [run.curves.val_loss for run in runs])
    return Baseline(
        source="measured",
        fingerprints=runs[0].fingerprints,
        weights=runs[0].weights,
        metrics={
            name: _measured_metric(name, [getattr(run, name) for run in runs], epochs, nats)
            for name in METRICS
            # Old records have only the validation loss, which includes penalties.
            if name != "loss" or all(run.evaluation.loss is not None for run in runs)
        },
        f1=_measured_f1(runs),
        seeds=seeds,
        epochs=epochs,
        seconds=[round(run.timings.training, 1) for run in runs],
        feature_seconds=round(max(run.timings.features for run in runs), 1),
        environment=runs[0].environment,
        recorded=day.isoformat(),
        reason=reason.strip(),
        nats_per_point=None if nats is None else round(nats, 6),
    )


def _measured_metric(name: str, values: list[float], epochs: list[int], nats: float | None) -> Metric:
    expect(all(map(math.isfinite, values)), name, values, "finite numbers")
    rounded = [round(value, 6) for value in values]
    close = f"values so close together that one further run is within {LARGEST_TOLERANCE:g} of their mean"
    expect(prediction_half_width(values) < LARGEST_TOLERANCE, name, rounded, close)
    tolerance, reason = SMALLEST_CHANGE.get(name, 0.0), "the smallest change worth acting on"
    if name == "loss":
        tolerance = SMALLEST_CHANGE["accuracy"] * 100 * (nats or LEAST_NATS_PER_POINT)
        reason = "what the smallest change of accuracy worth acting on is in loss, along the runs' curves"
    if name == "gap":
        means = [
            statistics.fmean(value for value, ended in zip(values, epochs, strict=True) if ended == epoch)
            for epoch in set(epochs)
        ]
        if (apart := max(means) - min(means)) > tolerance:
            tolerance, reason = apart, "how far apart early stopping has put these runs, by the epochs it ended them at"
    return Metric(rounded, round(tolerance, 4), reason)


def _measured_f1(runs: Sequence[Run]) -> ClassMetric:
    return ClassMetric(
        values={
            name: [round(run.evaluation.classes[name].f1, 6) for run in runs] for name in runs[0].evaluation.classes
        },
        tolerance=SMALLEST_CHANGE["f1"],
        tolerance_reason="the smallest change worth acting on",
    )
