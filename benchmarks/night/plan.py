"""The plan of a night: the seeds that each experiment needs to catch a drop of its accuracy, and what they cost.

The seeds are those of one look, at the strictest level that the night's false-alarm rate leaves to a check. The
baseline's standard deviation is taken for the true one. The minutes are those of the baseline's own runs: a training
for each seed, and once the features of a frozen part, which all seeds share.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import fmean, stdev
from typing import NamedTuple

from tabulate import tabulate

from benchmarks.baselines.baseline import Baseline, Baselines
from benchmarks.statistics import FALSE_ALARM_RATE
from benchmarks.statistics.power import seeds_needed
from cifar_models.experiments import left_out_by_nights

HEADLINE_CHECKS, SECONDARY_CHECKS = 2, 2
"""Checks of one experiment: accuracy and loss, which have most of the rate; the gap and the pattern over classes."""

MOST_SEEDS = 20


def render(
    baselines: Baselines,
    *,
    dataset: str,
    points: float,
    power: float = 0.95,
    false_alarm_rate: float = FALSE_ALARM_RATE,
) -> str:
    """Return a line for each experiment with a baseline on the data set, and below them the night's minutes.

    Args:
        baselines: as read.
        dataset: the data set's name.
        points: the drop of accuracy to catch, in percentage points, above 0 and below 100.
        power: probability with which a night catches it, in (0.5, 1).
        false_alarm_rate: chance that a night without any change has anything but passes, in (0, 0.5).

    Raises:
        ValueError: a number out of range, or no baseline on the data set.
    """
    for option, value, low, high in (
        ("drop", points, 0, 100),
        ("power", power, 0.5, 1),
        ("false-alarm-rate", false_alarm_rate, 0, 0.5),
    ):
        if not low < value < high:
            raise ValueError(f"--{option}: found {value:g}, expected a number above {low} and below {high}")
    found = {
        name: datasets[dataset]
        for name, datasets in baselines.items()
        if datasets.get(dataset)
        and "+" not in name  # a night of variants is another one
        and name not in left_out_by_nights(dataset)
    }
    if not found:
        known = sorted({name for datasets in baselines.values() for name in datasets})
        raise ValueError(
            f"--dataset: found no baselines for {dataset!r}, expected a data set that has some: "
            f"{', '.join(known) or 'there is none yet'}"
        )
    measured = sum("measured" in sources for sources in found.values())
    drop = round(points / 100, 12)  # 1.1 / 100 is above a tolerance of 0.011 by rounding alone
    needed = partial(
        seeds_needed,
        drop=drop,
        checks=HEADLINE_CHECKS * measured,
        secondary_checks=SECONDARY_CHECKS * measured,
        false_alarm_rate=false_alarm_rate,
        power=power,
        at_most=MOST_SEEDS,
    )
    lines: list[list[str]] = []
    minutes: list[float] = []
    for name, sources in found.items():
        baseline = sources.get("measured")
        if baseline is None:
            lines.append([name, "", "", "published, no spread to plan from", ""])
            continue
        noise = _least_noise(baseline)
        always_passes = drop <= noise.tolerance
        seeds = "within the tolerance, always passes" if always_passes else _seeds(noise, needed)
        cost = ""
        if isinstance(seeds, int):
            minutes.append(_minutes(baseline, seeds))
            cost = f"{minutes[-1]:.1f}"
        by = "" if noise.metric == "accuracy" else f" by {noise.metric}"
        lines.append([name, str(noise.runs), f"{noise.deviation:.4f}{by}", str(seeds), cost])
    headers = ["experiment", "baseline runs", "standard deviation", "seeds needed", "minutes"]
    table = tabulate(lines, headers, disable_numparse=True)
    part = "" if len(minutes) == len(found) else f", for {len(minutes)} of {len(found)} experiments"
    return (
        f"{table}\n\n"
        f"A night that catches a drop of {points:g} points with probability {power:g}: {sum(minutes):.1f} minutes{part}"
    )


def _minutes(baseline: Baseline, seeds: int) -> float:
    """Return what so many seeds take: the features of a frozen part are computed once for all of them."""
    return (seeds * fmean(baseline.seconds) + (baseline.feature_seconds or 0.0)) / 60


class _Noise(NamedTuple):
    """How much the runs of a baseline vary in a metric, and what passes: as fractions of accuracy."""

    metric: str
    runs: int
    deviation: float
    tolerance: float


def _least_noise(baseline: Baseline) -> _Noise:
    """Return the noise of the accuracy or of the loss, whichever sees more."""
    units = {"accuracy": 1.0}
    if baseline.nats_per_point and "loss" in baseline.metrics:
        units["loss"] = 100 * baseline.nats_per_point
    return min(
        (
            _Noise(metric, len(values.values), stdev(values.values) / unit, values.tolerance / unit)
            for metric, unit in units.items()
            for values in [baseline.metrics[metric]]
        ),
        key=lambda noise: noise.deviation,
    )


def _seeds(noise: _Noise, needed: Callable[..., int | None]) -> int | str:
    """Return the seeds that one experiment needs, or in words why there is no such number."""
    runs = noise.runs
    find = partial(needed, deviation=noise.deviation, tolerance=noise.tolerance)
    if seeds := find(baseline_runs=runs):
        return seeds
    for more in (2 * runs, 4 * runs, 8 * runs):
        if seeds := find(baseline_runs=more):
            return f"more than {MOST_SEEDS}; with {more} baseline runs: {seeds}"
    return f"more than {MOST_SEEDS}, even with {8 * runs} baseline runs"
