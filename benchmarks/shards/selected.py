"""Leaves a session those of the selected items that its shard is to run."""

from __future__ import annotations

import pytest

from benchmarks.baselines.baseline import BaselineError
from benchmarks.baselines.baselines_file import read_baselines
from benchmarks.night.items import SETTINGS, experiment_of, seed_of, selection_of
from benchmarks.night.workers import is_worker
from benchmarks.records.selection import Selection
from benchmarks.shards.shares import costs_of, shares_of


def keep_share(config: pytest.Config, items: list[pytest.Item]) -> Selection:
    """Deselect the verdicts, and the trainings of other shards.

    Args:
        config: pytest's; its settings say which shard this is.
        items: those of the whole night, and any others. Those that stay are left in it.

    Returns:
        What the whole night is to do.

    Raises:
        pytest.UsageError: more shards than trainings, or baselines that cannot be read.
    """
    settings = config.stash[SETTINGS]
    assert settings.shard is not None  # noqa: S101 - or there is nothing to share
    number, count = settings.shard
    night = selection_of(items)
    if settings.updates:
        night = Selection(night.trainings)
    trainings = night.keys
    if 0 < len(trainings) < count and not is_worker(config):  # pytest-xdist would call a worker's error an internal one
        raise pytest.UsageError(
            f"--shard: found {count} shards for {len(trainings)} trainings, expected at most {len(trainings)} shards"
        )
    try:
        baselines = read_baselines(settings.baselines_path) if settings.baselines_path.exists() else {}
    except BaselineError as error:
        raise pytest.UsageError(str(error)) from None
    own = shares_of(trainings, count, costs_of(night.trainings, baselines, settings.dataset))[number - 1]
    left_out = []
    for item in items:
        name, seed = experiment_of(item), seed_of(item)
        if name is not None and (name, seed) not in own:
            left_out.append(item)
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
    return night
