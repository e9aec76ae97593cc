"""One training of one experiment with one seed, by the experiment's protocol."""

from __future__ import annotations

import datetime
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cifar_models.datasets.dataset import CLASS_COUNT, Dataset, Labels
from cifar_models.datasets.normalization import FITS, Normalize
from cifar_models.distribution import mirror, require_equal_shares, synchronize_batch_normalization
from cifar_models.experiments import Experiment, Protocol
from cifar_models.models.freezing import split_at_frozen_boundary
from cifar_models.models.precision import precision_of_new_layers
from cifar_models.models.pretrained import BackboneWeights, imagenet_weights, random_weights
from cifar_models.optimizers import FusedAdam
from cifar_models.regularizers import fuse_regularizers
from cifar_models.results.environment import describe_environment, peak_memory
from cifar_models.results.evaluation import evaluate
from cifar_models.results.run import Curves, Fingerprints, Run, Timings
from cifar_models.results.source_code import describe_code
from cifar_models.rewriting import rewrite_for_speed
from cifar_models.training.features import SESSION_FEATURES, FeatureCache
from cifar_models.training.progress import Progress


class TrainingDiverged(ArithmeticError):
    """The loss is not a finite number any more; the message says by which epoch and step."""


STEPS_AT_ONCE = 10
"""Training steps between two returns to Python, where cores stand still; progress and divergence are seen as often."""

OUT_OF_MEMORY = (MemoryError, tf.errors.ResourceExhaustedError)
"""What a training raises that finds too little memory, the machine's or a GPU's."""


def train(
    experiment: Experiment,
    dataset: Dataset,
    seed: int,
    *,
    weights: BackboneWeights | None = None,
    progress: Callable[[Progress], None] | None = None,
    features: FeatureCache | None = SESSION_FEATURES,
    devices: Sequence[str] = (),
) -> Run:
    """Train an experiment on a data set and evaluate it with the best epoch's weights.

    The model that ``experiment.build`` returns is the one that is trained, and has the best epoch's weights afterwards.

    Args:
        experiment: a row of the table.
        dataset: uint8 images and labels; stays as it is.
        seed: of initialisation, dropout and the order of the images, 0 to 2**32 - 1.
        weights: the backbone's; None takes what ``default_weights`` says.
        progress: called after every ``STEPS_AT_ONCE`` steps and every epoch.
        features: where a frozen part's output is kept between runs; None runs the whole model in every step, which
            gives the same numbers within float tolerance and takes longer.
        devices: that share each batch, see ``distribution.py``; none for the one that TensorFlow takes.

    Raises:
        ValueError: weights of another backbone than the protocol's, an unknown learning rate schedule or precision, or
            devices that cannot share a batch equally, or at all where XLA compiles it.
        WeightsError: pretrained weights that are not to be had.
        TrainingDiverged: at once when the loss turns NaN or infinite.
        MemoryError, tf.errors.ResourceExhaustedError: too little memory.
    """
    protocol = experiment.protocol
    started_at = datetime.datetime.now(tz=datetime.UTC)
    weights = weights or default_weights(experiment, dataset)
    if (weights.backbone if weights else None) != protocol.backbone:
        found = weights.backbone if weights else None
        raise ValueError(f"weights: found those of {found}, expected those of {protocol.backbone}")
    require_equal_shares(devices, protocol.batch_size, dataset)
    if devices and protocol.xla:
        raise ValueError(f"devices: found {len(devices)} and a protocol with XLA, expected one of the two")
    strategy = mirror(devices)
    scope = partial(_scope, protocol.precision, strategy)

    keras.utils.set_random_seed(seed)
    with scope():
        model = experiment.build()
    if strategy:
        synchronize_batch_normalization(model)
    if weights:
        weights.assign(model)
    normalize = FITS[protocol.normalization](dataset.train_images)

    started = time.perf_counter()
    trained, train_inputs, evaluation_inputs, prepare = _inputs(model, protocol, dataset, normalize, features)
    trained_from = time.perf_counter()
    steps = math.ceil(len(dataset.train_labels) / protocol.batch_size)
    with scope():
        trained = compile_for_training(trained, protocol, steps)
    # Once a seed is set, Keras's own shuffle of arrays draws the same order in every epoch (seen in Keras 3.15), which
    # costs the simple CNN more than a point of accuracy.
    order = np.random.default_rng(seed)
    first_order = order.bit_generator.state
    history = trained.fit(
        _batches(train_inputs, dataset.train_labels, protocol.batch_size, prepare, order),
        validation_data=_batches(evaluation_inputs, dataset.evaluation_labels, protocol.batch_size, prepare),
        epochs=protocol.epochs,
        shuffle=False,  # the batches come in an order of their own
        callbacks=[
            # Several devices have Keras look at a batch beforehand, which draws an order that no epoch would have.
            keras.callbacks.LambdaCallback(
                on_train_begin=lambda _: setattr(order.bit_generator, "state", first_order),
            ),
            _Watch(protocol, steps, progress),
            keras.callbacks.EarlyStopping(
                protocol.early_stopping_monitor, patience=protocol.patience, restore_best_weights=True
            ),
        ],
        verbose=0,
    ).history
    trained.steps_per_execution = 1  # to predict, Keras would trace as many copies of the model as steps at once
    probabilities = trained.predict(
        _batches(evaluation_inputs, dataset.evaluation_labels, protocol.batch_size, prepare), verbose=0
    )
    ended = time.perf_counter()

    return Run(
        experiment=experiment.name,
        seed=seed,
        dataset=dataset.name,
        weights=weights.description if weights else "none",
        fingerprints=fingerprints_of(protocol, dataset, weights),
        protocol=protocol.values,
        curves=Curves(**{name: [float(value) for value in history[name]] for name in Curves.__annotations__}),
        evaluation=evaluate(probabilities, dataset.evaluation_labels, dataset.class_names),
        timings=Timings(features=trained_from - started, training=ended - trained_from),
        environment=describe_environment(devices),
        code=describe_code(),
        started=started_at.isoformat(timespec="seconds"),
        peak_memory=peak_memory(),
    )


def compile_for_training(model: keras.Model, protocol: Protocol, steps: int) -> keras.Model:
    """Return a compiled model whose training moves the given one's variables; the given one stays uncompiled.

    Args:
        model: what trains: a whole model, or what is behind a frozen part.
        protocol: how.
        steps: of an epoch.

    Raises:
        ValueError: an unknown learning rate schedule.
    """
    trained = rewrite_for_speed(model)
    fuse_regularizers(trained)
    rate = _learning_rate(protocol, steps)
    # Neither Adam in one operation a variable nor a loop over steps is for what several devices hold.
    shared = tf.distribute.has_strategy()
    trained.compile(
        optimizer=FusedAdam(rate)
        if protocol.optimizer == "adam" and not shared
        else keras.optimizers.get({"class_name": protocol.optimizer, "config": {"learning_rate": rate}}),
        loss=protocol.loss,
        metrics=[keras.metrics.CategoricalAccuracy("accuracy")],
        jit_compile=protocol.xla,
        # A loop of few steps costs more to trace than it saves.
        steps_per_execution=1 if shared else min(STEPS_AT_ONCE, steps),
    )
    # With the metric that is there already, all variables that a step uses. TensorFlow traces a step that makes any of
    # its own a second time.
    trained.optimizer.build(trained.trainable_variables)
    return trained


def fingerprints_of(protocol: Protocol, dataset: Dataset, weights: BackboneWeights | None) -> Fingerprints:
    """Return what a run's baseline must agree with; known before the training, and the same in its record."""
    return Fingerprints(
        data=dataset.fingerprint,
        weights=weights.fingerprint if weights else None,
        protocol=protocol.fingerprint,
    )


def default_weights(
    experiment: Experiment, dataset: Dataset, weights_dir: Path | None = None
) -> BackboneWeights | None:
    """Return what a training starts from unless told: random weights on synthetic data, else ImageNet's.

    Args:
        experiment: None is returned if its protocol has no backbone.
        dataset: that it will train on.
        weights_dir: where ImageNet weights are; None for Keras's cache or download.

    Raises:
        WeightsError: ImageNet weights are wanted and are not to be had.
    """
    backbone = experiment.protocol.backbone
    if backbone is None:
        return None
    return random_weights(backbone) if dataset.name == "synthetic" else imagenet_weights(backbone, weights_dir)


@contextmanager
def _scope(precision: str, strategy: tf.distribute.Strategy | None) -> Iterator[None]:
    """Make and compile in here what is trained in a precision, on the devices of a strategy if there is one."""
    with precision_of_new_layers(precision), strategy.scope() if strategy else nullcontext():
        yield


def _inputs(
    model: keras.Model,
    protocol: Protocol,
    dataset: Dataset,
    normalize: Normalize,
    features: FeatureCache | None,
) -> tuple[keras.Model, list[Any], list[Any], Normalize | None]:
    """Return what is trained and what it is fed: the rest on cached features, or the whole model on images."""
    split = split_at_frozen_boundary(model)
    if features is None or split.prefix is None or split.rest is None:
        return model, [dataset.train_images], [dataset.evaluation_images], normalize
    cached = features.get(split.prefix, normalization=protocol.normalization, normalize=normalize, dataset=dataset)
    return split.rest, cached.train, cached.evaluation, None


def _learning_rate(protocol: Protocol, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the protocol's learning rate, for epochs of ``steps`` steps."""
    if protocol.learning_rate_schedule == "constant":
        return protocol.learning_rate
    if protocol.learning_rate_schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(protocol.learning_rate, decay_steps=protocol.epochs * steps)
    raise ValueError(f"learning_rate_schedule: found {protocol.learning_rate_schedule!r}, expected constant or cosine")


def _batches(
    inputs: list[npt.NDArray[Any]],
    labels: Labels,
    batch_size: int,
    prepare: Normalize | None,
    order: np.random.Generator | None = None,
) -> tf.data.Dataset:
    """Return batches of inputs and one-hot labels; each pass draws a new order if there is a generator for it.

    Images stay uint8 until their batch is formed.
    """
    one_hot = np.eye(CLASS_COUNT, dtype=np.float32)
    rows = np.arange(len(labels))

    def gather(number: int) -> list[npt.NDArray[np.float32]]:
        nonlocal rows
        if order is not None and number == 0:  # a pass asks for one batch after another
            rows = order.permutation(len(labels))
        batch = rows[number * batch_size : (number + 1) * batch_size]
        arrays = [array[batch] for array in inputs]
        return [*([prepare(array) for array in arrays] if prepare else arrays), one_hot[labels[batch]]]

    def form(number: tf.Tensor) -> tuple[Any, tf.Tensor]:
        *arrays, targets = tf.numpy_function(gather, [number], [tf.float32] * (len(inputs) + 1))
        arrays = [
            tf.ensure_shape(tensor, (None, *array.shape[1:])) for tensor, array in zip(arrays, inputs, strict=True)
        ]
        return _as_keras_takes_it(arrays), tf.ensure_shape(targets, (None, CLASS_COUNT))

    options = tf.data.Options()
    # Its thread sleeps for up to seconds when it has nothing to tune, and an epoch's end waits for it to wake.
    options.autotune.enabled = False
    # Not from_generator, which takes a twentieth of a second to start a pass and four times as long for a batch.
    numbers = tf.data.Dataset.range(math.ceil(len(labels) / batch_size))
    return numbers.map(form).prefetch(2).with_options(options)


def _as_keras_takes_it(values: list[Any]) -> Any:
    """Return a lone input as itself and several as a tuple: ``tf.data`` would stack a list into one tensor."""
    return values[0] if len(values) == 1 else tuple(values)


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a training whose loss is no number, and tells the progress of the others."""

    def __init__(self, protocol: Protocol, steps: int, progress: Callable[[Progress], None] | None) -> None:
        super().__init__()
        self._epochs, self._steps, self._progress = protocol.epochs, steps, progress
        self._epoch = 0
        self._started = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        assert logs is not None  # noqa: S101 - Keras always passes them here
        step = min(batch + 1, self._steps)  # Keras counts on past a last call that had fewer steps
        self._require_finite("loss", float(logs["loss"]), f"epoch {self._epoch + 1}, step {step}")
        self._tell(step, float(logs["accuracy"]), None)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert logs is not None  # noqa: S101 - Keras always passes them here
        # The epoch's last step may have ruined the weights after its loss was taken.
        self._require_finite("validation loss", float(logs["val_loss"]), f"the end of epoch {epoch + 1}")
        self._tell(self._steps, float(logs["accuracy"]), float(logs["val_accuracy"]))

    def _require_finite(self, name: str, value: float, when: str) -> None:
        if not math.isfinite(value):
            raise TrainingDiverged(
                f"the {name} is {value} by {when}: the learning rate, the normalization or the initialisation no "
                f"longer suit the model"
            )

    def _tell(self, step: int, accuracy: float, validation_accuracy: float | None) -> None:
        if self._progress is None:
            return
        done = (self._epoch * self._steps + step) / (self._epochs * self._steps)
        elapsed = time.perf_counter() - self._started
        left = elapsed / done - elapsed
        self._progress(Progress(self._epoch + 1, self._epochs, step, self._steps, accuracy, validation_accuracy, left))
