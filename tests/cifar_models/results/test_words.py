"""Numbers in words."""

from __future__ import annotations

import dataclasses

import pytest

from cifar_models.results.run import Run, Timings
from cifar_models.results.words import count, mean_and_deviation, minutes, processor_minutes, with_features
from tests.factories import make_run

pytestmark = pytest.mark.unit


def test_a_noun_has_the_number_that_fits() -> None:
    assert [count([0] * number, "run") for number in range(3)] == ["0 runs", "1 run", "2 runs"]


@pytest.mark.parametrize(("values", "text"), [([], ""), ([0.5], "0.5000"), ([0.5, 0.7], "0.6000 ± 0.1414")])
def test_a_mean_has_its_sample_standard_deviation_if_there_is_one(values: list[float], text: str) -> None:
    assert mean_and_deviation(values) == text


def _run(features: float, training: float, processor: float | None = None, *, backbone: str | None = "vgg16") -> Run:
    timings = Timings(60 * features, 60 * training, None if processor is None else 60 * processor)
    return dataclasses.replace(make_run(timings=timings), protocol={"backbone": backbone})


@pytest.mark.parametrize("kept", [0.0, 0.02])
def test_a_training_takes_what_a_run_took_that_computed_its_features(kept: float) -> None:
    runs = [_run(4, 1, 10), _run(kept, 3, 2), _run(kept, 2, 1), _run(6, 2, 14)]
    assert with_features(runs) == [runs[0], runs[3]]
    assert minutes(runs) == 5 + 2
    assert processor_minutes(runs) == 12


def test_without_the_run_that_computed_the_features_the_time_of_a_training_is_not_known() -> None:
    runs = [_run(0, 3, 2), _run(0, 2, 1)]
    assert (with_features(runs), minutes(runs), processor_minutes(runs)) == ([], None, None)
    of_an_older_version = [_run(4, 1), _run(0.02, 3, 2)]
    assert processor_minutes(of_an_older_version) is None, "the run with the features did not record it"


def test_without_a_backbone_each_run_is_a_whole_training() -> None:
    runs = [_run(0, 3, 2, backbone=None), _run(0, 2, 1, backbone=None)]
    assert (minutes(runs), processor_minutes(runs)) == (2.5, 1.5)
