"""Computes what a default night catches, how many seeds catch a given drop of accuracy, and how long they take.

The number of seeds is for one look, as a night with ``--seeds`` has; a default night has two. Levels are the strictest
ones that the night's false-alarm rate gives to a check. The baseline's standard deviation is assumed to be the true
one. The minutes are means of the baseline's runs: one training for each seed, and the features of a frozen part once,
because all seeds share them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import fmean, stdev
from typing import NamedTuple

from tabulate import tabulate

from benchmarks.baselines.baseline import Baseline, Baselines
from benchmarks.inputs.settings import default_looks
from benchmarks.judging.judge import FAMILIES, HEADLINE
from benchmarks.statistics import FALSE_ALARM_RATE
from benchmarks.statistics.power import Look, seeds_needed, smallest_drop
from benchmarks.statistics.sequential import make_plan
from cifar_models.experiments import left_out_by_nights

MOST_SEEDS = 20


def render(
    baselines: Baselines,
    *,
    dataset: str,
    points: float,
    power: float = 0.95,
    false_alarm_rate: float = FALSE_ALARM_RATE,
) -> str:
    """Return a table with a line for each experiment that has a baseline, and below it the minutes of a night.

    A line says how many seeds a default night trains and the smallest drop that they catch, how many seeds catch the
    given drop at one look, and the minutes of these.

    Args:
        baselines: the baselines.
        dataset: name of the data set.
        points: drop of accuracy to catch, in percentage points, above 0 and below 100.
        power: probability that a night catches the drop, above 0.5 and below 1.
        false_alarm_rate: probability that a night without any change does not pass, above 0 and below 0.5.

    Raises:
        ValueError: a number is out of range, or no experiment has a baseline on the data set.
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
        and "+" not in name  # variants are trained in nights of their own
        and name not in left_out_by_nights(dataset)
    }
    if not found:
        known = sorted({name for datasets in baselines.values() for name in datasets})
        raise ValueError(
            f"--dataset: found no baselines for {dataset!r}, expected a data set with baselines: "
            f"{', '.join(known) or 'none yet'}"
        )
    looks = {name: default_looks(dataset, name) for name, sources in found.items() if "measured" in sources}
    levels = _levels(looks, false_alarm_rate)
    measured = len(looks)
    drop = round(points / 100, 12)  # so that 1.1 points are not above a tolerance of 0.011
    needed = partial(
        seeds_needed,
        drop=drop,
        checks=len(HEADLINE) * measured,
        secondary_checks=(len(FAMILIES) - len(HEADLINE)) * measured,
        false_alarm_rate=false_alarm_rate,
        power=power,
        at_most=MOST_SEEDS,
    )
    lines: list[list[str]] = []
    minutes: list[float] = []
    for name, sources in found.items():
        baseline = sources.get("measured")
        if baseline is None:
            lines.append([name, "", "", "", "", "published, without a spread", ""])
            continue
        noise = _least_noise(baseline)
        always_passes = drop <= noise.tolerance
        seeds = "within the tolerance, always passes" if always_passes else _seeds(noise, needed)
        cost = ""
        if isinstance(seeds, int):
            minutes.append(_minutes(baseline, seeds))
            cost = f"{minutes[-1]:.1f}"
        by = "" if noise.metric == "accuracy" else f" by {noise.metric}"
        least, most = looks[name]
        catches = smallest_drop(
            deviation=noise.deviation,
            tolerance=noise.tolerance,
            looks=[
                Look(baseline_runs=noise.runs, today_runs=runs, level=level)
                for runs, level in zip(looks[name], levels[name], strict=True)
            ],
            power=power,
        )
        by_default = f"{least} to {most}", f"{100 * catches:.1f} points"
        lines.append([name, str(noise.runs), f"{noise.deviation:.4f}{by}", *by_default, str(seeds), cost])
    headers = ["experiment", "baseline runs", "standard deviation", "by default", "catches", "seeds needed", "minutes"]
    table = tabulate(lines, headers, disable_numparse=True)
    drop_in_points = f"{points:g} point{'' if points == 1 else 's'}"
    part = "" if len(minutes) == len(found) else f", for {len(minutes)} of {len(found)} experiments"
    return (
        f"{table}\n\n"
        f"A night that catches a drop of {drop_in_points} with probability {power:g}: {sum(minutes):.1f} minutes{part}"
    )


def _levels(looks: Mapping[str, Sequence[int]], false_alarm_rate: float) -> dict[str, Sequence[float]]:
    """Return the levels at which a headline check does not pass at the looks of a default night, by experiment."""
    if not looks:
        return {}
    names = [name for name in looks for _ in FAMILIES]
    plan = make_plan(names, [*FAMILIES.values()] * len(looks), looks=looks, false_alarm_rate=false_alarm_rate)
    levels = plan.first_step_levels()
    return {name: levels[:, names.index(name)].tolist() for name in looks}


def _minutes(baseline: Baseline, seeds: int) -> float:
    """Return the minutes of a number of trainings, and once those of the features that they share."""
    return (seeds * fmean(baseline.seconds) + (baseline.feature_seconds or 0.0)) / 60


class _Noise(NamedTuple):
    """Standard deviation and tolerance of a baseline's metric, as fractions of accuracy."""

    metric: str
    runs: int
    deviation: float
    tolerance: float


def _least_noise(baseline: Baseline) -> _Noise:
    """Return the noise of accuracy or loss, whichever is less."""
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
    """Return the number of seeds that one experiment needs, or a text if it is above ``MOST_SEEDS``."""
    runs = noise.runs
    find = partial(needed, deviation=noise.deviation, tolerance=noise.tolerance)
    if seeds := find(baseline_runs=runs):
        return seeds
    for more in (2 * runs, 4 * runs, 8 * runs):
        if seeds := find(baseline_runs=more):
            return f"more than {MOST_SEEDS}; with {more} baseline runs: {seeds}"
    return f"more than {MOST_SEEDS}, even with {8 * runs} baseline runs"
