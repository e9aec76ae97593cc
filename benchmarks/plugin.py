"""The pytest plugin: options and hooks, each a few lines that call into ``night/``.

Declaring options does no work. TensorFlow is imported when benchmark items were collected, never before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from benchmarks.night.items import (
    ALL_SHARDS,
    EXPERIMENT,
    SEED,
    SESSION,
    SETTINGS,
    experiment_of,
    seed_of,
    selection_of,
    training_id,
)
from benchmarks.night.options import add_options, experiment_names, read_settings
from benchmarks.night.workers import Controller, Worker, is_controller, is_worker
from benchmarks.records.selection import Selection
from benchmarks.shards.selected import keep_share
from cifar_models.experiments import Experiment, find_experiment
from cifar_models.training.keras_settings import KerasSettingsError, choose_backend, fix_keras_settings

if TYPE_CHECKING:
    from benchmarks.night.night import Night
    from benchmarks.night.session import NightSession


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options, and take part in pytest-xdist's work.

    Raises:
        pytest.UsageError: option values that no night can run with.
    """
    config.stash[SETTINGS] = read_settings(config)
    try:
        choose_backend()  # before test modules are collected, many of which import Keras
    except KerasSettingsError as error:
        raise pytest.UsageError(str(error)) from None
    if is_worker(config):
        config.pluginmanager.register(Worker(config), Worker.NAME)
    elif is_controller(config):
        config.pluginmanager.register(Controller(config))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse ``--gpu`` where there is none, before anything is collected or loaded.

    Raises:
        pytest.UsageError: TensorFlow sees no GPU, or has used it already.
    """
    if session.config.stash[SETTINGS].gpu:
        _fix_keras()  # TensorFlow imports Keras
        from cifar_models.training.devices import use_gpus

        try:
            use_gpus()
        except RuntimeError as error:
            raise pytest.UsageError(f"--gpu: {error}; or leave --gpu out to train on the CPU") from None


def _fix_keras() -> None:
    """Fix Keras's settings for all that this session builds and trains; a UsageError where that is not possible."""
    try:
        fix_keras_settings()
    except KerasSettingsError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one training of each experiment and seed, and one verdict of each experiment, in the table's order."""
    if EXPERIMENT not in metafunc.fixturenames:
        return
    names = experiment_names(metafunc.config)
    if SEED in metafunc.fixturenames:
        settings = metafunc.config.stash[SETTINGS]
        pairs = [
            pytest.param(name, seed, id=training_id(name, seed))
            for name in names
            for seed in settings.trainings_of(name)
        ]
        metafunc.parametrize((EXPERIMENT, SEED), pairs)
    else:
        metafunc.parametrize(EXPERIMENT, names)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Make every property test a unit test too."""
    if item.get_closest_marker("property"):
        item.add_marker("unit")


@pytest.hookimpl(trylast=True)  # after what selects items or puts them into another order
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Judge last, when all has been trained. Judge nothing in a session that records baselines or is a shard.

    Raises:
        pytest.UsageError: as ``keep_share``.
    """
    settings = config.stash[SETTINGS]
    worker = config.pluginmanager.getplugin(Worker.NAME)
    if settings.shard:
        night = keep_share(config, items)
        config.stash[ALL_SHARDS] = night
        if worker:
            worker.leave_all_shards(night)
        return
    verdicts = [item for item in items if experiment_of(item) and seed_of(item) is None]
    if not verdicts:
        return
    items[:] = [item for item in items if item not in verdicts]
    if settings.updates:
        config.hook.pytest_deselected(items=verdicts)
    elif worker:
        worker.leave_verdicts({experiment_of(item): item.nodeid for item in verdicts})
    else:
        items += verdicts


@pytest.hookimpl(tryfirst=True)  # before pytest's own, which prints what this one loads
def pytest_collection_finish(session: pytest.Session) -> None:
    """Load what the selected benchmark items train on, once and before the first of them.

    Raises:
        pytest.UsageError: as ``start_night``.
    """
    names = list(dict.fromkeys(name for item in session.items if (name := experiment_of(item))))
    if names or "keras" in sys.modules:  # which tests have imported
        _fix_keras()
    if not names or session.config.getoption("collectonly"):
        return
    from benchmarks.night.session import start_night

    worker = session.config.pluginmanager.getplugin(Worker.NAME)
    started = start_night(
        session.config,
        selection_of(session.items),
        names=names,
        all_shards=session.config.stash.get(ALL_SHARDS, Selection()),
        keeps_records=worker is None,
    )
    if worker:
        started.night.resume(worker.resumed())


@pytest.fixture
def night_session(request: pytest.FixtureRequest) -> NightSession:
    """The hooks of the night that this item is a part of."""
    return request.config.stash[SESSION]


@pytest.fixture
def night(night_session: NightSession) -> Night:
    """What all benchmark items of this session share."""
    return night_session.night


@pytest.fixture
def experiment(experiment_name: str) -> Experiment:
    """The row of the table that this item trains."""
    return find_experiment(experiment_name)


@pytest.fixture
def train(
    request: pytest.FixtureRequest, night_session: NightSession, experiment: Experiment
) -> Callable[[str, int], str]:
    """Trains an experiment with a seed, files what becomes of it, and returns why there is no run, if so.

    An experiment that cannot be judged is an error before the training, not a comparison after it.
    """
    night_session.require_possible(experiment.name, seed_of(request.node))
    return lambda name, seed: night_session.train(request.node, name, seed)
