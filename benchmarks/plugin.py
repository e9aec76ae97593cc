"""The pytest plugin: options, hooks and fixtures, which use ``benchmarks/session``.

TensorFlow is imported only if benchmark items are selected or ``--gpu`` is given, because the import takes seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from benchmarks.records.selection import Selection
from benchmarks.session.items import (
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
from benchmarks.session.options import add_options, read_settings
from benchmarks.session.selection import experiment_names
from benchmarks.session.workers import Controller, Worker, is_controller, is_worker
from benchmarks.shards.selected import keep_share
from cifar_models.experiments import Experiment, find_experiment
from cifar_models.training.keras_settings import KerasSettingsError, choose_backend, fix_keras_settings

if TYPE_CHECKING:
    from benchmarks.night.night import Night
    from benchmarks.session.night_session import NightSession


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options, and register the hooks for pytest-xdist.

    Raises:
        pytest.UsageError: an option or a setting of Keras has an invalid value.
    """
    config.stash[SETTINGS] = read_settings(config)
    try:
        choose_backend()  # before the collection, because many test modules import Keras
    except KerasSettingsError as error:
        raise pytest.UsageError(str(error)) from None
    if is_worker(config):
        config.pluginmanager.register(Worker(config), Worker.NAME)
    elif is_controller(config):
        config.pluginmanager.register(Controller(config))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Require a GPU before the collection, if ``--gpu`` is given.

    Raises:
        pytest.UsageError: TensorFlow sees no GPU, or already uses it.
    """
    if session.config.stash[SETTINGS].gpu:
        _fix_keras()  # TensorFlow imports Keras
        from cifar_models.training.devices import use_gpus

        try:
            use_gpus()
        except RuntimeError as error:
            raise pytest.UsageError(f"--gpu: {error}; or leave --gpu out to train on the CPU") from None


def _fix_keras() -> None:
    """Set Keras's settings for this session.

    Raises:
        pytest.UsageError: a setting cannot be used.
    """
    try:
        fix_keras_settings()
    except KerasSettingsError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Create a training for each experiment and seed, and a verdict for each experiment, in the table's order."""
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
    """Mark every property test as a unit test too."""
    if item.get_closest_marker("property"):
        item.add_marker("unit")


@pytest.hookimpl(trylast=True)  # after plugins that select or reorder items
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Move the verdicts to the end; remove them if the session updates baselines, or is a shard or a worker.

    Raises:
        pytest.UsageError: see ``keep_share``.
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


@pytest.hookimpl(tryfirst=True)  # before pytest's own hook, which prints what this one loads
def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the night if benchmark items are selected.

    Raises:
        pytest.UsageError: see ``start_night``.
    """
    names = list(dict.fromkeys(name for item in session.items if (name := experiment_of(item))))
    if names or "keras" in sys.modules:  # a test module can have imported Keras
        _fix_keras()
    if not names or session.config.getoption("collectonly"):
        return
    from benchmarks.session.night_session import start_night

    worker = session.config.pluginmanager.getplugin(Worker.NAME)
    if worker and not worker.has_night:
        return  # then ``night_session`` fails each training
    started = start_night(
        session.config,
        selection_of(session.items),
        names=names,
        all_shards=session.config.stash.get(ALL_SHARDS, Selection()),
        keeps_records=worker is None,
    )
    started.failed_otherwise = bool(session.testsfailed)  # files that could not be collected
    if worker:
        started.night.resumed = worker.resumed()


@pytest.fixture
def night_session(request: pytest.FixtureRequest) -> NightSession:
    """The pytest hooks of this session's night."""
    if SESSION not in request.config.stash:
        pytest.fail(
            "-n: found a training, but no night that judges it, expected the command line to name benchmarks/ or a "
            "folder above it; give such a path, or leave out -n",
            pytrace=False,
        )
    return request.config.stash[SESSION]


@pytest.fixture
def night(night_session: NightSession) -> Night:
    """This session's night."""
    return night_session.night


@pytest.fixture
def experiment(experiment_name: str) -> Experiment:
    """The experiment of this item."""
    return find_experiment(experiment_name)


@pytest.fixture
def train(
    request: pytest.FixtureRequest, night_session: NightSession, experiment: Experiment
) -> Callable[[str, int], str]:
    """A function that trains an experiment with a seed, files the outcome, and returns why no run can be judged.

    It returns an empty string if a run can be judged. The item fails before the training if its experiment cannot be
    trained and judged.
    """
    night_session.require_possible(experiment.name, seed_of(request.node))
    return lambda name, seed: night_session.train(request.node, name, seed)
