"""Measures the speed of each experiment's parts, in images a second and in images per reference workload.

The latter is compared with throughput_baselines.json; both ``slower`` and ``faster`` fail.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.session.options import baselines_file
from benchmarks.throughput.random_images import random_dataset
from benchmarks.throughput.reference_workload import time_reference
from benchmarks.throughput.speeds import (
    FILE,
    PROCESSOR,
    Speed,
    explain,
    judge_speed,
    nearest_speed,
    read_throughput,
    speeds_on,
)
from cifar_models.datasets.normalization import FITS
from cifar_models.experiments import EXPERIMENTS, Experiment, trained_by_nights
from cifar_models.models.freezing import FrozenSplit, split_at_frozen_boundary
from cifar_models.results.environment import describe_environment
from cifar_models.training import train as training
from cifar_models.training.compiled import CompiledModelCache, compile_model
from cifar_models.training.features import FeatureCache, compile_prefix

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.throughput

ROUNDS, LONG_ROUNDS = 12, 5
ROUND_SECONDS = 0.1
"""A round repeats a batch for about this time; a batch that takes longer has fewer rounds."""
TRAIN_COUNT, EVALUATION_COUNT, EPOCHS = 512, 128, 2

Measure = Callable[..., None]


@dataclass(frozen=True)
class Subject:
    """One experiment, built once for all its figures; the weights do not affect the time."""

    experiment: Experiment
    model: keras.Model
    split: FrozenSplit
    images: Any

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.experiment.name


@pytest.fixture(scope="module", params=trained_by_nights("cifar10"))
def subject(request: pytest.FixtureRequest) -> Subject:
    """Each experiment that nights train, with one batch of normalized images."""
    if not request.config.getoption("gpu"):
        from cifar_models.training.devices import hide_gpus

        hide_gpus()
    experiment = EXPERIMENTS[request.param]
    model = experiment.build_model()
    images = random_dataset(experiment.protocol.batch_size, EVALUATION_COUNT).train_images
    normalized = FITS[experiment.protocol.normalization](images)(images)
    return Subject(experiment, model, split_at_frozen_boundary(model), normalized)


@pytest.fixture
def measure(request: pytest.FixtureRequest, benchmark: Any, subject: Subject) -> Measure:
    """A function that times work in rounds, each after a reference workload, records the figure and judges it."""
    if benchmark.disabled:
        pytest.fail(
            "found pytest-benchmark disabled, by its option or because workers share the cores, expected it to "
            "measure; run this test in one process",
            pytrace=False,
        )
    environment = describe_environment()
    on_cpu = environment.device == "CPU"
    device = PROCESSOR + environment.processor if on_cpu else environment.device
    # On a shared machine wall-clock seconds vary by half, processor seconds by a few percent. Stalls show only in the
    # images a second, which pytest-benchmark compares. A GPU's work shows only in wall-clock seconds.
    clock = time.process_time if on_cpu else time.perf_counter

    def measure_and_judge(figure: str, work: Callable[[], Any], *, images: int, rounds: int) -> None:
        references: list[float] = []
        seconds: list[float] = []

        def timed() -> None:
            began = clock()
            work()
            seconds.append(clock() - began)

        benchmark.group = f"{subject.name} {figure}"
        benchmark.pedantic(
            timed, setup=lambda: references.append(median(time_reference(clock) for _ in range(5))), rounds=rounds
        )
        ratio = median(images * reference / second for reference, second in zip(references, seconds, strict=True))
        benchmark.extra_info.update(
            experiment=subject.name,
            figure=figure,
            device=device,
            images_a_second=images / benchmark.stats.stats.median,
            ratio=ratio,
        )
        baseline = nearest_speed(ratio, _baselines(request.config, subject.name, figure, device))
        if judge_speed(ratio, baseline) != "pass":
            pytest.fail(explain(subject.name, figure, ratio, baseline), pytrace=False)

    return measure_and_judge


def _baselines(config: pytest.Config, name: str, figure: str, device: str) -> list[Speed]:
    """Return the baselines of a figure on a device, or fail the test if there is none."""
    path = baselines_file(config).with_name(FILE)
    try:
        speeds = speeds_on(read_throughput(path), device, name, figure)
    except ValueError as error:
        pytest.fail(str(error), pytrace=False)
    if not speeds:
        pytest.fail(
            f"{name}: found no baseline of its {figure} on {device} in {path}, expected one to compare with; record it "
            f"as docs/how-to/check-speed.md says",
            pytrace=False,
        )
    return speeds


def test_step(subject: Subject, measure: Measure) -> None:
    """A training step of the part after the frozen part."""
    protocol = subject.experiment.protocol
    trained = compile_model(subject.model, protocol, steps=1000, split=True).trained
    inputs: Any = subject.images
    if subject.split.prefix is not None:
        features = compile_prefix(subject.split.prefix)(subject.images)
        inputs = features[0] if len(features) == 1 else features
    labels = np.eye(10, dtype=np.float32)[np.arange(protocol.batch_size) % 10]
    _measure_batches(measure, "step", partial(trained.train_on_batch, inputs, labels), protocol.batch_size)


def test_inference(subject: Subject, measure: Measure) -> None:
    """The whole model's probabilities."""
    work = partial(subject.model.predict_on_batch, subject.images)
    _measure_batches(measure, "inference", work, len(subject.images))


def test_prefix(subject: Subject, measure: Measure) -> None:
    """A frozen part's features."""
    prefix = subject.split.prefix
    if prefix is None:
        pytest.skip(f"{subject.name} has no frozen part")
    compute = compile_prefix(prefix)

    def work() -> None:
        for output in compute(subject.images):
            output.numpy()  # as the cache does; a GPU may still work when the function returns

    _measure_batches(measure, "prefix", work, len(subject.images))


def test_training(subject: Subject, measure: Measure) -> None:
    """A whole training on few images, from building the model to the evaluation."""
    protocol = dataclasses.replace(subject.experiment.protocol, epochs=EPOCHS, patience=EPOCHS, backbone=None)
    experiment = dataclasses.replace(subject.experiment, protocol=protocol)
    dataset = random_dataset(TRAIN_COUNT, EVALUATION_COUNT)
    work = partial(training.train, experiment, dataset, 0, features=FeatureCache(), models=CompiledModelCache())
    measure("training", work, images=EPOCHS * TRAIN_COUNT, rounds=1)


def _measure_batches(measure: Measure, figure: str, batch: Callable[[], Any], images: int) -> None:
    batch()  # traces
    batch()
    started = time.perf_counter()
    batch()
    count = max(1, math.floor(ROUND_SECONDS / (time.perf_counter() - started)))

    def work() -> None:
        for _ in range(count):
            batch()

    measure(figure, work, images=count * images, rounds=ROUNDS if count > 1 else LONG_ROUNDS)
