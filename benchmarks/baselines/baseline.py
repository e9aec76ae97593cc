"""The baseline class: runs of one experiment with which later runs are compared, and checks of its values."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any

from benchmarks.statistics.expect import expect
from cifar_models.results.environment import Environment
from cifar_models.results.evaluation import SMALLEST_PROBABILITY
from cifar_models.results.run import Fingerprints
from cifar_models.storage.strict_json import added_later

METRICS = ("accuracy", "loss", "gap")
"""The metrics that are judged; baselines of runs that did not record their loss lack it."""
RANGES = {"accuracy": (0.0, 1.0), "loss": (0.0, -math.log(SMALLEST_PROBABILITY)), "gap": (-1.0, 1.0)}
"""The lowest and highest value of each metric."""
SOURCES = ("measured", "published")
LEAST_RUNS = 3
"""Fewest runs of a measured baseline."""
SUGGESTED_RUNS = 30
"""Five runs a night detect a drop of 3.0 standard deviations against 30 baseline runs, of 3.7 against ten."""
LARGEST_TOLERANCE = 1.0  # with a larger one, every accuracy would pass


class BaselineError(ValueError):
    """Baselines cannot be used or are missing; the message says what was found, what was expected and what to do."""


@dataclass(frozen=True)
class Metric:
    """One metric of a baseline.

    Attributes:
        values: one for each seed: accuracies in [0, 1], gaps in [-1, 1], losses in nats.
        tolerance: absolute difference that always passes, above 0; for published values the whole allowance.
        tolerance_reason: how the tolerance was computed.
    """

    values: list[float]
    tolerance: float
    tolerance_reason: str

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return statistics.fmean(self.values)


@dataclass(frozen=True)
class ClassMetric:
    """The F1 of each class: by class, values in [0, 1], one for each seed.

    The tolerance is for the distance between patterns over classes, see ``class_pattern``.
    """

    values: dict[str, list[float]]
    tolerance: float
    tolerance_reason: str


@dataclass(frozen=True)
class Baseline:
    """The runs of one experiment on one data set with which later runs are compared.

    Attributes:
        source: ``measured`` by this suite, or ``published`` in the report that it reproduces. A published baseline has
            no runs, so its lists are empty, and its f1, feature_seconds and environment are None.
        weights: description of the weights that the models started from.
        metrics: by name in ``METRICS``; always has accuracy.
        seconds: seconds of training, one for each run.
        feature_seconds: seconds for the frozen part's features, shared by the runs of a session; 0 without them.
        recorded: date, as YYYY-MM-DD.
        nats_per_point: loss that corresponds to a percentage point of accuracy; None if not known.
    """

    source: str
    fingerprints: Fingerprints
    weights: str
    metrics: dict[str, Metric]
    f1: ClassMetric | None
    seeds: list[int]
    epochs: list[int]
    seconds: list[float]
    feature_seconds: float | None
    environment: Environment | None
    recorded: str
    reason: str
    nats_per_point: float | None = added_later()


Baselines = dict[str, dict[str, dict[str, Baseline]]]
"""Baselines by experiment, data set and source."""


def check_baseline(baseline: Baseline, source: str, where: str) -> None:
    """Check the values of a baseline.

    Args:
        baseline: the baseline.
        source: its key in the file.
        where: its place in the file, for the message.

    Raises:
        ValueError: a value is out of range or contradicts another.
    """

    def require(condition: bool, part: str, found: Any, rule: str) -> None:
        expect(condition, f"{where}.{part}", found, rule)

    require(source in SOURCES, "source", source, f"one of {SOURCES}")
    require(baseline.source == source, "source", baseline.source, f"{source!r}, as the key says")
    require(bool(baseline.reason.strip()), "reason", baseline.reason, "why it was set")
    require("accuracy" in baseline.metrics, "metrics", sorted(baseline.metrics), "an accuracy")
    measured = source == "measured"
    runs = len(baseline.seeds)
    count = f"{LEAST_RUNS} or more if measured, else none"
    require(runs >= LEAST_RUNS if measured else runs == 0, "seeds", runs, count)
    require(len(set(baseline.seeds)) == runs, "seeds", baseline.seeds, "each seed once")
    require(len(baseline.epochs) == runs, "epochs", len(baseline.epochs), f"{runs}, one a seed")
    require(len(baseline.seconds) == runs, "seconds", len(baseline.seconds), f"{runs}, one a seed")
    one = "one if measured, else none"
    require((baseline.environment is not None) == measured, "environment", baseline.environment, one)
    require((baseline.feature_seconds is not None) == measured, "feature_seconds", baseline.feature_seconds, one)
    require(bool(baseline.f1 and baseline.f1.values) == measured, "f1", baseline.f1, one)
    names = sorted(baseline.metrics)
    require(not measured or {*names, "loss"} == {*METRICS}, "metrics", names, f"{METRICS}, all if measured")
    nats = baseline.nats_per_point
    require(nats is None or nats > 0, "nats_per_point", nats, "above 0")
    needed = runs if measured else 1

    def require_values(place: str, values: list[float], tolerance: float, low: float, high: float = 1.0) -> None:
        require(len(values) == needed, f"{place}.values", len(values), f"{needed}, one a seed or one if published")
        require(all(low <= value <= high for value in values), f"{place}.values", values, f"{low} to {high:g}")
        rule = f"above 0 and below {LARGEST_TOLERANCE}"
        require(0 < tolerance < LARGEST_TOLERANCE, f"{place}.tolerance", tolerance, rule)

    for name, metric in baseline.metrics.items():
        require(name in METRICS, "metrics", name, f"one of {METRICS}")
        low, high = RANGES[name]
        require_values(f"metrics.{name}", metric.values, metric.tolerance, low, high)
    if baseline.f1 is not None:
        for name, values in baseline.f1.values.items():
            require_values(f"f1.{name}", values, baseline.f1.tolerance, 0.0)
