"""A model compiled by a protocol, and kept for the next seed: tracing takes longer than training a small model.

Everything that is compiled is Keras's own: the layers that the builder made, Keras's optimizer, loss and metric.
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
"""Training steps between two returns to Python. Progress is reported and divergence is noticed as often."""


@dataclass(frozen=True)
class CompiledModel:
    """A whole model and what of it trains.

    Attributes:
        model: as the builder returned it.
        prefix: its frozen part, whose output is computed once; None where the whole model runs in every step.
        trained: what ``fit`` is called on: the part behind the prefix, made of the same layers, or ``model`` itself.
        steps_at_once: the ``steps_per_execution`` that ``trained`` was compiled with.
        optimizer_state: the optimizer's variables before the first step.
    """

    model: keras.Model
    prefix: keras.Model | None
    trained: keras.Model
    steps_at_once: int
    optimizer_state: list[npt.NDArray[np.generic]]

    def start_from(self, fresh: keras.Model) -> None:
        """Put the model and its optimizer into the state of a new build.

        Args:
            fresh: a build of the same model, whose weights and random seeds are taken over.
        """
        if fresh is not self.model:
            copy_variables(fresh, self.model)
            for variable, value in zip(self.trained.optimizer.variables, self.optimizer_state, strict=True):
                variable.assign(value)
        self.trained.steps_per_execution = self.steps_at_once


class CompiledModelCache:
    """The compiled model of the last training, for the next one with another seed of the same experiment.

    It holds one model: experiments run one after another. It is not safe to share between threads.
    """

    def __init__(self) -> None:
        self._key: tuple[str, Protocol, int, bool] | None = None
        self._compiled: CompiledModel | None = None

    def get(self, fresh: keras.Model, protocol: Protocol, steps: int, *, split: bool) -> CompiledModel:
        """Return a compiled model in the state of ``fresh``: of an equal build from before, or of ``fresh`` itself.

        Args:
            fresh: the builder's model.
            protocol: how it is trained.
            steps: of an epoch.
            split: whether to cut off a frozen part.

        Raises:
            ValueError: an unknown learning rate schedule.
        """
        structure = fingerprint_structure(fresh)
        key = (structure, protocol, steps, split) if structure else None
        if self._compiled is None or key is None or key != self._key:
            self.clear()
            self._compiled, self._key = compile_model(fresh, protocol, steps, split=split), key
        self._compiled.start_from(fresh)
        return self._compiled

    def clear(self) -> None:
        """Forget the model."""
        self._key = self._compiled = None


SESSION_MODELS = CompiledModelCache()
"""The cache that ``train`` uses unless told otherwise."""


def copy_variables(source: keras.Model, target: keras.Model) -> None:
    """Copy all weights, moving averages and states of random generators between two builds of one model."""
    for variable, value in zip(_state(target), _state(source), strict=True):
        variable.assign(value)


def _state(model: keras.Model) -> list[keras.Variable]:
    """Return the variables of the layers: those of a compiled model's metrics and optimizer are not the builder's."""
    return [variable for layer in model.layers for variable in layer.variables]


def compile_model(model: keras.Model, protocol: Protocol, steps: int, *, split: bool) -> CompiledModel:
    """Compile what of a model trains.

    Args:
        model: the builder's.
        protocol: how it is trained.
        steps: of an epoch.
        split: whether to cut off a frozen part; a model of which nothing or everything is frozen stays whole.

    Raises:
        ProtocolError: XLA, and layers that it cannot compile.
        ValueError: an unknown learning rate schedule.
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
    if trained.jit_compile != protocol.xla:  # Keras only warns
        unable = ", ".join(layer.name for layer in trained._flatten_layers() if not layer.supports_jit)
        raise ProtocolError(
            f"xla: found True, expected False for a model with layers that XLA cannot compile: {unable}"
        )
    # All variables that a step uses exist before it is traced: TensorFlow traces a step that creates any a second time.
    trained.optimizer.build(trained.trainable_variables)
    state = [variable.numpy() for variable in trained.optimizer.variables]
    return CompiledModel(model, prefix, trained, steps_at_once, state)


def make_optimizer(protocol: Protocol, steps: int) -> keras.optimizers.Optimizer:
    """Return Keras's optimizer with the protocol's settings, for epochs of ``steps`` steps.

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
    """Return the protocol's loss, as ``keras.Model.compile`` takes it."""
    if protocol.label_smoothing:
        return keras.losses.CategoricalCrossentropy(label_smoothing=protocol.label_smoothing)
    return protocol.loss


def _learning_rate(protocol: Protocol, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the protocol's learning rate, for epochs of ``steps`` steps."""
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
