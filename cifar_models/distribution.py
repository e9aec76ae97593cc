"""One training on several devices: each takes its share of every batch, and all step together.

The gradient is the whole batch's, as on one device, and so are the statistics of batch normalization: the metrics are
those of one device within float tolerance. Not with dropout: Keras has each device drop the same places of its share,
where one device draws them for each image, and that gives other numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from cifar_models.datasets.dataset import Dataset


def mirror(devices: Sequence[str]) -> tf.distribute.Strategy | None:
    """Return the strategy for a training that these devices share; None without any, for TensorFlow's own choice.

    Args:
        devices: TensorFlow's names of them, such as ``GPU:0``.
    """
    return tf.distribute.MirroredStrategy(list(devices)) if devices else None


def require_equal_shares(devices: Sequence[str], batch_size: int, dataset: Dataset) -> None:
    """Refuse devices that would not get the same number of images of each batch.

    Keras averages over each share and then over the shares, so that an image of a smaller share would count for more.
    An empty share ends some of TensorFlow's operations in an error.

    Args:
        devices: that are to share a training; none are never refused.
        batch_size: images a step; the last batch of either split may be smaller.
        dataset: that is trained and evaluated on.

    Raises:
        ValueError: how many devices, and which sizes of batches they are to divide.
    """
    images = len(dataset.train_labels), len(dataset.evaluation_labels)
    sizes = [batch_size, *(size for count in images if (size := count % batch_size))]
    if devices and any(size % len(devices) for size in sizes):
        raise ValueError(
            f"devices: found {len(devices)} for batches of {', '.join(map(str, sizes))} images, expected a number that "
            f"divides them all"
        )


def synchronize_batch_normalization(model: keras.Model) -> None:
    """Have batch normalization take its statistics over the whole batch, not over each device's share."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
