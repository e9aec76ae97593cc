"""Where trajectories part, and what is said of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from cifar_models.results.run import Fingerprints
from tests.golden.trajectory import (
    Stored,
    Trajectory,
    difference,
    read_trajectories,
    tolerance,
    write_trajectories,
)

pytestmark = pytest.mark.unit

STORED = Trajectory(
    seed=0,
    fingerprints=Fingerprints(data="sha256:d", weights=None, protocol="sha256:p"),
    initial_weights="sha256:i",
    losses=[2.0, 1.5, 1.0],
    validation_losses=[2.5, 2.0, 1.5],
)


def test_equal_trajectories_do_not_part() -> None:
    assert difference("simple_cnn", STORED, STORED) == ""


@pytest.mark.parametrize("step", range(3))
def test_losses_part_beyond_the_tolerance_of_their_step_and_not_before(step: int) -> None:
    for factor, parts in ((0.9, False), (1.1, True)):
        for sign in (-1, 1):
            losses = list(STORED.losses)
            losses[step] *= 1 + sign * factor * tolerance(step)
            text = difference("simple_cnn", STORED, dataclasses.replace(STORED, losses=losses))
            assert (f"the loss parts at step {step}: " in text) == parts


def test_the_first_step_that_parts_is_named_with_what_it_usually_means() -> None:
    def said(**changes: Any) -> str:
        return difference("simple_cnn", STORED, dataclasses.replace(STORED, **changes))

    text = said(losses=[2.0, 1.6, 0.5])
    assert "step 1: found 1.6, stored is 1.5, relatively 6.7e-02 apart where 2.7e-05 is allowed" in text
    assert "means the optimizer, its learning rate, batch normalization or dropout" in text
    assert "--update-golden 'why it changed'" in text
    assert "means initialisation, normalization, layers or the loss" in said(losses=[2.1, 1.5, 1.0])
    assert "means batch normalization's moving averages" in said(validation_losses=[2.5, 2.1, 1.5])
    assert "the loss parts at step 2" in said(losses=[2.0, 1.5, float("nan")])
    assert "found 2 steps of the loss, stored are 3" in said(losses=[2.0, 1.5])


def test_what_explains_the_rest_comes_first() -> None:
    other = dataclasses.replace(
        STORED,
        fingerprints=dataclasses.replace(STORED.fingerprints, protocol="sha256:other"),
        initial_weights="sha256:other",
        losses=[9.0, 9.0, 9.0],
    )
    _, protocol, weights, loss, _ = difference("simple_cnn", STORED, other).splitlines()
    assert protocol.startswith("  the protocol fingerprint is sha256:other, stored is sha256:p")
    assert weights.startswith("  the initial weights are others")
    assert loss.startswith("  the loss parts at step 0")


def test_the_tolerance_grows_with_the_step_to_an_end() -> None:
    steps = [tolerance(step) for step in range(30)]
    assert steps == sorted(steps)
    assert steps[0] < 1e-4
    assert steps[-1] <= 5e-3


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    stored = {"a": Stored(STORED, "2025-01-31", "new", {"keras": "3.8.0"})}
    write_trajectories(stored, tmp_path / "t.json")
    assert read_trajectories(tmp_path / "t.json") == stored
    (tmp_path / "t.json").write_text('{"format": 1}', encoding="utf-8")
    with pytest.raises(ValueError, match="found format 1, expected 2"):
        read_trajectories(tmp_path / "t.json")
