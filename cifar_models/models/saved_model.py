"""Saves and loads a trained classifier as one ``.keras`` file, from pixels to class names.

The saved model contains the normalization as Keras layers, so it takes pixels from 0 to 255. The class names are in the
same archive, in ``class_names.json``, which Keras ignores.
"""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from cifar_models.datasets.dataset import CLASS_COUNT, IMAGE_SHAPE
from cifar_models.datasets.normalization import (
    IMAGENET_MEAN_BGR,
    Normalize,
    Standardization,
    imagenet_caffe,
    unit_scale,
)
from cifar_models.storage.files import link_target
from cifar_models.storage.strict_json import read_as

CLASS_NAMES = "class_names.json"
"""The member of the archive with the ten names, by label, as a JSON list."""

SUM_TOLERANCE = 0.01
"""How far the sum of ten probabilities may be from 1, because of half precision."""

SAFE_KERAS = (3, 13, 2)
"""In older versions a model file can bypass Keras's safe mode: CVE-2026-1462 and earlier ones."""


class ModelFileError(ValueError):
    """A file is not a classifier of this package; the message says what was found and what was expected."""


@dataclass(frozen=True, eq=False)
class Classifier:
    """A model from ``(N, 32, 32, 3)`` RGB pixels, 0 to 255, to ``(N, 10)`` probabilities, and the ten class names."""

    model: keras.Model
    class_names: tuple[str, ...]

    def predict(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the ``(N, 10)`` float32 probabilities of ``(N, 32, 32, 3)`` uint8 RGB images.

        Raises:
            ModelFileError: the model's outputs are not probabilities, for example logits or NaN.
        """
        outputs: npt.NDArray[np.float32] = self.model.predict_on_batch(images)
        sums = outputs.sum(axis=1, dtype=np.float64)
        # Written so that NaN fails.
        if not ((outputs >= 0).all() and (outputs <= 1).all() and (abs(sums - 1) <= SUM_TOLERANCE).all()):
            raise ModelFileError(
                f"the model {self.model.name}: found outputs from {outputs.min():g} to {outputs.max():g} with the sum "
                f"{sums[0]:g}, expected {CLASS_COUNT} probabilities from 0 to 1 with the sum 1: its last layer needs a "
                f"softmax, or its training failed"
            )
        return outputs


def on_pixels(model: keras.Model, normalize: Normalize) -> keras.Model:
    """Return a model that normalizes pixels from 0 to 255 and calls ``model``, whose variables it shares.

    Raises:
        ValueError: the normalization does not come from ``normalization.FITS``.
    """
    # In float32 as in the training, whatever precision the process has set for new layers.
    pixels = keras.Input(IMAGE_SHAPE, dtype="float32", name="pixels")
    if normalize is unit_scale:
        normalized = layers.Rescaling(1 / 255, dtype="float32")(pixels)
    elif normalize is imagenet_caffe:
        bgr = keras.ops.flip(pixels, axis=-1)
        normalized = layers.Normalization(mean=IMAGENET_MEAN_BGR, variance=(1.0, 1.0, 1.0), dtype="float32")(bgr)
    elif isinstance(normalize, Standardization):
        variance = [deviation**2 for deviation in normalize.standard_deviation]
        normalized = layers.Normalization(mean=normalize.mean, variance=variance, dtype="float32")(pixels)
    else:
        raise ValueError(f"normalization: found {normalize!r}, expected one that a saved model can apply by itself")
    # A model that is not compiled, so that the file does not contain the optimizer's state.
    inference = keras.Model(model.input, model.output, name=model.name)
    return keras.Model(pixels, inference(normalized), name=f"{model.name}_on_pixels")


def save_classifier(path: Path, classifier: Classifier) -> None:
    """Write a classifier to a ``.keras`` file, completely or not at all, following symbolic links.

    Raises:
        OSError: the folder cannot be written; ``path`` is unchanged.
    """
    path = link_target(path)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        written = Path(folder, "model.keras")
        classifier.model.save(written)
        with zipfile.ZipFile(written, "a") as archive:
            archive.writestr(CLASS_NAMES, json.dumps(list(classifier.class_names)))
        written.replace(path)


def load_classifier(path: Path) -> Classifier:
    """Load what ``save_classifier`` wrote in Keras's safe mode, which runs no code from the file.

    Raises:
        ModelFileError: the file is missing, damaged, contains code or is not a classifier, or Keras is so old that its
            safe mode is not safe.
    """
    if _version(keras.__version__) < SAFE_KERAS:
        raise ModelFileError(
            f"{path}: found Keras {keras.__version__}, expected {'.'.join(map(str, SAFE_KERAS))} or newer: with older "
            f"ones, loading a model can run code that its file carries"
        )
    expected = "expected a .keras file that `python -m cifar_models train NAME --save-model` wrote"
    try:
        with zipfile.ZipFile(path) as archive:
            class_names = read_as(list[str], json.loads(archive.read(CLASS_NAMES)), CLASS_NAMES)
    except Exception as error:  # noqa: BLE001 - a damaged file can raise any error
        missing = isinstance(error, FileNotFoundError | IsADirectoryError)
        found = "no such file" if missing else f"no class names in it ({_in_a_line(error)})"
        raise ModelFileError(f"{path}: found {found}, {expected}") from None
    if len(class_names) != CLASS_COUNT:
        raise ModelFileError(f"{path}: found {len(class_names)} class names in it, {expected}")
    if path.suffix != ".keras":  # Keras chooses the format by the name
        raise ModelFileError(f"{path}: found a name that does not end in .keras, {expected}")
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # noqa: BLE001 - a damaged file can raise any error
        raise ModelFileError(f"{path}: Keras cannot load it ({_in_a_line(error)}), {expected}") from None
    shapes = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    if shapes != ((None, *IMAGE_SHAPE), (None, CLASS_COUNT)):
        raise ModelFileError(
            f"{path}: found a model from {shapes[0]} to {shapes[1]}, expected one from (None, 32, 32, 3) to (None, 10)"
        )
    return Classifier(model, tuple(class_names))


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)[:3]))


def _in_a_line(error: Exception) -> str:
    first, *_ = str(error).strip().splitlines() or [type(error).__name__]
    return first
