"""Forms batches; images stay uint8 until their batch is formed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cifar_models.datasets.dataset import CLASS_COUNT, Labels
from cifar_models.datasets.normalization import Normalize


def form_batches(
    inputs: list[npt.NDArray[Any]],
    labels: Labels,
    batch_size: int,
    prepare: Normalize | None,
    order: np.random.Generator | None = None,
) -> tf.data.Dataset:
    """Return batches of inputs ``(batch, ...)`` and one-hot labels ``(batch, 10)``, float32, for ``keras.Model.fit``.

    Args:
        inputs: an array of N rows for each input of the model.
        labels: N class numbers.
        batch_size: rows in a batch; the last batch may be smaller.
        prepare: normalizes the rows of each array; None to use the rows unchanged.
        order: draws a new order of the rows for each pass; None to keep the order.
    """
    one_hot = np.eye(CLASS_COUNT, dtype=np.float32)
    rows = np.arange(len(labels))

    def gather(number: int) -> list[npt.NDArray[np.float32]]:
        nonlocal rows
        if order is not None and number == 0:  # the start of a pass
            rows = order.permutation(len(labels))
        batch = rows[number * batch_size : (number + 1) * batch_size]
        arrays = [array[batch] for array in inputs]
        return [*([prepare(array) for array in arrays] if prepare else arrays), one_hot[labels[batch]]]

    def form(number: tf.Tensor) -> tuple[Any, tf.Tensor]:
        *arrays, targets = tf.numpy_function(gather, [number], [tf.float32] * (len(inputs) + 1))
        arrays = [
            tf.ensure_shape(tensor, (None, *array.shape[1:])) for tensor, array in zip(arrays, inputs, strict=True)
        ]
        # tf.data would stack a list of several tensors into one.
        return arrays[0] if len(arrays) == 1 else tuple(arrays), tf.ensure_shape(targets, (None, CLASS_COUNT))

    options = tf.data.Options()
    # The end of an epoch would wait for the autotuning thread, which sleeps for seconds.
    options.autotune.enabled = False
    # Dataset.from_generator would take 50 ms longer to start a pass and four times as long to form a batch.
    numbers = tf.data.Dataset.range(math.ceil(len(labels) / batch_size))
    return numbers.map(form).prefetch(2).with_options(options)
