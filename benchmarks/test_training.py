"""Trains each experiment with each seed, then compares the runs with their baselines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.night.night import Night, judge_to_the_end
from benchmarks.night.reports import properties_of
from cifar_models.experiments import Experiment

Train = Callable[[str, int], str]


@pytest.mark.benchmark
def test_trains(experiment: Experiment, seed: int, night: Night, train: Train, benchmark: Any) -> None:
    """The training ends with a run that can be judged."""
    benchmark.group = experiment.name
    why_not = benchmark.pedantic(train, args=(experiment.name, seed))
    # A profiler runs the training twice, and pedantic returns the result of the first one.
    why_not = night.contradiction(experiment.name, seed) or why_not
    benchmark.extra_info.update(properties_of(night, experiment.name, seed))
    if why_not:
        pytest.fail(why_not, pytrace=False)


@pytest.mark.benchmark
def test_verdict(experiment: Experiment, night: Night, train: Train) -> None:
    """All checks of the experiment are within the baseline's allowances: accuracy, loss and gap in both directions.

    The first verdict judges all experiments, because all checks share the false-alarm rate. It also trains further
    seeds of undecided experiments.
    """
    judge_to_the_end(night, train)
    if failure := night.answer(experiment.name):
        pytest.fail(failure, pytrace=False)
