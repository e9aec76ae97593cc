"""From runs to a measured baseline: their values, and the tolerances of its metrics."""

from __future__ import annotations

import datetime
import math
import statistics
from collections.abc import Iterable, Sequence

from scipy.special import stdtrit

from benchmarks.baselines.baseline import LARGEST_TOLERANCE, LEAST_RUNS, METRICS, Baseline, ClassMetric, Metric
from benchmarks.statistics.exchange import nats_per_point
from cifar_models.results.run import Run

SMALLEST_CHANGE = {"accuracy": 0.005, "gap": 0.01, "f1": 0.01}
"""Changes that nobody would act on: the tolerances of measured baselines, whose own spread does the rest. That of the
loss is what the accuracy's is in nats; the F1's is of the distance between patterns over classes."""
LEAST_NATS_PER_POINT = 0.02
"""What stands for the slope of loss against accuracy where the curves do not tell it: less than any that they told."""
CONFIDENCE = 0.99


def measured_baseline(runs: Iterable[Run], *, reason: str, day: datetime.date) -> Baseline:
    """Make a baseline of one experiment's runs on one data set.

    Its tolerances are ``SMALLEST_CHANGE``. Where early stopping ended runs at different epochs, their gaps may lie in
    clusters that no standard deviation describes: the gap's tolerance is then at least as wide as the clusters' means
    are apart.

    Raises:
        ValueError: fewer than ``LEAST_RUNS`` runs, runs that differ in fingerprints, a seed twice, no reason,
            a metric that is no finite number, or runs so far apart that they would let anything pass.
    """
    runs = sorted(runs, key=lambda run: run.seed)
    if len(runs) < LEAST_RUNS:
        raise ValueError(f"runs: found {len(runs)}, expected {LEAST_RUNS} or more, for their spread is what is allowed")
    if len({(run.experiment, run.dataset, run.fingerprints) for run in runs}) > 1:
        raise ValueError("runs: found several experiments, data sets or fingerprints, expected one of each")
    if len({run.seed for run in runs}) < len(runs):
        raise ValueError("runs: found a seed twice, expected each seed once")
    if not reason.strip():
        raise ValueError("reason: found none, expected why the baseline changes")
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
            # The validation loss, which an old record has instead, may hold penalties.
            if name != "loss" or all(run.evaluation.loss is not None for run in runs)
        },
        f1=_measured_f1(runs),
        seeds=[run.seed for run in runs],
        epochs=epochs,
        seconds=[round(run.timings.training, 1) for run in runs],
        feature_seconds=round(max(run.timings.features for run in runs), 1),
        environment=runs[0].environment,
        recorded=day.isoformat(),
        reason=reason.strip(),
        nats_per_point=None if nats is None else round(nats, 6),
    )


def prediction_half_width(values: Sequence[float]) -> float:
    """Return how far from the values' mean one further run lies at most, with probability ``CONFIDENCE``.

    The half width of Student's prediction interval, t s sqrt(1 + 1/n) with n - 1 degrees of freedom and ``ddof=1``
    (Hahn and Meeker 1991, section 4.7), for runs that vary normally; in the values' own unit.

    Raises:
        statistics.StatisticsError: fewer than two values.
    """
    n = len(values)
    quantile = float(stdtrit(n - 1, 1 - (1 - CONFIDENCE) / 2))
    return quantile * statistics.stdev(values) * math.sqrt(1 + 1 / n)


def _measured_metric(name: str, values: list[float], epochs: list[int], nats: float | None) -> Metric:
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"{name}: found {values}, expected finite numbers")
    if not prediction_half_width(values) < LARGEST_TOLERANCE:
        shown = ", ".join(f"{value:.4f}" for value in values)
        raise ValueError(
            f"{name}: found {shown}, expected runs close enough to each other to tell one more apart from any number"
        )
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
    return Metric([round(value, 6) for value in values], round(tolerance, 4), reason)


def _measured_f1(runs: Sequence[Run]) -> ClassMetric:
    return ClassMetric(
        values={
            name: [round(run.evaluation.classes[name].f1, 6) for run in runs] for name in runs[0].evaluation.classes
        },
        tolerance=SMALLEST_CHANGE["f1"],
        tolerance_reason="the smallest change worth acting on",
    )
