"""Compares the time and memory of the suite and of a plain Keras script, in pairs of processes."""

from __future__ import annotations

import dataclasses
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.throughput.random_images import random_dataset
from cifar_models.datasets import Dataset, load_dataset
from cifar_models.experiments import Experiment, find_experiment
from cifar_models.results.environment import peak_memory
from cifar_models.training.progress import FeatureProgress, Progress

RANDOM = "random"
"""Name of the data set of random images."""

Figures = dict[str, float]


@dataclass(frozen=True)
class Task:
    """A training without early stopping, which both sides do.

    Attributes:
        experiment: name of the experiment.
        epochs: 2 or more; the last one is also timed separately.
        dataset: ``random``, ``synthetic`` or ``cifar10``.
        train_count: number of random training images, 50 or more; a fifth of this number is used for evaluation.
        data_dir, weights_dir: folders with CIFAR-10 and with ImageNet weights; None for Keras's cache or download.
        seeds: number of seeds, 1 or more, which train one after another in the same process.
    """

    experiment: str
    epochs: int
    dataset: str
    train_count: int
    data_dir: Path | None
    weights_dir: Path | None
    seeds: int = 1

    def load(self) -> tuple[Experiment, Dataset, Any]:
        """Return the experiment with the task's epochs, the data set and the backbone's weights.

        Raises:
            ValueError: the experiment is unknown, or data or weights are not available.
        """
        from cifar_models.training.train import default_weights

        experiment = find_experiment(self.experiment)
        protocol = dataclasses.replace(experiment.protocol, epochs=self.epochs, patience=self.epochs)
        experiment = dataclasses.replace(experiment, protocol=protocol)
        if self.dataset == RANDOM:
            dataset = random_dataset(self.train_count, self.train_count // 5)
        else:
            dataset = load_dataset(self.dataset, self.data_dir)
        return experiment, dataset, default_weights(experiment, dataset, self.weights_dir)


def train_plain(task: Task) -> Figures:
    """Train like a plain Keras script: with float32 arrays and the whole model in every step."""
    import keras

    from cifar_models.datasets.normalization import FITS
    from cifar_models.training.compiled import make_loss, make_optimizer
    from cifar_models.training.keras_settings import fix_keras_settings

    fix_keras_settings()
    experiment, dataset, weights = task.load()
    protocol = experiment.protocol
    normalize = FITS[protocol.normalization](dataset.train_images)
    train_images, evaluation_images = normalize(dataset.train_images), normalize(dataset.evaluation_images)
    train_labels = keras.utils.to_categorical(dataset.train_labels, 10)
    evaluation_labels = keras.utils.to_categorical(dataset.evaluation_labels, 10)
    del dataset  # a script would not keep the uint8 images
    began, epoch_ends = Clocks.now(), []
    for seed in range(task.seeds):
        keras.utils.set_random_seed(seed)
        model = experiment.build_model()
        if weights:
            weights.assign(model)
        steps = -(-len(train_images) // protocol.batch_size)
        model.compile(make_optimizer(protocol, steps), make_loss(protocol), metrics=["accuracy"], jit_compile=False)
        model.fit(
            train_images,
            train_labels,
            batch_size=protocol.batch_size,
            epochs=task.epochs,
            validation_data=(evaluation_images, evaluation_labels),
            callbacks=[
                keras.callbacks.EarlyStopping(
                    protocol.early_stopping_monitor, patience=task.epochs, restore_best_weights=True
                ),
                keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: epoch_ends.append(time.perf_counter())),
            ],
            verbose=0,
        )
        model.predict(evaluation_images, batch_size=protocol.batch_size, verbose=0)
    return _figures(began, epoch_ends)


def train_with_suite(task: Task) -> Figures:
    """Train as the benchmark does."""
    from cifar_models.training.train import train

    experiment, dataset, weights = task.load()
    epoch_ends: list[float] = []

    def watch(state: Progress | FeatureProgress) -> None:
        if isinstance(state, Progress) and state.validation_accuracy is not None:
            epoch_ends.append(time.perf_counter())

    began = Clocks.now()
    for seed in range(task.seeds):
        train(experiment, dataset, seed, weights=weights, progress=watch)
    return _figures(began, epoch_ends)


class Clocks(NamedTuple):
    """Elapsed time and the processor time of all threads, in seconds."""

    elapsed: float
    processor: float

    @classmethod
    def now(cls) -> Clocks:
        """Read both clocks."""
        return cls(time.perf_counter(), time.process_time())


def _figures(began: Clocks, epoch_ends: Sequence[float]) -> Figures:
    now, memory = Clocks.now(), peak_memory()
    figures = {
        "training, s": now.elapsed - began.elapsed,
        "processor time, s": now.processor - began.processor,
        "last epoch, s": epoch_ends[-1] - epoch_ends[-2],
    }
    return figures if memory is None else figures | {"peak memory, MB": memory / 2**20}


def in_a_process(side: Callable[[Task], Figures], task: Task) -> Figures:
    """Run one side in a new process, so that its peak memory is separate; raise what it raises.

    Raises:
        ValueError: see ``Task.load``.
        MemoryError: the process was killed, perhaps for lack of memory.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(side, task).result()
        except BrokenProcessPool:
            raise MemoryError(f"the process of {side.__name__} was killed") from None


def measure_pairs(
    task: Task, pairs: int, run: Callable[[Callable[[Task], Figures], Task], Figures] = in_a_process
) -> list[list[str]]:
    """Run both sides alternately, in changing order, so that other load on the machine affects both.

    Args:
        task: the training.
        pairs: number of pairs, 1 or more.
        run: runs one side.

    Returns:
        For each figure its name, the median of each side, and the median and range of plain / suite over the pairs.
    """
    values: dict[str, list[Figures]] = {"train_plain": [], "train_with_suite": []}
    for pair in range(pairs):
        for side in (train_plain, train_with_suite)[:: 1 if pair % 2 == 0 else -1]:
            values[side.__name__].append(run(side, task))
    lines = []
    for figure in values["train_plain"][0]:
        plain, suite = ([figures[figure] for figures in side] for side in values.values())
        ratios = [one / other for one, other in zip(plain, suite, strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        lines.append([figure, f"{median(plain):.2f}", f"{median(suite):.2f}", f"{median(ratios):.2f}", spread])
    return lines
