"""What is stored of trajectories is read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from cifar_models.results.run import Fingerprints
from tests.golden.trajectory import Stored, Trajectory, read_trajectories, write_trajectories

pytestmark = pytest.mark.unit

STORED = Trajectory(
    seed=0,
    fingerprints=Fingerprints(data="sha256:d", weights=None, protocol="sha256:p"),
    initial_weights="sha256:i",
    losses=[2.0, 1.5, 1.0],
    validation_losses=[2.5, 2.0, 1.5],
    learning_rates=[1e-3, 1e-3, 1e-3],
    moved=["conv2d/bias", "conv2d/kernel", "dense/kernel"],
    quantities={
        "dropped share": {"dropout": [0.1, 0.2]},
        "gradient": {"conv2d": [1.0, 2.0], "dense": [3.0, 4.0]},
        "update": {"conv2d": [0.1, 0.2], "dense": [0.3, 0.0]},
        "moving mean": {"batch_normalization": [5.0, 6.0]},
    },
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    stored = {"a": Stored(STORED, "2025-01-31", "new", {"keras": "3.8.0"})}
    write_trajectories(stored, tmp_path / "t.json")
    assert read_trajectories(tmp_path / "t.json") == stored
    lines = (tmp_path / "t.json").read_text(encoding="utf-8").splitlines()
    assert '            "conv2d": [1.0, 2.0],' in lines, "a list of numbers stands on one line"
    (tmp_path / "t.json").write_text('{"format": 1}', encoding="utf-8")
    with pytest.raises(ValueError, match="format: found 1, expected 3"):
        read_trajectories(tmp_path / "t.json")
