"""Deselects the items that do not belong to the session's shard."""

from __future__ import annotations

import pytest

from benchmarks.baselines.baseline import BaselineError
from benchmarks.baselines.baselines_file import read_baselines
from benchmarks.records.selection import Selection
from benchmarks.session.items import SETTINGS, experiment_of, seed_of, selection_of
from benchmarks.session.workers import is_worker
from benchmarks.shards.shares import costs_of, shares_of


def keep_share(config: pytest.Config, items: list[pytest.Item]) -> Selection:
    """Deselect the verdicts, and the trainings of other shards.

    Args:
        config: pytest's configuration; its settings name the shard.
        items: the items of the whole night, and any others; changed in place.

    Returns:
        The selection of the whole night.

    Raises:
        pytest.UsageError: there are more shards than trainings, or the baselines cannot be read.
    """
    settings = config.stash[SETTINGS]
    assert settings.shard is not None  # noqa: S101 - the caller checks it
    number, count = settings.shard
    night = selection_of(items)
    if settings.updates:
        night = Selection(night.trainings)
    trainings = night.keys
    if 0 < len(trainings) < count and not is_worker(config):  # pytest-xdist reports a worker's error as internal
        raise pytest.UsageError(
            f"--shard: found {count} shards for {len(trainings)} trainings, expected at most {len(trainings)} shards"
        )
    try:
        baselines = read_baselines(settings.baselines_path) if settings.baselines_path.exists() else {}
    except BaselineError as error:
        raise pytest.UsageError(str(error)) from None
    own = shares_of(trainings, count, costs_of(night.trainings, baselines, settings.dataset))[number - 1]
    left_out = [item for item in items if (name := experiment_of(item)) and (name, seed_of(item)) not in own]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
    return night
