"""Each experiment trained by its protocol with each seed, then all of them held against their baselines."""

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
    """The training ends in a run that can be judged; whether it is a good one is the verdict's to say."""
    benchmark.group = experiment.name
    why_not = benchmark.pedantic(train, args=(experiment.name, seed))  # once more where it is profiled
    why_not = night.contradiction(experiment.name, seed) or why_not
    benchmark.extra_info.update(properties_of(night, experiment.name, seed))
    if why_not:
        pytest.fail(why_not, pytrace=False)


@pytest.mark.benchmark
def test_verdict(experiment: Experiment, night: Night, train: Train) -> None:
    """Accuracy, gap and each class's F1, over tonight's seeds, lie within what the baseline allows, on either side.

    The first verdict judges the whole night, since all its checks share one false-alarm rate, and trains further seeds
    where it is undecided.
    """
    judge_to_the_end(night, train)
    if failure := night.answer(experiment.name):
        pytest.fail(failure, pytrace=False)
