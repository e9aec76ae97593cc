"""The output of a frozen part, computed once and shared by all trainings that start with the same one.

Kept in this process only: a cache on disk would outlive a change of the backbone and hide the regression that the
suite is there to find.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cifar_models.datasets.dataset import Dataset, Images
from cifar_models.datasets.normalization import Normalize
from cifar_models.storage.fingerprint import fingerprint_arrays, fingerprint_json

Arrays = list[npt.NDArray[np.float32]]

BATCH_SIZE = 128
_NAME_KEYS = ("name", "keras_history", "input_layers", "output_layers")  # where a model's config names its layers
MEMORY_LIMIT = 2 * 1024**3
"""Bytes of one split's features above which they are kept in a memory-mapped temporary file."""


@dataclass(frozen=True)
class Features:
    """What a frozen part makes of a data set: for each tensor that it gives, ``(N, ...)`` float32."""

    train: Arrays
    evaluation: Arrays


class FeatureCache:
    """Features by frozen part, normalization and data set.

    Holds the features of one frozen part at a time: experiments run one after another, and those of another backbone
    would only take memory. Not safe to share between threads.
    """

    def __init__(self) -> None:
        self._key: tuple[str | None, ...] | None = None
        self._features: Features | None = None

    def get(self, prefix: keras.Model, *, normalization: str, normalize: Normalize, dataset: Dataset) -> Features:
        """Return the prefix's output for all images of the data set, computed now if it is not here yet.

        Args:
            prefix: a frozen part, from images to one or more tensors.
            normalization: its name, part of what tells two entries apart.
            normalize: the fitted normalization.
            dataset: whose training and evaluation images are wanted, in their order.
        """
        key = (fingerprint_model(prefix), normalization, dataset.fingerprint)
        if self._features is None or key[0] is None or key != self._key:
            self.clear()
            compute = compile_prefix(prefix)
            self._features = Features(
                train=_compute(prefix, compute, dataset.train_images, normalize),
                evaluation=_compute(prefix, compute, dataset.evaluation_images, normalize),
            )
            self._key = key
        return self._features

    def clear(self) -> None:
        """Forget the features."""
        self._key = self._features = None


SESSION_FEATURES = FeatureCache()
"""The cache that ``train`` uses unless told otherwise."""


def fingerprint_model(model: keras.Model) -> str | None:
    """Return a fingerprint of a model's graph and weights; None where ``fingerprint_structure`` gives none."""
    structure = fingerprint_structure(model)
    return structure and structure + fingerprint_arrays(*model.get_weights())


def fingerprint_structure(model: keras.Model) -> str | None:
    """Return a fingerprint of a model's graph and of its layers' settings, without the names of the layers.

    Keras numbers unnamed layers through the process, so two builds of one model differ in names alone. None is returned
    for a model with a layer that Keras cannot serialize.
    """
    names = {layer.name: f"#{position}" for position, layer in enumerate(model.layers)} | {model.name: "#"}

    def without_names(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {inner: without_names(element, inner) for inner, element in value.items()}
        if isinstance(value, list | tuple):
            return [without_names(element, key) for element in value]
        return names.get(value, value) if isinstance(value, str) and key in _NAME_KEYS else value

    try:
        return fingerprint_json(without_names(keras.saving.serialize_keras_object(model)))
    except (NotImplementedError, TypeError, ValueError):
        return None


def compile_prefix(prefix: keras.Model) -> Callable[[Any], list[tf.Tensor]]:
    """Return a function from a batch of normalized images of any size to the frozen part's outputs.

    Keras's ``predict_on_batch`` would trace the model again for the last batch, which is smaller, and use XLA on a
    GPU, although the protocol says whether XLA is used.
    """
    signature = [tf.TensorSpec((None, *prefix.input.shape[1:]), tf.float32)]
    compiled: Callable[[Any], list[tf.Tensor]] = tf.function(
        lambda images: keras.tree.flatten(prefix(images, training=False)), input_signature=signature, autograph=False
    )
    return compiled


def _compute(
    prefix: keras.Model, compute: Callable[[Any], list[tf.Tensor]], images: Images, normalize: Normalize
) -> Arrays:
    """Run the prefix over uint8 images batch by batch; float32 out, on disk above ``MEMORY_LIMIT``."""
    shapes = [(len(images), *output.shape[1:]) for output in prefix.outputs]
    on_disk = sum(math.prod(shape) for shape in shapes) * 4 > MEMORY_LIMIT
    features = [_map_file(shape) if on_disk else np.empty(shape, np.float32) for shape in shapes]
    for start in range(0, len(images), BATCH_SIZE):
        rows = slice(start, start + BATCH_SIZE)
        for array, output in zip(features, compute(normalize(images[rows])), strict=True):
            array[rows] = output
    return features


def _map_file(shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Return an array in a temporary file without a name, which is gone with the array."""
    with tempfile.TemporaryFile(prefix="cifar-models-features-") as file:
        return np.memmap(file, np.float32, "w+", shape=shape)
