"""Computes the output of a frozen part once, for all trainings with the same frozen part.

The output is kept in this process only. A cache on disk could outlive a change of the backbone, and hide a regression.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cifar_models.datasets.dataset import Dataset, Images
from cifar_models.datasets.normalization import Normalize
from cifar_models.models.freezing import nodes_in_order
from cifar_models.storage.fingerprint import fingerprint_arrays, fingerprint_json
from cifar_models.training.progress import FeatureProgress, Report

Arrays = list[npt.NDArray[np.float32]]

BATCH_SIZE = 128
LAYER_LIMIT = 300 * 1024**2
"""Largest output of a layer for one batch, in bytes. Larger images form smaller batches, so that a few GB of memory are
enough for any input size."""
_NAME_KEYS = ("name", "keras_history", "input_layers", "output_layers")  # keys of a model's config with layer names
MEMORY_LIMIT = 2 * 1024**3
"""Largest size of one split's features in memory, in bytes. Larger ones go into a memory-mapped temporary file. The
features of several frozen parts are kept together up to this size."""


@dataclass(frozen=True)
class Features:
    """The outputs of a frozen part for both splits of a data set; each output is ``(N, ...)`` float32."""

    train: Arrays
    evaluation: Arrays

    @property
    def size(self) -> int:
        """The size of all arrays, in bytes."""
        return sum(array.nbytes for array in (*self.train, *self.evaluation))


class FeatureCache:
    """Keeps features by frozen part, normalization and data set; the oldest make room for others.

    A night that is undecided returns to experiments whose features are small and took minutes. It is not thread-safe.

    Attributes:
        seconds: wall-clock seconds for which the last call of ``get`` computed features; 0 if they were kept.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._kept: dict[tuple[str | None, Normalize, str], Features] = {}

    def get(
        self,
        prefix: keras.Model,
        *,
        normalize: Normalize,
        dataset: Dataset,
        progress: Report | None = None,
    ) -> Features:
        """Return the outputs of a frozen part for all images of a data set, and compute them if they are not kept.

        Args:
            prefix: the frozen part, from images to one or more tensors.
            normalize: the fitted normalization; it is hashable, and equal to one that computes the same.
            dataset: the data set; the order of its images is kept.
            progress: called after each batch.

        Raises:
            MemoryError: the folder of temporary files has too little room for large features.
        """
        self.seconds = 0.0
        key = (fingerprint_model(prefix), normalize, dataset.fingerprint)
        if key in self._kept:
            self._kept[key] = self._kept.pop(key)  # now the newest
            return self._kept[key]
        splits = (dataset.train_images, dataset.evaluation_images)
        self._make_room(sum(math.prod(shape) * 4 for images in splits for shape in _shapes(prefix, images)))
        started, done = time.perf_counter(), _Done(sum(map(len, splits)), progress)
        compute = compile_prefix(prefix)
        features = Features(*(_compute(prefix, compute, images, normalize, done) for images in splits))
        self.seconds = time.perf_counter() - started
        if key[0] is not None:
            self._kept[key] = features
        return features

    def _make_room(self, size: int) -> None:
        while self._kept and size + sum(features.size for features in self._kept.values()) > MEMORY_LIMIT:
            del self._kept[next(iter(self._kept))]

    def clear(self) -> None:
        """Remove all features."""
        self._kept.clear()


SESSION_FEATURES = FeatureCache()
"""The default cache of ``train``."""


def fingerprint_model(model: keras.Model) -> str | None:
    """Return a fingerprint of a model's graph and weights; None if ``fingerprint_structure`` returns None."""
    structure = fingerprint_structure(model)
    return structure and structure + fingerprint_arrays(*model.get_weights())


def fingerprint_structure(model: keras.Model) -> str | None:
    """Return a fingerprint of a model's graph and of the settings of its layers.

    Names of layers do not count, because Keras numbers unnamed layers and so two builds of the same model have
    different names. None if Keras cannot serialize a layer.
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
    """Return a compiled function from normalized images ``(batch, ...)`` float32 to the frozen part's outputs.

    Keras's ``predict_on_batch`` is not used, because it traces the model again for a smaller last batch, and uses XLA
    on a GPU even if the protocol does not.
    """
    signature = [tf.TensorSpec((None, *prefix.input.shape[1:]), tf.float32)]
    compiled: Callable[[Any], list[tf.Tensor]] = tf.function(
        lambda images: keras.tree.flatten(prefix(images, training=False)), input_signature=signature, autograph=False
    )
    return compiled


class _Done:
    """Counts the finished images and reports the progress."""

    def __init__(self, all_images: int, progress: Report | None) -> None:
        self._images, self._all, self._progress = 0, all_images, progress
        self._started = time.perf_counter()

    def add(self, images: int) -> None:
        self._images += images
        if self._progress:
            left = (time.perf_counter() - self._started) * (self._all / self._images - 1)
            self._progress(FeatureProgress(self._images, self._all, left))


def batch_size_for(prefix: keras.Model) -> int:
    """Return the number of images in a batch: ``BATCH_SIZE``, or fewer if a layer's output is large."""
    outputs = (output for node in nodes_in_order(prefix) for output in node.outputs)
    largest: int = max(4 * math.prod(output.shape[1:]) for output in outputs)
    return max(1, min(BATCH_SIZE, LAYER_LIMIT // largest))


def _compute(
    prefix: keras.Model, compute: Callable[[Any], list[tf.Tensor]], images: Images, normalize: Normalize, done: _Done
) -> Arrays:
    """Return the float32 outputs of the prefix for uint8 images, on disk above ``MEMORY_LIMIT``."""
    shapes = _shapes(prefix, images)
    on_disk = sum(math.prod(shape) for shape in shapes) * 4 > MEMORY_LIMIT
    features = [_map_file(shape) if on_disk else np.empty(shape, np.float32) for shape in shapes]
    size = batch_size_for(prefix)
    for start in range(0, len(images), size):
        rows = slice(start, start + size)
        for array, output in zip(features, compute(normalize(images[rows])), strict=True):
            array[rows] = output
        done.add(len(images[rows]))
    return features


def _shapes(prefix: keras.Model, images: Images) -> list[tuple[int, ...]]:
    return [(len(images), *output.shape[1:]) for output in prefix.outputs]


def _map_file(shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Return an array in a temporary file without a name, which is deleted with the array.

    The space is reserved first, because otherwise a disk that fills up later kills the process without a message.
    """
    size = 4 * math.prod(shape)
    try:
        with tempfile.TemporaryFile(prefix="cifar-models-features-") as file:
            if hasattr(os, "posix_fallocate"):  # not on macOS and Windows
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, np.float32, "r+", shape=shape)
    except OSError as error:  # also without any folder for temporary files
        raise MemoryError(
            f"found less than {size / 1e9:.1f} GB free for temporary files ({error}), expected room for a frozen "
            f"part's features; set TMPDIR to a folder on a larger disk, or choose a smaller input size"
        ) from None
