"""A pytest plugin for a night in a process of its own: trainings that take no time, and faults that really happen.

Only ``cifar_models.training.train.train`` is replaced, and the drawing of the page. A stub's run is the recorded run
of the baseline with the same seed, so that it passes. The environment variable ``FAULTS`` holds a JSON object:

- ``signals``: the folder where what pauses leaves ``paused NAME`` and waits for ``go NAME``, and where each training
  that begins is a line of ``trained``;
- ``trainings``: by experiment and seed, such as ``"simple_cnn 1"``, what happens in the middle of its second epoch;
- ``rename``: ``before`` or ``after``, and ``renamed``: a name: the process kills itself at the first rename of a file
  to it; or ``pause``: it pauses there, once;
- ``between``: after which training the process kills itself, before the next one begins;
- ``page``: draw the morning report, which takes longer than all else;
- ``clock``: by how many seconds the clock is set back, or the time at which it stands still.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.night import night, update
from benchmarks.night import reports as plugin_report
from cifar_models.datasets import Dataset
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import EXPERIMENTS, Experiment
from cifar_models.models.pretrained import BackboneWeights
from cifar_models.results.environment import describe_environment
from cifar_models.results.run import Run
from cifar_models.results.run_files import read_run, record_name
from cifar_models.results.source_code import describe_code
from cifar_models.training import train as training
from cifar_models.training.features import FeatureCache
from cifar_models.training.progress import Progress

RECORDS = Path(__file__).parents[2] / "baseline_runs"
FAULTS = json.loads(os.environ["FAULTS"])
SIGNALS = Path(FAULTS["signals"])
really_train = training.train


def train(
    experiment: Experiment,
    dataset: Dataset,
    seed: int,
    *,
    weights: BackboneWeights | None,
    progress: Callable[[Progress], None] | None,
    features: FeatureCache | None,  # noqa: ARG001 - the signature is that of ``train``
) -> Run:
    """Replace a training of two epochs."""
    training_name = f"{experiment.name} {seed}"
    with (SIGNALS / "trained").open("a", encoding="utf-8") as file:
        file.write(f"{training_name}\n")
    for epoch in (1, 2):
        if progress:
            progress(Progress(epoch, 2, 1, 2, 0.5, None, 1.0))
        if epoch == 2 and (fault := FAULTS.get("trainings", {}).get(training_name)):
            TRAINING_FAULTS[fault](training_name)
        if progress:
            progress(Progress(epoch, 2, 2, 2, 0.5, 0.5, 0.0))
    return dataclasses.replace(
        read_run(RECORDS / record_name(experiment.name, "synthetic", seed)),
        dataset=dataset.name,
        weights=weights.description if weights else "none",
        fingerprints=training.fingerprints_of(experiment.protocol, dataset, weights),
        code=describe_code(),
        environment=describe_environment(),
        started="2025-01-31T02:00:00+00:00",
    )


def _die(*_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _pause(name: str) -> None:
    (SIGNALS / f"paused {name}").touch()
    while not (SIGNALS / f"go {name}").exists():
        time.sleep(0.02)


def _pause_and_die(name: str) -> None:
    _pause(name)
    _die()


def _diverge(_: str) -> None:
    """Train for real, on a few images, with a learning rate that no model survives."""
    experiment = EXPERIMENTS["simple_cnn"]
    protocol = dataclasses.replace(experiment.protocol, learning_rate=1e10)
    images = load_synthetic(train_count=20, evaluation_count=10)
    really_train(dataclasses.replace(experiment, protocol=protocol), images, 0)


@contextmanager
def _little_memory() -> Iterator[None]:
    """Let this process have a mebibyte more than it has, as a limit of the system does."""
    held = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + 2**20, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _exhaust_numpy(_: str) -> None:
    with _little_memory():
        np.ones(2**27)


def _exhaust_tensorflow(_: str) -> None:
    tf.zeros(1)  # its threads are started before memory is short
    with _little_memory():
        tf.ones(2**27)


TRAINING_FAULTS: dict[str, Callable[[str], None]] = {
    "pause": _pause,
    "die": _die,
    "pause and die": _pause_and_die,
    "diverge": _diverge,
    "exhaust numpy": _exhaust_numpy,
    "exhaust tensorflow": _exhaust_tensorflow,
}


def pytest_configure() -> None:
    """Put the faults in place."""
    training.train = train  # type: ignore[assignment]
    if not FAULTS.get("page"):
        plugin_report._write_page = lambda *_: "report: not drawn"
    if when := FAULTS.get("rename"):
        _stop_at_a_rename(when, FAULTS["renamed"])
    if "clock" in FAULTS:
        _set_the_clock(FAULTS["clock"])


def pytest_runtest_logfinish(nodeid: str) -> None:
    """Be killed between two trainings."""
    if nodeid.endswith(f"[{FAULTS.get('between')}]"):
        _die()


def _stop_at_a_rename(when: str, name: str) -> None:
    replace, stopped = os.replace, False

    def stopping(source: Any, target: Any) -> None:
        nonlocal stopped
        mine = Path(target).name == name and not stopped
        stopped |= mine
        if mine and when == "pause":
            _pause(name)
        if mine and when == "before":
            _die()
        replace(source, target)
        if mine and when == "after":
            _die()

    os.replace = stopping  # type: ignore[assignment]


def _set_the_clock(back: int | str) -> None:
    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Clock:
            return (
                cls.fromisoformat(back) if isinstance(back, str) else super().now(tz) - datetime.timedelta(seconds=back)
            )

    class Module:
        UTC, date, datetime = datetime.UTC, datetime.date, Clock

    night.datetime = update.datetime = Module  # type: ignore[assignment, attr-defined]
