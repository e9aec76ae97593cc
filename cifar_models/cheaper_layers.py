"""Layers that stand for one or more of Keras's and give the same for less, with the same variables.

Each ``match_*`` is told nodes of a model's graph that follow one another, each read by the next alone, and returns the
layer that can stand for the first of them, with how many it stands for; None if it is not made for them.

The layers tell the shape of their output: Keras would find it by tracing each of them twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import layers

Match = tuple[layers.Layer, int]
Shape = tuple[int | None, ...]

RANDOM_LEVELS = 2**8
"""How many values a random number has that decides whether dropout drops a value."""


def match_pooled_convolution(row: Sequence[Any]) -> Match | None:
    """Match a convolution with a bias, ReLU and max pooling."""
    operations = [node.operation for node in row[:3]]
    if [type(operation) for operation in operations] != [layers.Conv2D, layers.Activation, layers.MaxPooling2D]:
        return None
    convolution, activation, pooling = operations
    if (
        convolution.use_bias
        and convolution.activation is keras.activations.linear
        and _is_relu(activation)
        and {convolution.data_format, pooling.data_format} == {"channels_last"}
        and not (convolution.activity_regularizer or pooling.activity_regularizer)
    ):
        return PooledConvolution(convolution, pooling), 3
    return None


def match_normalization(row: Sequence[Any]) -> Match | None:
    """Match a float32 batch normalization of the last axis, with the ReLU and the dropout that may follow, on a CPU.

    A GPU's fused gradient wants other values to be kept than a CPU's.
    """
    normalization, *following = (node.operation for node in row[:3])
    if not (
        type(normalization) is layers.BatchNormalization
        and normalization.axis in (-1, len(row[0].outputs[0].shape) - 1)
        and normalization.center
        and normalization.scale
        and not (normalization.renorm or normalization.synchronized or normalization.activity_regularizer)
        and normalization.compute_dtype == "float32"
        and len(row[0].outputs[0].shape) in (2, 4)
        and not tf.config.list_physical_devices("GPU")
    ):
        return None
    activation = following[0] if following and _is_relu(following[0]) else None
    dropout = following[1] if activation and len(following) > 1 and _draws_for_each_value(following[1]) else None
    return Normalization(normalization, activation, dropout), 1 + bool(activation) + bool(dropout)


def match_convolution_to_one_position(row: Sequence[Any]) -> Match | None:
    """Match a convolution whose output has one row and one column."""
    convolution = row[0].operation
    if (
        type(convolution) is layers.Conv2D
        and convolution.data_format == "channels_last"
        and row[0].outputs[0].shape[1:3] == (1, 1)
        and convolution.groups == 1
        and convolution.dilation_rate == (1, 1)
        and not convolution.activity_regularizer
    ):
        return ConvolutionToOnePosition(convolution), 1
    return None


class PooledConvolution(layers.Layer):  # type: ignore[misc]
    """Convolution, bias, ReLU and max pooling, with a gradient that undoes the bias and ReLU on what was pooled.

    Where a pooled value is above 0 so is the value that it was, and no other value has a gradient. A quarter of the
    values is left for both, and forwards bias and ReLU cost nothing: TensorFlow adds them to the convolution's kernel.
    """

    def __init__(self, convolution: layers.Conv2D, pooling: layers.MaxPooling2D) -> None:
        super().__init__(dtype=convolution.dtype_policy)
        self.convolution, self.pooling = convolution, pooling
        self.built = True

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return the shape of ``call``'s output."""
        convolved: Shape = self.convolution.compute_output_shape(shape)
        pooled: Shape = self.pooling.compute_output_shape(convolved)
        return pooled

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Return what the pooling returned: ``(N, height, width, channels)``."""
        options = {
            "ksize": (1, *self.pooling.pool_size, 1),
            "strides": (1, *self.pooling.strides, 1),
            "padding": self.pooling.padding.upper(),
        }

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def activate_and_pool(convolved: tf.Tensor, bias: tf.Tensor) -> Any:
            activated = tf.nn.relu(tf.nn.bias_add(convolved, bias))
            pooled = tf.raw_ops.MaxPool(input=activated, **options)

            def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                upstream = tf.raw_ops.ReluGrad(gradients=upstream, features=pooled)
                of_convolved = tf.raw_ops.MaxPoolGrad(
                    orig_input=activated, orig_output=pooled, grad=upstream, **options
                )
                return of_convolved, tf.raw_ops.BiasAddGrad(out_backprop=upstream)

            return pooled, gradient

        convolution = self.convolution
        convolved = convolution.convolution_op(images, convolution.kernel)
        return activate_and_pool(convolved, tf.convert_to_tensor(convolution.bias))


class ConvolutionToOnePosition(layers.Layer):  # type: ignore[misc]
    """A convolution with one output position, as the product of two matrices that it is.

    oneDNN's convolutions take three to seven times as long for it, as they do where ResNet50 has come down to a map of
    one position. What the kernel has outside the map, behind the padding, multiplies nothing and is left out.
    """

    def __init__(self, convolution: layers.Conv2D) -> None:
        super().__init__(dtype=convolution.dtype_policy)
        self.convolution = convolution
        self.built = True

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return the shape of ``call``'s output."""
        convolved: Shape = self.convolution.compute_output_shape(shape)
        return convolved

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Return what the convolution returned: ``(N, 1, 1, filters)``."""
        convolution = self.convolution
        rows, columns = (
            _overlap(size, kernel_size, stride, convolution.padding)
            for size, kernel_size, stride in zip(
                images.shape[1:3], convolution.kernel_size, convolution.strides, strict=True
            )
        )
        kernel = tf.convert_to_tensor(convolution.kernel)
        if (rows[1], columns[1]) != tuple(slice(0, size) for size in convolution.kernel_size):
            kernel = kernel[rows[1], columns[1]]
        count = math.prod(kernel.shape[:-1])
        features = tf.matmul(
            tf.reshape(images[:, rows[0], columns[0]], (-1, count)), tf.reshape(kernel, (count, convolution.filters))
        )
        if convolution.use_bias:
            features = tf.nn.bias_add(features, convolution.bias)
        return convolution.activation(tf.reshape(features, (-1, 1, 1, convolution.filters)))


class Normalization(layers.Layer):  # type: ignore[misc]
    """Batch normalization, and ReLU and dropout where they follow, with one gradient for all.

    Keras normalizes operation by operation, and so is its gradient taken: three times as many passes over the values
    as the formula needs (Ioffe and Szegedy, 2015, section 3), which TensorFlow's fused operations do in one. Mean and
    variance are not theirs, which sum up less exactly. Dropout takes 8 random bits a value where Keras takes 32, so it
    draws other places. The rate is rarely a multiple of 1/256: each step drops one of the two next to it, drawn so that
    a value is dropped with the rate's own probability.
    """

    def __init__(
        self,
        normalization: layers.BatchNormalization,
        activation: layers.Activation | None,
        dropout: layers.Dropout | None,
    ) -> None:
        super().__init__(dtype=normalization.dtype_policy)
        self.normalization, self.activation, self.dropout = normalization, activation, dropout
        self.built = True

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return the shape of ``call``'s output."""
        return shape

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return what the last of the layers returned, in the shape of ``features``, and move the averages."""
        normalization = self.normalization
        if not training or not normalization.trainable:
            features = normalization(features, training=training)
            features = self.activation(features) if self.activation else features
            return self.dropout(features, training=training) if self.dropout else features
        outputs, mean, variance = self._normalize(features)
        for average, present in ((normalization.moving_mean, mean), (normalization.moving_variance, variance)):
            average.assign(average * normalization.momentum + present * (1 - normalization.momentum))
        return outputs

    def _normalize(self, features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return outputs, mean and variance; gradients flow from the outputs only."""
        shape = tf.shape(features)
        kept = _draw_kept(shape, self.dropout) if self.dropout else None
        kept_scale = 1 / (1 - self.dropout.rate) if self.dropout else 1.0  # so that the mean stays, as Keras has it
        options = {"epsilon": self.normalization.epsilon, "data_format": "NHWC"}

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def normalize(features: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> Any:
            mean = _mean(features)
            variance = _mean(tf.math.squared_difference(features, mean))
            # Outputs are scaled with both parameters: ReLU commutes with a factor above 0.
            scale, offset = gamma * kept_scale, beta * kept_scale
            outputs = tf.raw_ops.FusedBatchNormV3(
                x=features, scale=scale, offset=offset, mean=mean, variance=variance, is_training=False, **options
            )[0]
            if self.activation:
                outputs = tf.nn.relu(outputs)
            if kept is not None:
                outputs = tf.where(tf.reshape(kept, tf.shape(features)), outputs, 0.0)

            def gradient(upstream: tf.Tensor, *_: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
                if self.activation:  # what dropout dropped is 0 too
                    upstream = tf.raw_ops.ReluGrad(gradients=upstream, features=outputs)
                of_features, of_scale, of_offset, *_ = tf.raw_ops.FusedBatchNormGradV3(
                    y_backprop=upstream,
                    x=features,
                    scale=scale,
                    reserve_space_1=mean,
                    reserve_space_2=variance,
                    reserve_space_3=tf.zeros([0]),
                    is_training=True,
                    **options,
                )
                return of_features, of_scale * kept_scale, of_offset * kept_scale

            return (outputs, mean, variance), gradient

        maps = features if len(features.shape) == 4 else tf.reshape(features, (-1, 1, 1, features.shape[-1]))
        gamma, beta = map(tf.convert_to_tensor, (self.normalization.gamma, self.normalization.beta))
        outputs, mean, variance = normalize(maps, gamma, beta)
        return tf.ensure_shape(tf.reshape(outputs, shape), features.shape), mean, variance


def _mean(maps: tf.Tensor) -> tf.Tensor:
    """Return each channel's mean over ``(N, height, width, channels)``.

    Over an image first and then over images: a tenth of the rounding of one long sum, and less time.
    """
    return tf.reduce_mean(tf.reduce_mean(maps, [1, 2]), 0)


def _draw_kept(shape: tf.Tensor, dropout: layers.Dropout) -> tf.Tensor:
    """Return which values are kept: bool, one for each value of a tensor of this shape, in a row."""
    count = tf.reduce_prod(shape)
    seed = dropout.seed_generator.next()
    # A word of four levels for every four values begun, and one that chooses between two rates.
    words = tf.random.stateless_uniform([(count + 3) // 4 + 1], seed, minval=None, maxval=None, dtype=tf.uint32)
    dropped, remainder = divmod(dropout.rate * RANDOM_LEVELS, 1)
    one_more = words[-1] < tf.constant(int(remainder * 2**32), tf.uint32)
    levels = tf.reshape(tf.bitcast(words[:-1], tf.uint8), [-1])[:count]
    return levels >= tf.cast(dropped, tf.uint8) + tf.cast(one_more, tf.uint8)


def _draws_for_each_value(layer: Any) -> bool:
    """Tell whether a layer is dropout of single values at a rate between the least and the greatest level."""
    return (
        type(layer) is layers.Dropout
        and layer.noise_shape is None
        and 1 <= layer.rate * RANDOM_LEVELS < RANDOM_LEVELS - 1
        and not layer.activity_regularizer
        and layer.compute_dtype == "float32"
    )


def _is_relu(layer: Any) -> bool:
    return (
        type(layer) is layers.Activation
        and layer.activation is keras.activations.relu
        and not layer.activity_regularizer
    )


def _overlap(size: int, kernel_size: int, stride: int, padding: str) -> tuple[slice, slice]:
    """Return which of a map's rows and which of a kernel's meet at the first output position."""
    # https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
    before = max(kernel_size - (size % stride or stride), 0) // 2 if padding == "same" else 0
    length = min(kernel_size, size)
    return slice(0, length), slice(before, before + length)
