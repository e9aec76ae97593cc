"""Freezing and unfreezing layers, and splitting a model where its frozen part ends."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import keras


def freeze(model: keras.Model) -> None:
    """Make every layer of ``model`` untrainable; frozen batch normalization also runs in inference mode."""
    for layer in model.layers:
        layer.trainable = False


def unfreeze_last(model: keras.Model, n: int) -> None:
    """Make the last ``n`` of ``model.layers`` trainable and all others untrainable.

    As in Keras's list of layers, the input layer and layers without weights count.

    Raises:
        ValueError: ``n`` is below 0 or above the number of layers.
    """
    if not 0 <= n <= len(model.layers):
        raise ValueError(f"n: found {n}, expected 0 to {len(model.layers)}, the number of layers of {model.name}")
    first_trainable = len(model.layers) - n
    for position, layer in enumerate(model.layers):
        layer.trainable = position >= first_trainable


@dataclass(frozen=True)
class FrozenSplit:
    """A functional model split where its frozen part ends; both parts share the model's variables.

    Attributes:
        prefix: from the model's inputs to the tensors that cross the split; None if nothing at its start is frozen.
        rest: from these tensors to the model's outputs; None if the whole model is frozen.
    """

    prefix: keras.Model | None
    rest: keras.Model | None


def split_at_frozen_boundary(model: keras.Model) -> FrozenSplit:
    """Split a functional model into the part whose output training cannot change, and the rest.

    A layer belongs to the prefix if all its inputs do, it is frozen or has no weights, and its output is the same in
    training and in inference, which excludes active dropout and other random layers. Several tensors may cross the
    split, for example inside a residual block. ``rest(prefix(x))`` equals ``model(x)``, also in training mode.

    Raises:
        ValueError: ``model`` is not a functional model with input layers.
    """
    if not isinstance(model, keras.Model) or not hasattr(model, "inputs") or model.inputs is None:
        raise ValueError(f"model: found {type(model).__name__}, expected a functional keras.Model")
    constant, crossing = _constant_tensors(model)
    if all(id(output) in constant for output in model.outputs):
        return FrozenSplit(prefix=model, rest=None)
    if all(any(tensor is image for image in model.inputs) for tensor in crossing):
        return FrozenSplit(prefix=None, rest=model)
    return FrozenSplit(
        prefix=keras.Model(model.input, _alone_or_all(crossing), name=f"{model.name}_prefix"),
        rest=_rest(model, constant, crossing),
    )


def _rest(model: keras.Model, constant: set[int], crossing: list[keras.KerasTensor]) -> keras.Model:
    """Call the layers after the split again, on new inputs.

    ``keras.Model(crossing, model.output)`` fails if some of ``crossing`` are inputs or outputs of the model.
    """
    inputs = [keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype) for tensor in crossing]
    tensors = {id(tensor): own for tensor, own in zip(crossing, inputs, strict=True)}
    for node in nodes_in_order(model):
        if not all(id(tensor) in constant for tensor in node.outputs):
            arguments, options = node.arguments.fill_in(tensors)
            outputs = keras.tree.flatten(node.operation(*arguments, **options))
            tensors.update(zip(map(id, node.outputs), outputs, strict=True))
    outputs = keras.tree.map_structure(lambda tensor: tensors[id(tensor)], model.output)
    return keras.Model(_alone_or_all(inputs), outputs, name=f"{model.name}_rest")


def _alone_or_all(tensors: list[keras.KerasTensor]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors  # Keras warns if it gets a tensor for a list of one


def _constant_tensors(model: keras.Model) -> tuple[set[int], list[keras.KerasTensor]]:
    """Return the ids of the tensors that training cannot change, and those of them that the rest reads, in order."""
    constant = {id(tensor) for tensor in model.inputs}
    crossing: dict[int, keras.KerasTensor] = {}
    for node in nodes_in_order(model):
        reads = node.input_tensors
        if all(id(tensor) in constant for tensor in reads) and _is_constant(node.operation):
            constant.update(id(tensor) for tensor in node.outputs)
        else:
            crossing.update((id(tensor), tensor) for tensor in reads if id(tensor) in constant)
    # The rest must return all outputs, so a constant output crosses too.
    crossing.update((id(tensor), tensor) for tensor in model.outputs if id(tensor) in constant)
    return constant, list(crossing.values())


def nodes_in_order(model: keras.Model) -> list[Any]:
    """Return the graph's nodes between the model's inputs and outputs, each after the nodes that it reads."""
    inputs = {id(tensor) for tensor in model.inputs}
    ordered: dict[int, Any] = {}
    pending = [(tensor, False) for tensor in reversed(model.outputs)]
    while pending:
        tensor, read = pending.pop()
        if id(tensor) in inputs:
            continue
        history = tensor._keras_history
        node = history.operation._inbound_nodes[history.node_index]
        if id(node) in ordered:
            continue
        if read:
            ordered[id(node)] = node
        else:
            pending.append((tensor, True))
            pending.extend((parent, False) for parent in node.input_tensors)
    return list(ordered.values())


def _is_constant(operation: Any) -> bool:
    """Return whether an operation's output is the same in training and in inference, after any optimizer step."""
    if not isinstance(operation, keras.layers.Layer):
        return True  # a plain keras.ops function has no state and no training mode
    if isinstance(operation, keras.Model):
        return all(_is_constant(layer) for layer in operation.layers)
    if operation.weights and operation.trainable:
        return False
    # Keras passes the training mode to inner layers, whether or not the outer layer's call takes it.
    if operation._seed_generators or not all(map(_is_constant, operation._flatten_layers(include_self=False))):
        return False
    if isinstance(operation, keras.layers.BatchNormalization):
        return True  # frozen, so it runs in inference mode
    if isinstance(operation, keras.layers.Dropout) and operation.rate == 0:
        return True
    if isinstance(operation, keras.layers.Lambda) or getattr(operation, "activity_regularizer", None) is not None:
        return False  # a Lambda can do anything; an activity regularizer adds to the loss
    if type(operation) in (keras.layers.Dense, keras.layers.EinsumDense):
        return operation.quantization_mode is None  # without quantization, their call ignores the training mode
    return "training" not in inspect.signature(operation.call).parameters
