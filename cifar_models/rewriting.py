"""A model that costs less to run and gives the same: same variables, same numbers to rounding."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import keras

from cifar_models.cheaper_layers import match_convolution_to_one_position, match_normalization, match_pooled_convolution
from cifar_models.models.freezing import nodes_in_order

MATCHES = (match_pooled_convolution, match_normalization, match_convolution_to_one_position)


def rewrite_for_speed(model: keras.Model) -> keras.Model:
    """Return a functional model with cheaper layers in place of some; it shares all variables with ``model``.

    Outputs, gradients and what moves in training are the original's within float tolerance; only dropout draws other
    places where it follows a batch normalization.

    Raises:
        ValueError: ``model`` is neither functional nor a row of layers.
    """
    if isinstance(model, keras.Sequential):
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    # What an operation is replaced by; None where the replacement of a later one stands for it too.
    replacements: dict[int, Any] = {}
    for row in _rows(model):
        if id(row[0].operation) in replacements:
            continue
        if matched := next(filter(None, (match(row) for match in MATCHES)), None):
            replacement, length = matched
            *before, last = (id(node.operation) for node in row[:length])
            replacements |= dict.fromkeys(before) | {last: replacement}

    def call(operation: Any, *arguments: Any, **options: Any) -> Any:
        if id(operation) not in replacements:
            return operation(*arguments, **options)
        replacement = replacements[id(operation)]
        return replacement(arguments[0]) if replacement else arguments[0]

    return keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)


def _rows(model: keras.Model) -> Iterator[list[Any]]:
    """Yield, from each node on, the nodes that follow: each reads the one before it, which nothing else reads.

    No row has an operation that the model uses twice, for which one layer would stand twice, or that it calls with
    more than a tensor, such as a training mode, which no rule knows of.
    """
    nodes = nodes_in_order(model)
    uses = Counter(id(node.operation) for node in nodes)
    readers: defaultdict[int, list[Any]] = defaultdict(list, {id(tensor): [None] for tensor in model.outputs})
    for node in nodes:
        for tensor in node.input_tensors:
            readers[id(tensor)].append(node)

    def follow(node: Any) -> Iterator[Any]:
        while node and uses[id(node.operation)] == 1 and _is_told_tensors_alone(node):
            yield node
            reading = [reader for tensor in node.outputs for reader in readers[id(tensor)]]
            node = reading[0] if len(reading) == 1 else None

    for node in nodes:
        if row := [*follow(node)]:
            yield row


def _is_told_tensors_alone(node: Any) -> bool:
    # A training mode of False is what Keras notes where nobody gave one; fit says another one at each call.
    told = keras.tree.flatten((node.arguments.args, node.arguments.kwargs))
    return all(value is None or value is False or isinstance(value, keras.KerasTensor) for value in told)
