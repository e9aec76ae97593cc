"""The shares of a night: together they are the night, and the longest one is short."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.baselines.baseline import Baselines
from benchmarks.records.trainings import TrainingKey
from benchmarks.shards.shares import Costs, costs_of, duration, shares_of
from tests.factories import make_baseline

pytestmark = pytest.mark.unit

COSTS: Costs = {"slow": (60_000, 0), "quick": (10_000, 0), "frozen": (1_000, 20_000)}
NAMES = st.sampled_from(sorted(COSTS))
NIGHTS = st.sets(st.tuples(NAMES, st.integers(0, 5)), max_size=18)


def _night(**seeds: int) -> list[TrainingKey]:
    return [(name, seed) for name, count in seeds.items() for seed in range(count)]


@pytest.mark.property
@given(night=NIGHTS, count=st.integers(1, 12), order=st.randoms(use_true_random=False))
def test_the_shares_are_the_night_whatever_the_order_of_its_trainings(
    night: set[TrainingKey], count: int, order: random.Random
) -> None:
    shares = shares_of(sorted(night), count, COSTS)
    assert len(shares) == count
    assert sorted(key for share in shares for key in share) == sorted(night)
    assert sum(not share for share in shares) == max(0, count - len(night))
    mixed = sorted(night)
    order.shuffle(mixed)
    assert shares_of(mixed, count, COSTS) == shares


@pytest.mark.property
@given(night=NIGHTS, count=st.integers(1, 12))
def test_the_longest_share_is_no_longer_than_twice_what_no_sharing_can_be_below(
    night: set[TrainingKey], count: int
) -> None:
    longest = max(duration(share, COSTS) for share in shares_of(night, count, COSTS))
    shortest = max([sum(COSTS[name]) for name, _ in night], default=0)
    assert shortest <= longest <= 2 * max(shortest, duration(night, COSTS) / count)


def test_seeds_of_a_frozen_part_stay_together_where_that_makes_no_shard_longer() -> None:
    shares = shares_of(_night(slow=3, quick=3, frozen=6), 4, COSTS)
    assert [share for share in shares if ("frozen", 0) in share] == [
        [("frozen", seed) for seed in range(6)] + [("quick", 0), ("quick", 1), ("quick", 2)]
    ]
    assert sorted(duration(share, COSTS) for share in shares) == [56_000, 60_000, 60_000, 60_000]


def test_they_are_parted_where_one_shard_would_take_longer_than_the_others() -> None:
    shares = shares_of(_night(frozen=60), 2, COSTS)
    assert [duration(share, COSTS) for share in shares] == [50_000, 50_000]


def test_a_shard_that_would_have_nothing_takes_over_from_the_longest() -> None:
    shares = shares_of(_night(slow=1, quick=2, frozen=2), 4, COSTS)
    assert sorted(map(len, shares)) == [1, 1, 1, 2]
    assert max(duration(share, COSTS) for share in shares) == 60_000


def test_costs_are_those_of_the_baselines_and_of_the_rest_the_average() -> None:
    baselines: Baselines = {
        "simple_cnn": {"synthetic": {"measured": make_baseline()}},  # 60 seconds, and 30 for features
        "vgg16_frozen": {"cifar10": {"measured": make_baseline()}},
    }
    costs = costs_of(["simple_cnn", "simple_cnn+xla", "vgg16_frozen"], baselines, "synthetic")
    assert costs == {"simple_cnn": (60_000, 30_000), "simple_cnn+xla": (60_000, 30_000), "vgg16_frozen": (60_000, 0)}
    assert costs_of(["simple_cnn"], {}, "synthetic") == {"simple_cnn": (1000, 0)}
