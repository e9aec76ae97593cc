"""Trains an experiment with a seed, as its protocol says."""

from __future__ import annotations

import datetime
import math
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cifar_models.datasets.dataset import Dataset
from cifar_models.datasets.held_out import Rows, hold_out
from cifar_models.datasets.normalization import FITS, Normalize
from cifar_models.experiments import HELD_OUT, Experiment, Protocol
from cifar_models.models.pretrained import BackboneWeights, imagenet_weights, random_weights
from cifar_models.results.environment import describe_environment, peak_memory
from cifar_models.results.evaluation import evaluate, evaluate_held_out
from cifar_models.results.run import Curves, Fingerprints, Run, Timings
from cifar_models.results.source_code import describe_code
from cifar_models.training.batches import form_batches
from cifar_models.training.compiled import SESSION_MODELS, CompiledModelCache, copy_variables
from cifar_models.training.features import SESSION_FEATURES, FeatureCache
from cifar_models.training.keras_settings import fix_keras_settings
from cifar_models.training.progress import Report
from cifar_models.training.watch import Watch

OUT_OF_MEMORY = (MemoryError, tf.errors.ResourceExhaustedError)
"""Exceptions of a training that has too little memory, on the machine or a GPU."""


def train(
    experiment: Experiment,
    dataset: Dataset,
    seed: int,
    *,
    weights: BackboneWeights | None = None,
    progress: Report | None = None,
    features: FeatureCache | None = SESSION_FEATURES,
    models: CompiledModelCache = SESSION_MODELS,
) -> Run:
    """Train an experiment on a data set, and evaluate it with the weights of the best epoch.

    The model that ``experiment.build`` returns has the weights of the best epoch afterwards. If an equal model is
    already compiled, it trains instead, from the same initial weights. The numbers are equal to the last digit.

    Args:
        experiment: a row of the table, or a variant.
        dataset: uint8 images and labels; they are not changed.
        seed: seed of initialisation, dropout and the order of the images, 0 to 2**32 - 1.
        weights: weights of the backbone; None for ``default_weights``.
        progress: called after each batch of features, every ``STEPS_AT_ONCE`` steps, and each epoch.
        features: cache for the output of a frozen part. None runs the whole model in every step; the numbers are equal
            within float tolerance, and the training takes longer.
        models: cache for the compiled model.

    Returns:
        The run, with curves, evaluation and environment.

    Raises:
        ValueError: the weights are of another backbone than the protocol's, or the learning rate schedule or precision
            is unknown.
        ProtocolError: the model does not support the input size, or XLA cannot compile a layer.
        DatasetError: see ``fit_normalization``; raised before the training starts.
        WeightsError: pretrained weights are not available.
        KerasSettingsError: Keras has a setting that cannot be changed.
        TrainingDiverged: the loss turned NaN or infinite.
        MemoryError, tf.errors.ResourceExhaustedError: there is too little memory.
    """
    fix_keras_settings()
    code = describe_code()  # before the training, because files can change while it runs
    protocol = experiment.protocol
    started_at = datetime.datetime.now(tz=datetime.UTC)
    weights = weights or default_weights(experiment, dataset)
    if (weights.backbone if weights else None) != protocol.backbone:
        found = weights.backbone if weights else None
        raise ValueError(f"weights: found those of {found}, expected those of {protocol.backbone}")

    keras.config.set_dtype_policy(protocol.precision)  # for all layers that this process builds from now on
    keras.utils.set_random_seed(seed)
    model = experiment.build_model()
    if weights:
        weights.assign(model)

    started, processor = time.perf_counter(), time.process_time()
    rows, held_out = _rows(protocol, dataset)
    steps = math.ceil(len(rows) / protocol.batch_size)
    compiled = models.get(model, protocol, steps, split=features is not None)
    normalize = fit_normalization(protocol, dataset)
    prepare: Normalize | None = normalize
    inputs: list[npt.NDArray[Any]] = [dataset.train_images]
    evaluation_inputs: list[npt.NDArray[Any]] = [dataset.evaluation_images]
    computing = 0.0
    if features is not None and compiled.prefix is not None:
        cached = features.get(compiled.prefix, normalize=normalize, dataset=dataset, progress=progress)
        inputs, evaluation_inputs, prepare, computing = [*cached.train], [*cached.evaluation], None, features.seconds

    # With a seed, Keras 3.15 shuffles arrays into the same order in every epoch, which costs the simple CNN more than a
    # point of accuracy.
    batches = form_batches(
        inputs, dataset.train_labels, protocol.batch_size, prepare, order=np.random.default_rng(seed), rows=rows
    )
    evaluation_batches = form_batches(evaluation_inputs, dataset.evaluation_labels, protocol.batch_size, prepare)
    validation_batches = evaluation_batches
    if held_out is not None:
        validation_batches = form_batches(
            inputs, labels=dataset.train_labels, batch_size=protocol.batch_size, prepare=prepare, rows=held_out
        )
    try:
        history = compiled.trained.fit(
            batches,
            validation_data=validation_batches,
            epochs=protocol.epochs,
            shuffle=False,  # form_batches shuffles
            callbacks=[
                Watch(protocol, steps, progress),
                keras.callbacks.EarlyStopping(
                    protocol.early_stopping_monitor, patience=protocol.patience, restore_best_weights=True
                ),
            ],
            verbose=0,
        ).history
        compiled.trained.steps_per_execution = 1  # otherwise Keras traces a copy of the model for each step of predict
        probabilities = compiled.trained.predict(evaluation_batches, verbose=0)
        on_held_out = None if held_out is None else compiled.trained.predict(validation_batches, verbose=0)
    except BaseException:
        models.clear()  # Keras keeps the iterators of an interrupted fit
        raise
    if compiled.model is not model:
        copy_variables(compiled.model, model)
    ended, processor = time.perf_counter(), time.process_time() - processor

    return Run(
        experiment=experiment.name,
        seed=seed,
        dataset=dataset.name,
        weights=weights.description if weights else "none",
        fingerprints=fingerprints_of(protocol, dataset, weights),
        protocol=protocol.values,
        curves=Curves(**{name: [float(value) for value in history[name]] for name in Curves.__annotations__}),
        evaluation=evaluate(probabilities, dataset.evaluation_labels, dataset.class_names),
        held_out=None if on_held_out is None else evaluate_held_out(on_held_out, dataset.train_labels[held_out]),
        timings=Timings(features=computing, training=ended - started - computing, processor=processor),
        environment=describe_environment(),
        code=code,
        started=started_at.isoformat(timespec="seconds"),
        peak_memory=peak_memory(),
    )


def _rows(protocol: Protocol, dataset: Dataset) -> tuple[Rows, Rows | None]:
    """Return the rows of the training images to train on, and the held-out rows; None if none are held out."""
    labels = dataset.train_labels
    return hold_out(labels) if protocol.validation == HELD_OUT else (np.arange(len(labels)), None)


def fit_normalization(protocol: Protocol, dataset: Dataset) -> Normalize:
    """Return the protocol's normalization, fitted on the training images without the held-out ones.

    Raises:
        DatasetError: the normalization cannot be fitted on the images, or a class has too few images to hold any out.
    """
    if protocol.validation == HELD_OUT:
        rows, _ = hold_out(dataset.train_labels)
        return FITS[protocol.normalization](dataset.train_images[rows])
    return FITS[protocol.normalization](dataset.train_images)


def fingerprints_of(protocol: Protocol, dataset: Dataset, weights: BackboneWeights | None) -> Fingerprints:
    """Return the fingerprints of a training, which its baseline must have too; they are known before the training."""
    return Fingerprints(
        data=dataset.fingerprint,
        weights=weights.fingerprint if weights else None,
        protocol=protocol.fingerprint,
    )


def default_weights(
    experiment: Experiment, dataset: Dataset, weights_dir: Path | None = None
) -> BackboneWeights | None:
    """Return the default weights of a backbone: random ones on synthetic data, otherwise those of ImageNet.

    Args:
        experiment: the experiment.
        dataset: the data set to train on.
        weights_dir: folder with ImageNet weights; None for Keras's cache or download.

    Returns:
        The weights; None if the protocol has no backbone.

    Raises:
        WeightsError: ImageNet weights are needed and not available.
    """
    protocol = experiment.protocol
    if protocol.backbone is None:
        return None
    keras.config.set_dtype_policy("float32")  # an earlier training in half precision has left its own
    if dataset.name == "synthetic":
        return random_weights(protocol.backbone, normalization=protocol.normalization)
    return imagenet_weights(protocol.backbone, weights_dir)
