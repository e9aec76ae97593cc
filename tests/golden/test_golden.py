"""The first training steps of each experiment equal the stored ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cifar_models.experiments import EXPERIMENTS
from cifar_models.models.pretrained import BackboneWeights
from tests.golden.compute import compute_trajectory
from tests.golden.difference import difference
from tests.golden.plugin import FOUND
from tests.golden.trajectory import read_trajectories

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_the_first_steps_are_those_stored(
    experiment: str, session_weights: Callable[[str, str], BackboneWeights], request: pytest.FixtureRequest
) -> None:
    found, not_restored = compute_trajectory(EXPERIMENTS[experiment], session_weights)
    if request.config.getoption("update_golden") is not None:
        request.config.stash[FOUND][experiment] = found
        return
    stored = read_trajectories().get(experiment)
    remedy = f"pytest -m unit tests/golden -k {experiment} --update-golden 'why it was added'"
    assert stored is not None, f"{experiment}: found no stored trajectory, expected one; to store it: {remedy}"
    differences = difference(experiment, stored.trajectory, found)
    assert not differences, differences
    assert not_restored == [], f"{experiment}: weights that the best epoch had and the trained model has not"


def test_nothing_is_stored_that_the_table_does_not_have() -> None:
    assert read_trajectories().keys() <= EXPERIMENTS.keys()
