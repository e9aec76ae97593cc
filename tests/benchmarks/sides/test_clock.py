"""Whether a further training fits into the minutes of a comparison."""

from __future__ import annotations

from contextlib import suppress

import pytest

from benchmarks.sides.clock import Clock, TimeUp

pytestmark = pytest.mark.unit


class _Time:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def train(self, clock: Clock, *kinds: str, seconds: float) -> None:
        with clock.measuring(*kinds):
            self.seconds += seconds


@pytest.fixture
def now() -> _Time:
    return _Time()


def test_without_minutes_everything_fits(now: _Time) -> None:
    clock = Clock(None, now)
    now.train(clock, "a", seconds=10**9)
    clock.require("a")


def test_a_training_must_end_in_time(now: _Time) -> None:
    clock = Clock(1, now)
    clock.require("a")  # of which nothing is known
    now.train(clock, "a", seconds=25)
    clock.require("a")
    now.train(clock, "a", seconds=20)
    with pytest.raises(TimeUp, match="no further training fits into --minutes 1"):
        clock.require("a")  # the longest so far took 25 seconds, and 15 are left
    clock.require("b")


def test_two_trainings_must_both_end_in_time(now: _Time) -> None:
    clock = Clock(1, now)
    now.train(clock, "a", seconds=25)
    clock.require("a")
    with pytest.raises(TimeUp):
        clock.require("a", "a")


def test_one_that_fails_is_measured_too(now: _Time) -> None:
    clock = Clock(1, now)
    with suppress(RuntimeError), clock.measuring("a"):
        now.seconds += 40
        raise RuntimeError
    with pytest.raises(TimeUp):
        clock.require("a")


def test_a_training_may_be_measured_as_several_kinds(now: _Time) -> None:
    clock = Clock(1, now)
    now.train(clock, "a", "b", seconds=40)
    with pytest.raises(TimeUp):
        clock.require("b")


def test_one_of_a_new_kind_does_not_begin_when_the_time_is_over(now: _Time) -> None:
    clock = Clock(1, now)
    now.seconds += 60
    with pytest.raises(TimeUp):
        clock.require("a")
