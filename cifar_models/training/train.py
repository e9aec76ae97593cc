"""One training of one experiment with one seed, by the experiment's protocol."""

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
"""What a training raises that finds too little memory, the machine's or a GPU's."""


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
    """Train an experiment on a data set and evaluate it with the best epoch's weights.

    The model that ``experiment.build`` makes has the best epoch's weights afterwards. What trains is that model, or
    an equal one that was compiled for another seed and starts from its weights: the numbers are the same to the last
    digit.

    Args:
        experiment: a row of the table.
        dataset: uint8 images and labels; stays as it is.
        seed: of initialisation, dropout and the order of the images, 0 to 2**32 - 1.
        weights: the backbone's; None takes what ``default_weights`` says.
        progress: called after each batch of features, every ``STEPS_AT_ONCE`` steps and every epoch.
        features: where a frozen part's output is kept between runs; None runs the whole model in every step, which
            gives the same numbers within float tolerance and takes longer.
        models: where the compiled model is kept between runs.

    Raises:
        ValueError: weights of another backbone than the protocol's, an unknown learning rate schedule or precision.
        ProtocolError: an input size that the model cannot take.
        WeightsError: pretrained weights that are not available.
        KerasSettingsError: Keras is set up in a way that the suite cannot undo.
        TrainingDiverged: at once when the loss turns NaN or infinite.
        MemoryError, tf.errors.ResourceExhaustedError: too little memory.
    """
    fix_keras_settings()
    protocol = experiment.protocol
    started_at = datetime.datetime.now(tz=datetime.UTC)
    weights = weights or default_weights(experiment, dataset)
    if (weights.backbone if weights else None) != protocol.backbone:
        found = weights.backbone if weights else None
        raise ValueError(f"weights: found those of {found}, expected those of {protocol.backbone}")

    keras.config.set_dtype_policy(protocol.precision)  # for all that this process builds from now on
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
    if features is not None and compiled.prefix is not None:
        cached = features.get(compiled.prefix, normalize=normalize, dataset=dataset, progress=progress)
        inputs, evaluation_inputs, prepare = [*cached.train], [*cached.evaluation], None
    trained_from = time.perf_counter()

    # Once a seed is set, Keras's own shuffle of arrays draws the same order in every epoch (seen in Keras 3.15), which
    # costs the simple CNN more than a point of accuracy.
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
            shuffle=False,  # the batches come in an order of their own
            callbacks=[
                Watch(protocol, steps, progress),
                keras.callbacks.EarlyStopping(
                    protocol.early_stopping_monitor, patience=protocol.patience, restore_best_weights=True
                ),
            ],
            verbose=0,
        ).history
        compiled.trained.steps_per_execution = 1  # Keras would trace a copy of the model for each step of predict
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
        timings=Timings(features=trained_from - started, training=ended - trained_from, processor=processor),
        environment=describe_environment(),
        code=describe_code(),
        started=started_at.isoformat(timespec="seconds"),
        peak_memory=peak_memory(),
    )


def _rows(protocol: Protocol, dataset: Dataset) -> tuple[Rows, Rows | None]:
    """Return the rows of the training images that are trained on, and those of the held-out ones if there are such."""
    labels = dataset.train_labels
    return hold_out(labels) if protocol.validation == HELD_OUT else (np.arange(len(labels)), None)


def fit_normalization(protocol: Protocol, dataset: Dataset) -> Normalize:
    """Return the protocol's normalization, fitted on the images that are trained on.

    Raises:
        ValueError: images that it cannot be fitted on, or too few of a class to hold any out.
    """
    if protocol.validation == HELD_OUT:
        rows, _ = hold_out(dataset.train_labels)
        return FITS[protocol.normalization](dataset.train_images[rows])
    return FITS[protocol.normalization](dataset.train_images)


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
        WeightsError: ImageNet weights are needed and are not available.
    """
    protocol = experiment.protocol
    if protocol.backbone is None:
        return None
    if dataset.name == "synthetic":
        return random_weights(protocol.backbone, normalization=protocol.normalization)
    return imagenet_weights(protocol.backbone, weights_dir)
