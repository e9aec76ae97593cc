"""One training on several devices: each takes its share of every batch, and all step together.

The gradient is the whole batch's, as on one device, and so are the statistics of batch normalization. What a dropout
drops is drawn for each share, so that a model with dropout gives the numbers of another seed.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf


def mirror(devices: Sequence[str]) -> tf.distribute.Strategy | None:
    """Return the strategy for a training that these devices share; None without any, for TensorFlow's own choice.

    Args:
        devices: TensorFlow's names of them, such as ``GPU:0``.
    """
    return tf.distribute.MirroredStrategy(list(devices)) if devices else None


def require_equal_shares(devices: Sequence[str], *, batch_size: int, images: int) -> None:
    """Refuse devices that would not get the same number of images of each batch.

    Keras averages over each share and then over the shares: in a smaller share, an image would count for more.

    Args:
        devices: that are to share the training; none are never refused.
        batch_size: images a step.
        images: that are trained on; an epoch's last batch may be smaller.

    Raises:
        ValueError: which number of images cannot be shared.
    """
    for size in (batch_size, images % batch_size):
        if devices and size % len(devices):
            raise ValueError(
                f"devices: found {len(devices)} for batches of {batch_size} and a last one of "
                f"{images % batch_size or batch_size}, expected a number that divides both, so that each image counts "
                f"the same"
            )


def synchronize_batch_normalization(model: keras.Model) -> None:
    """Have batch normalization take its statistics over the whole batch, not over each device's share."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
