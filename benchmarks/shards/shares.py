"""Divides the trainings of a night into shares of about equal length, one for each shard.

Every shard computes all shares itself. They depend only on the selection and on the seconds in the baselines, so all
shards get the same result. The method is MULTIFIT (Coffman, Garey and Johnson 1978): each training, the longest first,
goes to the first shard with room, and the room is the smallest with which all trainings fit. All seeds of an experiment
with a frozen part share its features, which each shard computes once. So a seed goes to a shard that has the features
already, if there is one with room.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from statistics import fmean

from benchmarks.baselines.baseline import Baselines
from benchmarks.records.trainings import TrainingKey

Costs = Mapping[str, tuple[int, int]]
"""By experiment, the milliseconds of a training, and of the features that its seeds share. Whole numbers have the same
sums on all machines."""


def costs_of(names: Iterable[str], baselines: Baselines, dataset: str) -> Costs:
    """Return the costs of each experiment from its measured baseline.

    A variant without a baseline costs as much as its own experiment. Any other experiment without a baseline costs as
    much as the others on average.
    """
    names = list(names)
    known: dict[str, tuple[int, int]] = {}
    for name in names:
        plain, *_ = name.split("+")
        for entry in (name, plain):
            for data, sources in sorted(baselines.get(entry, {}).items()):
                # Data with a longer name, such as cifar10-unofficial, have the same number of images.
                if data.startswith(dataset) and (baseline := sources.get("measured")) and name not in known:
                    known[name] = round(1000 * fmean(baseline.seconds)), round(1000 * (baseline.feature_seconds or 0))
    average = round(fmean(training for training, _ in known.values())) if known else 1000
    return {name: known.get(name, (average, 0)) for name in names}


def shares_of(trainings: Iterable[TrainingKey], count: int, costs: Costs) -> list[list[TrainingKey]]:
    """Return the trainings of each shard; none is empty if there are as many trainings as shards.

    Args:
        trainings: each experiment and seed once, in any order.
        count: number of shards, 1 or more.
        costs: the costs of each experiment.
    """
    ordered = sorted(trainings, key=lambda key: (-sum(costs[key[0]]), key))
    enough = sum(sum(costs[name]) for name, _ in ordered)
    room = bisect_left(range(enough), 1, key=lambda some: int(_fit(ordered, count, costs, some) is not None))
    shares = _fit(ordered, count, costs, room)
    assert shares is not None  # noqa: S101 - one shard has enough room for all
    for empty in [share for share in shares if not share]:
        longest = max(shares, key=lambda share: (len(share) > 1, duration(share, costs)))
        if len(longest) > 1:
            empty.append(longest.pop())
    return [sorted(share) for share in shares]


def duration(share: Iterable[TrainingKey], costs: Costs) -> int:
    """Return the milliseconds of a share: all trainings, and the features of each experiment once."""
    names = [name for name, _ in share]
    return sum(costs[name][0] for name in names) + sum(costs[name][1] for name in set(names))


def _fit(ordered: list[TrainingKey], count: int, costs: Costs, room: int) -> list[list[TrainingKey]] | None:
    """Return the shares of shards with ``room`` milliseconds each; None if the trainings do not fit."""
    shares: list[list[TrainingKey]] = [[] for _ in range(count)]
    for key in ordered:
        fitting = [share for share in shares if duration([*share, key], costs) <= room]
        if not fitting:
            return None
        with_features = [share for share in fitting if any(name == key[0] for name, _ in share)]
        (with_features or fitting)[0].append(key)
    return shares
