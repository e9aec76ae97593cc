"""What a baseline is: the runs of one experiment that later runs are held against, and what makes no sense in one."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any

from cifar_models.results.environment import Environment
from cifar_models.results.evaluation import SMALLEST_PROBABILITY
from cifar_models.results.run import Fingerprints
from cifar_models.storage.strict_json import added_later

METRICS = ("accuracy", "loss", "gap")
"""What is judged of a run; a baseline measured before runs recorded their loss has none."""
RANGES = {"accuracy": (0.0, 1.0), "loss": (0.0, -math.log(SMALLEST_PROBABILITY)), "gap": (-1.0, 1.0)}
"""The lowest and highest value of each metric."""
SOURCES = ("measured", "published")
LEAST_RUNS = 3
"""Runs below which a spread is not worth the name, and no baseline is measured."""
SUGGESTED_RUNS = 30
"""Five runs a night see a drop of 3.0 standard deviations against 30 baseline runs, of 3.7 against ten."""
LARGEST_TOLERANCE = 1.0  # what no accuracy can miss is no check


class BaselineError(ValueError):
    """Baselines that cannot be used, or none to compare with: what was found, expected, and what to do."""


@dataclass(frozen=True)
class Metric:
    """One metric of a baseline.

    Attributes:
        values: one for each seed: an accuracy in [0, 1], a gap in [-1, 1], a loss in nats, 0 or more.
        tolerance: a difference that passes whatever the spread, either way; absolute, above 0. For a published value,
            which has no spread, all that is allowed.
        tolerance_reason: where that number comes from.
    """

    values: list[float]
    tolerance: float
    tolerance_reason: str

    @property
    def mean(self) -> float:
        """The values' mean."""
        return statistics.fmean(self.values)


@dataclass(frozen=True)
class ClassMetric:
    """The F1 of each class.

    Attributes:
        values: by class, one for each seed, in [0, 1].
        tolerance: as a ``Metric``'s, for the distance between patterns over classes.
        tolerance_reason: where that number comes from.
    """

    values: dict[str, list[float]]
    tolerance: float
    tolerance_reason: str


@dataclass(frozen=True)
class Baseline:
    """The runs of one experiment on one data set that later runs are held against.

    Attributes:
        source: ``measured`` by this suite, or ``published`` in the report that it reproduces.
        fingerprints: what a run must agree with before it is compared.
        weights: what the models started from, in words.
        metrics: by name, of ``METRICS``; accuracy always.
        f1: of each class; None if published.
        seeds: one for each value; none if published.
        epochs: how many each run trained; none if published.
        seconds: what each run's training took; none if published.
        feature_seconds: what the frozen part's features took, which all runs of a session share; 0 without such a part,
            None if published.
        environment: of the measured runs; None if published.
        recorded: the day, as YYYY-MM-DD.
        reason: why it was set.
        nats_per_point: what a percentage point of accuracy is in loss, along the runs' curves; None if not known.
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
    """Refuse what has the right types and still is no baseline.

    Args:
        baseline: to check.
        source: that it is filed under.
        where: its place in the file, for the message.

    Raises:
        ValueError: a value that makes no sense; says where, what was found and what was expected.
    """

    def expect(condition: bool, part: str, found: Any, rule: str) -> None:
        if not condition:
            raise ValueError(f"{where}.{part}: found {found!r}, expected {rule}")

    expect(source in SOURCES, "source", source, f"one of {SOURCES}")
    expect(baseline.source == source, "source", baseline.source, f"{source!r}, as the key says")
    expect(bool(baseline.reason.strip()), "reason", baseline.reason, "why it was set")
    expect("accuracy" in baseline.metrics, "metrics", sorted(baseline.metrics), "an accuracy")
    measured = source == "measured"
    runs = len(baseline.seeds)
    count = f"{LEAST_RUNS} or more if measured, else none"
    expect(runs >= LEAST_RUNS if measured else runs == 0, "seeds", runs, count)
    expect(len(set(baseline.seeds)) == runs, "seeds", baseline.seeds, "each seed once")
    expect(len(baseline.epochs) == runs, "epochs", len(baseline.epochs), f"{runs}, one a seed")
    expect(len(baseline.seconds) == runs, "seconds", len(baseline.seconds), f"{runs}, one a seed")
    one = "one if measured, else none"
    expect((baseline.environment is not None) == measured, "environment", baseline.environment, one)
    expect((baseline.feature_seconds is not None) == measured, "feature_seconds", baseline.feature_seconds, one)
    expect(bool(baseline.f1 and baseline.f1.values) == measured, "f1", baseline.f1, one)
    names = sorted(baseline.metrics)
    expect(not measured or {*names, "loss"} == {*METRICS}, "metrics", names, f"{METRICS}, all if measured")
    nats = baseline.nats_per_point
    expect(nats is None or nats > 0, "nats_per_point", nats, "above 0")
    needed = runs if measured else 1

    def expect_values(place: str, values: list[float], tolerance: float, low: float, high: float = 1.0) -> None:
        expect(len(values) == needed, f"{place}.values", len(values), f"{needed}, one a seed or one if published")
        expect(all(low <= value <= high for value in values), f"{place}.values", values, f"{low} to {high:g}")
        rule = f"above 0 and below {LARGEST_TOLERANCE}"
        expect(0 < tolerance < LARGEST_TOLERANCE, f"{place}.tolerance", tolerance, rule)

    for name, metric in baseline.metrics.items():
        expect(name in METRICS, "metrics", name, f"one of {METRICS}")
        low, high = RANGES[name]
        expect_values(f"metrics.{name}", metric.values, metric.tolerance, low, high)
    if baseline.f1 is not None:
        for name, values in baseline.f1.values.items():
            expect_values(f"f1.{name}", values, baseline.f1.tolerance, 0.0)
