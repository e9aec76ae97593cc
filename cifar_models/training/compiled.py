"""Compiles a model as its protocol says, and keeps it for the next seed.

The compiled model is kept because tracing takes longer than training a small model. Layers, optimizer, loss and metric
are those of Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from cifar_models.experiments import Protocol, ProtocolError
from cifar_models.models.freezing import split_at_frozen_boundary
from cifar_models.training.features import fingerprint_structure

STEPS_AT_ONCE = 10
"""Number of training steps between two returns to Python, which report progress and check for divergence."""


@dataclass(frozen=True)
class CompiledModel:
    """A model, and the part of it that trains.

    Attributes:
        model: the whole model.
        prefix: the frozen part, which runs once for each image; None if the whole model runs in every step.
        trained: the model to call ``fit`` on: the rest of the layers behind the prefix, or ``model`` itself.
        steps_at_once: the ``steps_per_execution`` of ``trained``.
        optimizer_state: variables of the optimizer before the first step.
    """

    model: keras.Model
    prefix: keras.Model | None
    trained: keras.Model
    steps_at_once: int
    optimizer_state: list[npt.NDArray[np.generic]]

    def start_from(self, fresh: keras.Model) -> None:
        """Reset the model and its optimizer to the state of a new build.

        Args:
            fresh: a new build of the same model; its weights and states of random generators are copied.
        """
        if fresh is not self.model:
            copy_variables(fresh, self.model)
            for variable, value in zip(self.trained.optimizer.variables, self.optimizer_state, strict=True):
                variable.assign(value)
        self.trained.steps_per_execution = self.steps_at_once


class CompiledModelCache:
    """Keeps the compiled model of the last training for another seed of the same experiment.

    It keeps one model, because experiments run one after another. It is not thread-safe.
    """

    def __init__(self) -> None:
        self._key: tuple[str, Protocol, int, bool] | None = None
        self._compiled: CompiledModel | None = None

    def get(self, fresh: keras.Model, protocol: Protocol, steps: int, *, split: bool) -> CompiledModel:
        """Return a compiled model in the state of ``fresh``: the kept one if it is equal, otherwise ``fresh`` itself.

        Args:
            fresh: a new build of the model.
            protocol: the protocol of the training.
            steps: number of steps in an epoch.
            split: whether to separate a frozen part.

        Raises:
            ProtocolError, ValueError: see ``compile_model``.
        """
        structure = fingerprint_structure(fresh)
        key = (structure, protocol, steps, split) if structure else None
        if self._compiled is None or key is None or key != self._key:
            self.clear()
            self._compiled, self._key = compile_model(fresh, protocol, steps, split=split), key
        self._compiled.start_from(fresh)
        return self._compiled

    def clear(self) -> None:
        """Remove the model."""
        self._key = self._compiled = None


SESSION_MODELS = CompiledModelCache()
"""The default cache of ``train``."""


def copy_variables(source: keras.Model, target: keras.Model) -> None:
    """Copy weights, moving averages and states of random generators between two builds of the same model."""
    for variable, value in zip(_state(target), _state(source), strict=True):
        variable.assign(value)


def _state(model: keras.Model) -> list[keras.Variable]:
    """Return the variables of the layers, without those of the metrics and the optimizer of a compiled model."""
    return [variable for layer in model.layers for variable in layer.variables]


def compile_model(model: keras.Model, protocol: Protocol, steps: int, *, split: bool) -> CompiledModel:
    """Compile the part of a model that trains.

    Args:
        model: a new build of the model.
        protocol: the protocol of the training.
        steps: number of steps in an epoch.
        split: whether to separate a frozen part. A model with no or only frozen layers stays whole.

    Raises:
        ProtocolError: the protocol wants XLA, which cannot compile a layer.
        ValueError: the optimizer or the learning rate schedule is unknown.
    """
    parts = split_at_frozen_boundary(model) if split else None
    prefix, trained = None, model
    if parts is not None and parts.prefix is not None and parts.rest is not None:
        prefix, trained = parts.prefix, parts.rest
    steps_at_once = min(STEPS_AT_ONCE, steps)
    trained.compile(
        optimizer=make_optimizer(protocol, steps),
        loss=make_loss(protocol),
        metrics=[keras.metrics.CategoricalAccuracy("accuracy")],
        jit_compile=protocol.xla,
        steps_per_execution=steps_at_once,
    )
    if trained.jit_compile != protocol.xla:  # Keras only warns if it cannot use XLA
        unable = ", ".join(layer.name for layer in trained._flatten_layers() if not layer.supports_jit)
        raise ProtocolError(
            f"xla: found True, expected False for a model with layers that XLA cannot compile: {unable}"
        )
    # Create the variables before the first step, because TensorFlow traces a step again if it creates variables.
    trained.optimizer.build(trained.trainable_variables)
    state = [variable.numpy() for variable in trained.optimizer.variables]
    return CompiledModel(model, prefix, trained, steps_at_once, state)


def make_optimizer(protocol: Protocol, steps: int) -> keras.optimizers.Optimizer:
    """Return Keras's optimizer with the protocol's settings.

    Args:
        protocol: the protocol of the training.
        steps: number of steps in an epoch.

    Raises:
        ValueError: the optimizer or the learning rate schedule is unknown.
    """
    options: dict[str, Any] = {}
    if protocol.momentum:
        options |= {"momentum": protocol.momentum, "nesterov": protocol.nesterov}
    if protocol.weight_decay:
        options |= {"weight_decay": protocol.weight_decay}
    if protocol.ema_momentum:
        options |= {"use_ema": True, "ema_momentum": protocol.ema_momentum, "ema_overwrite_frequency": steps}
    return keras.optimizers.get(
        {"class_name": protocol.optimizer, "config": {"learning_rate": _learning_rate(protocol, steps), **options}}
    )


def make_loss(protocol: Protocol) -> str | keras.losses.Loss:
    """Return the protocol's loss for ``keras.Model.compile``."""
    if protocol.label_smoothing:
        return keras.losses.CategoricalCrossentropy(label_smoothing=protocol.label_smoothing)
    return protocol.loss


def _learning_rate(protocol: Protocol, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the protocol's learning rate or schedule, for epochs of ``steps`` steps."""
    if protocol.learning_rate_schedule == "constant":
        return protocol.learning_rate
    if protocol.learning_rate_schedule == "cosine":
        all_steps = protocol.epochs * steps
        if warmup := round(protocol.warmup * all_steps):
            return keras.optimizers.schedules.CosineDecay(
                0.0, decay_steps=all_steps - warmup, warmup_target=protocol.learning_rate, warmup_steps=warmup
            )
        return keras.optimizers.schedules.CosineDecay(protocol.learning_rate, decay_steps=all_steps)
    raise ValueError(f"learning_rate_schedule: found {protocol.learning_rate_schedule!r}, expected constant or cosine")
