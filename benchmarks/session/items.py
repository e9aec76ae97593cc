"""Recognises the pytest items of a night, and defines the keys of pytest's stash."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

from benchmarks.records.selection import Selection
from benchmarks.records.trainings import TrainingKey

if TYPE_CHECKING:
    from benchmarks.inputs.settings import Settings
    from benchmarks.session.night_session import NightSession

SESSION: pytest.StashKey[NightSession] = pytest.StashKey()
SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
ALL_SHARDS: pytest.StashKey[Selection] = pytest.StashKey()
"""The trainings and verdicts of all shards, if this session trains one shard."""
EXPERIMENT, SEED = "experiment_name", "seed"
"""Arguments of a test. With both it is a training, with the experiment alone it is a verdict."""


def training_id(name: str, seed: int) -> str:
    """Return the id of a training's parameters."""
    return f"{name}-seed{seed}"


def training_in(node_id: str) -> TrainingKey | None:
    """Return the training that a node id names, among other parameters; None if it names none."""
    found = re.search(r"[\[-]([\w+]+)-seed(\d+)[\]-]", node_id)
    return (found[1], int(found[2])) if found else None


def experiment_of(item: pytest.Item) -> str | None:
    """Return the experiment of a training or a verdict; None for another item."""
    if not isinstance(item, pytest.Function) or EXPERIMENT not in item.fixturenames:
        return None
    name = item.callspec.params[EXPERIMENT]
    assert isinstance(name, str)  # noqa: S101 - as pytest_generate_tests made it
    return name


def seed_of(item: pytest.Item) -> int | None:
    """Return the seed of a training; None for another item."""
    if experiment_of(item) is None or not isinstance(item, pytest.Function) or SEED not in item.fixturenames:
        return None
    seed = item.callspec.params[SEED]
    assert isinstance(seed, int)  # noqa: S101 - as pytest_generate_tests made it
    return seed


def selection_of(items: Iterable[pytest.Item]) -> Selection:
    """Return the trainings and verdicts among these items."""
    selection = Selection()
    for item in items:
        name, seed = experiment_of(item), seed_of(item)
        if name is not None:
            selection |= Selection(verdicts=[name]) if seed is None else Selection(trainings={name: [seed]})
    return selection


def is_answer(item: pytest.Item, call: pytest.CallInfo[None]) -> bool:
    """Return whether a failure is a result of the night: a failed verdict, or a reason why there is no verdict."""
    failed = call.excinfo is not None and call.excinfo.errisinstance(pytest.fail.Exception)
    return failed and experiment_of(item) is not None
