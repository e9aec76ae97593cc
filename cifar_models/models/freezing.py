"""Freezing layers, freeing the last ones, and finding where a model's frozen part ends."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import keras


def freeze(model: keras.Model) -> None:
    """Make every layer of ``model`` untrainable; a frozen batch normalization also runs in inference mode."""
    for layer in model.layers:
        layer.trainable = False


def unfreeze_last(model: keras.Model, n: int) -> None:
    """Make exactly the last ``n`` of ``model.layers`` trainable and all layers before them untrainable.

    Layers without weights and the input layer count, as they do in Keras's own list of layers.

    Raises:
        ValueError: ``n`` below 0 or above the number of layers.
    """
    if not 0 <= n <= len(model.layers):
        raise ValueError(f"n: found {n}, expected 0 to {len(model.layers)}, the number of layers of {model.name}")
    first_trainable = len(model.layers) - n
    for position, layer in enumerate(model.layers):
        layer.trainable = position >= first_trainable


@dataclass(frozen=True)
class FrozenSplit:
    """A functional model cut where its frozen part ends; both sides share the model's variables.

    Attributes:
        prefix: from the model's inputs to the tensors that cross the cut; None if nothing at its start is constant.
        rest: from the crossing tensors to the model's outputs; None if no layer's output can change in training.
    """

    prefix: keras.Model | None
    rest: keras.Model | None


def split_at_frozen_boundary(model: keras.Model) -> FrozenSplit:
    """Cut a functional model into the part whose output training cannot change, and the rest.

    A layer belongs to the prefix if all that it reads does, and its own output is the same in training as in
    inference and after any optimizer step: it is frozen or has no weights, and it is no active dropout, no batch
    normalization in training mode, nothing random. Any number of tensors may cross the cut, as they do where it lies
    inside a residual block. ``rest(prefix(x))`` equals ``model(x)``, in training mode too.

    Raises:
        ValueError: ``model`` is not a functional model of its own input layers.
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
    """Call the layers behind the cut once more, on inputs of their own.

    ``keras.Model(crossing, model.output)`` would do if Keras could start both at a model's input and behind it, or
    end where it starts.
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
    return tensors[0] if len(tensors) == 1 else tensors  # Keras warns where a tensor comes for a list of one


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
    # An output may itself be constant: it crosses too, or the rest could not return it.
    crossing.update((id(tensor), tensor) for tensor in model.outputs if id(tensor) in constant)
    return constant, list(crossing.values())


def nodes_in_order(model: keras.Model) -> list[Any]:
    """Return the graph's nodes between the model's inputs and outputs, each after all that it reads."""
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
    """Tell whether an operation gives the same output in training as in inference, after any optimizer step."""
    if not isinstance(operation, keras.layers.Layer):
        return True  # a plain keras.ops function has no state and no training mode
    if isinstance(operation, keras.Model):
        return all(_is_constant(layer) for layer in operation.layers)
    if operation.weights and operation.trainable:
        return False
    # Keras hands the training mode on to inner layers, whether or not the outer one's call takes it.
    if operation._seed_generators or not all(map(_is_constant, operation._flatten_layers(include_self=False))):
        return False
    if isinstance(operation, keras.layers.BatchNormalization):
        return True  # frozen, so it runs in inference mode
    if isinstance(operation, keras.layers.Dropout) and operation.rate == 0:
        return True
    if type(operation) is keras.layers.Resizing:
        return True  # its call takes the training mode, as those of random layers do, and has no use for it
    if isinstance(operation, keras.layers.Lambda) or getattr(operation, "activity_regularizer", None) is not None:
        return False  # a Lambda may do anything; an activity regularizer adds to the loss
    if type(operation) in (keras.layers.Dense, keras.layers.EinsumDense):
        return operation.quantization_mode is None  # else their call has no use for the training mode that it takes
    return "training" not in inspect.signature(operation.call).parameters
