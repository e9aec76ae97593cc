"""Which trainings pytest's node ids name."""

from __future__ import annotations

import pytest

from benchmarks.session.items import training_id, training_in

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("parameters", "training"),
    [
        (training_id("simple_cnn", 12), ("simple_cnn", 12)),
        (training_id("simple_cnn+mixed_float16+xla", 0), ("simple_cnn+mixed_float16+xla", 0)),
        ("simple_cnn-seed0-1-2", ("simple_cnn", 0)),  # as plugins that repeat items name them
        ("1-2-simple_cnn-seed0", ("simple_cnn", 0)),
        ("simple_cnn", None),
        ("simple_cnn-seed", None),
    ],
)
def test_a_training_is_found_among_other_parameters(parameters: str, training: tuple[str, int] | None) -> None:
    assert training_in(f"benchmarks/test_training.py::test_trains[{parameters}]") == training
