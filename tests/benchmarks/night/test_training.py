"""Further seeds, which no test of a session stands for, lose nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.night.training import train_further
from benchmarks.records.trainings import Outcome
from cifar_models.training import train as training
from tests.benchmarks.night.nights import PLAIN, make_night, make_trainings

pytestmark = pytest.mark.unit


def test_an_exception_in_a_further_seed_is_filed_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise RuntimeError("no kernel")

    monkeypatch.setattr(training, "train", fail)
    night = make_night(tmp_path / "baselines.json", *make_trainings(PLAIN))
    inputs: Any = night.inputs
    train_further(night, inputs, PLAIN, 3)
    failed = night.training(PLAIN, 3)
    assert failed is not None
    assert failed.outcome is Outcome.FAILED
    assert night.losses == [f"{PLAIN} seed 3: failed with RuntimeError: no kernel"]
