"""A model whose training steps cost less and give the same: same variables, same numbers to rounding."""

from __future__ import annotations

from collections import Counter
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from cifar_models.freezing import nodes_in_order


def rewrite_for_training(model: keras.Model) -> keras.Model:
    """Return a functional model with cheaper layers in place of some; it shares all variables with ``model``.

    Convolution, bias, ReLU and max pooling become convolution, max pooling, bias and ReLU: the maximum commutes with
    adding a constant and with any function that does not fall, and a quarter of the values is left for the rest.
    Outputs and gradients are the original's within float tolerance.

    Raises:
        ValueError: ``model`` is neither functional nor a row of layers.
    """
    if isinstance(model, keras.Sequential):
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    chains = _pooled_convolutions(model)
    absorbed = {id(layer) for chain in chains.values() for layer in (chain.convolution, chain.activation)}

    def call(operation: Any, *arguments: Any, **options: Any) -> Any:
        if id(operation) in absorbed:
            return arguments[0]
        return chains.get(id(operation), operation)(*arguments, **options)

    return keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)


class _PooledConvolution(layers.Layer):  # type: ignore[misc]
    """A convolution, an activation that does not fall and a max pooling, with the pooling done second."""

    def __init__(self, convolution: layers.Conv2D, activation: layers.Activation, pooling: layers.MaxPooling2D) -> None:
        super().__init__(dtype=convolution.dtype_policy)
        self.convolution, self.activation, self.pooling = convolution, activation, pooling
        self.built = True

    def call(self, images: tf.Tensor) -> tf.Tensor:
        features = self.convolution.convolution_op(images, self.convolution.kernel)
        # Not ops.add, whose gradient sums over the images with an operation for any shape.
        return self.activation(tf.nn.bias_add(self.pooling(features), self.convolution.bias))


def _pooled_convolutions(model: keras.Model) -> dict[int, _PooledConvolution]:
    """Return what replaces each max pooling that ends a chain which nothing else reads, by the pooling's id."""
    nodes = nodes_in_order(model)
    readers = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    readers.update(id(tensor) for tensor in model.outputs)
    uses = Counter(id(node.operation) for node in nodes)
    makers = {id(tensor): node for node in nodes for tensor in node.outputs}
    chains = {}
    for last in nodes:
        chain = [last]
        while len(chain) < 3 and readers[id(tensor := chain[0].input_tensors[0])] == 1 and id(tensor) in makers:
            chain.insert(0, makers[id(tensor)])
        operations = [node.operation for node in chain]
        if [type(operation) for operation in operations] == [layers.Conv2D, layers.Activation, layers.MaxPooling2D]:
            convolution, activation, pooling = operations
            if (
                all(uses[id(operation)] == 1 for operation in operations)
                and convolution.use_bias
                and convolution.activation is keras.activations.linear
                and activation.activation is keras.activations.relu
                and {convolution.data_format, pooling.data_format} == {"channels_last"}
                and not any(operation.activity_regularizer for operation in operations)
            ):
                chains[id(pooling)] = _PooledConvolution(convolution, activation, pooling)
    return chains
