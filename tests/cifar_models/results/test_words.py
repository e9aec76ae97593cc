"""Numbers in words."""

from __future__ import annotations

import pytest

from cifar_models.results.words import count, mean_and_deviation

pytestmark = pytest.mark.unit


def test_a_noun_has_the_number_that_fits() -> None:
    assert [count([0] * number, "run") for number in range(3)] == ["0 runs", "1 run", "2 runs"]


@pytest.mark.parametrize(("values", "text"), [([], ""), ([0.5], "0.5000"), ([0.5, 0.7], "0.6000 ± 0.1414")])
def test_a_mean_has_its_sample_standard_deviation_if_there_is_one(values: list[float], text: str) -> None:
    assert mean_and_deviation(values) == text
