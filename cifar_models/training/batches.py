"""Forms batches. Images stay uint8 until their batch is formed, which saves memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cifar_models.datasets.dataset import CLASS_COUNT, Labels
from cifar_models.datasets.held_out import Rows
from cifar_models.datasets.normalization import Normalize


def form_batches(
    inputs: list[npt.NDArray[Any]],
    labels: Labels,
    batch_size: int,
    prepare: Normalize | None,
    order: np.random.Generator | None = None,
    rows: Rows | None = None,
) -> tf.data.Dataset:
    """Return batches for ``keras.Model.fit``: inputs ``(batch, ...)`` and one-hot labels ``(batch, 10)``, float32.

    Args:
        inputs: one array of N rows for each input of the model; uint8 with ``prepare``, otherwise float32.
        labels: class numbers, ``(N,)``.
        batch_size: number of rows in a batch; the last batch may be smaller.
        prepare: normalizes the rows of each array; None to use the rows unchanged.
        order: draws a new order of the rows for each pass; None to keep the order.
        rows: indices of the rows to use; None for all.
    """
    one_hot = np.eye(CLASS_COUNT, dtype=np.float32)
    chosen = np.arange(len(labels)) if rows is None else rows
    ordered = chosen

    def gather(number: int) -> list[npt.NDArray[np.float32]]:
        nonlocal ordered
        if order is not None and number == 0:  # the start of a pass
            ordered = chosen[order.permutation(len(chosen))]
        batch = ordered[number * batch_size : (number + 1) * batch_size]
        arrays = [array[batch] for array in inputs]
        return [*([prepare(array) for array in arrays] if prepare else arrays), one_hot[labels[batch]]]

    def form(number: tf.Tensor) -> tuple[Any, tf.Tensor]:
        *arrays, targets = tf.numpy_function(gather, [number], [tf.float32] * (len(inputs) + 1))
        arrays = [
            tf.ensure_shape(tensor, (None, *array.shape[1:])) for tensor, array in zip(arrays, inputs, strict=True)
        ]
        # A tuple, because tf.data stacks a list of tensors into one tensor.
        return arrays[0] if len(arrays) == 1 else tuple(arrays), tf.ensure_shape(targets, (None, CLASS_COUNT))

    options = tf.data.Options()
    # With autotuning, the end of an epoch waits for a thread that sleeps for seconds.
    options.autotune.enabled = False
    # Dataset.from_generator takes 50 ms longer to start a pass, and four times as long to form a batch.
    numbers = tf.data.Dataset.range(math.ceil(len(chosen) / batch_size))
    return numbers.map(form).prefetch(2).with_options(options)
