"""The weights that backbones start from: ImageNet weights from a file or a download, or seeded random weights."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from cifar_models.datasets.normalization import FITS
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.models.builders import build_backbone
from cifar_models.storage.fingerprint import fingerprint_arrays
from cifar_models.storage.keras_cache import DownloadError, download, keras_home

LayerWeights = dict[str, list[npt.NDArray[np.float32]]]


class WeightsError(ValueError):
    """Pretrained weights cannot be used; the message says what was found, what was expected and what to do."""


@dataclass(frozen=True)
class WeightsFile:
    """Keras's file of a backbone's ImageNet weights without the top layers.

    ``md5`` is that of the published file and is checked only after a download. ``fingerprint`` is that of the values,
    which may come in any file.
    """

    name: str
    folder_url: str
    md5: str
    fingerprint: str


# Names, addresses and md5s are those in keras.applications.vgg16 and keras.applications.resnet.
WEIGHTS_FILES = {
    "vgg16": WeightsFile(
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "https://storage.googleapis.com/tensorflow/keras-applications/vgg16",
        "6d6bbae143d832006294945121d1f1fc",
        "sha256:99b32de5670d4dc26dfb8560020372e61b0970293beb1d396cccd5840a15f19e",
    ),
    "resnet50": WeightsFile(
        "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "https://storage.googleapis.com/tensorflow/keras-applications/resnet",
        "4d473c1dd8becc155b73f8504c6f6626",
        "sha256:555c3c47742ed776907583dadd9d0f358b00041cdc5412f285bcde1f0c2b90fb",
    ),
}


@dataclass(frozen=True, eq=False)
class BackboneWeights:
    """The weights of a backbone, and where they come from.

    Attributes:
        backbone: ``vgg16`` or ``resnet50``.
        description: the origin, for tables and records.
        fingerprint: ``sha256:`` over the values, so that it does not depend on the file; for random weights, over the
            values before calibration.
        layers: by layer name, the arrays of each layer that has weights, in Keras's order.
    """

    backbone: str
    description: str
    fingerprint: str
    layers: LayerWeights

    def assign(self, model: keras.Model) -> None:
        """Copy the weights into the layers of ``model`` with the same names."""
        for name, arrays in self.layers.items():
            model.get_layer(name).set_weights(arrays)


def imagenet_weights(backbone: str, weights_dir: Path | None = None) -> BackboneWeights:
    """Read a backbone's ImageNet weights from a folder, or from Keras's cache, or download them.

    A file with other values is accepted, and its description says that they are not ImageNet's.

    Args:
        backbone: ``vgg16`` or ``resnet50``.
        weights_dir: a folder with the file under Keras's name for it; None for Keras's cache or download.

    Raises:
        WeightsError: no file is available, or it is cut short or for another model.
    """
    file = WEIGHTS_FILES[backbone]
    path = weights_dir / file.name if weights_dir else _keras_file(backbone, file)
    if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises an error if it may not look
        raise WeightsError(
            f"{path}: found no such file, expected Keras's ImageNet weights of {backbone}; put {file.name} into "
            f"that folder, name another with --weights-dir, or leave --weights-dir out to use Keras's download"
        )
    layers = _read_layers(backbone, path)
    fingerprint = fingerprint_arrays(*(array for arrays in layers.values() for array in arrays))
    kind = "ImageNet" if fingerprint == file.fingerprint else "not ImageNet's"
    return BackboneWeights(backbone, f"{kind} ({file.name})", fingerprint, layers)


def _keras_file(backbone: str, file: WeightsFile) -> Path:
    """Return the file in Keras's cache, after downloading it if necessary."""
    cache = keras_home() / "models"
    if (cache / file.name).is_file():
        return cache / file.name
    try:
        return download(f"{file.folder_url}/{file.name}", file_hash=file.md5, cache=cache)
    except DownloadError as error:
        raise WeightsError(
            f"{backbone}: found no {file.name} in {cache} and could not download it ({error}); expected "
            f"Keras's ImageNet weights: put the file into a folder and name it with --weights-dir, give this machine "
            f"access to {file.folder_url}, or use --dataset synthetic, which needs no pretrained weights"
        ) from error


def _read_layers(backbone: str, path: Path) -> LayerWeights:
    model = build_backbone(backbone)
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError, AttributeError, TypeError, IndexError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(
            f"{path}: found a file that does not hold the weights of {backbone} ({reason}), expected "
            f"{WEIGHTS_FILES[backbone].name} as Keras publishes it; download it again"
        ) from error
    layers = _layer_weights(model)
    for name, arrays in layers.items():
        if not all(np.isfinite(array).all() for array in arrays):
            raise WeightsError(
                f"{path}: found a value that is not finite in layer {name}, expected finite ones; download it again"
            )
    return layers


def _layer_weights(model: keras.Model) -> LayerWeights:
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


RANDOM_SEED = 0
CALIBRATION_SEED = 1
CALIBRATION_IMAGES = 250
# With zero-mean activations a deep random network is chaotic: it separates any two images and generalises nothing.
# Mostly active units (VGG16) and weak residual branches (ResNet50) keep the network nearly linear, so that its last
# features depend on what the first layers see. VGG16's last units are rarely active, so that its features vary between
# images. The values were chosen by the accuracy of a dense softmax on synthetic images.
VGG16_BIAS = 1.0
VGG16_LAST_BIAS = -1.5
RESNET50_BRANCH_SCALE = 0.2


def random_weights(backbone: str, normalization: str = "unit_scale") -> BackboneWeights:
    """Draw random weights whose features are informative, for use without pretrained weights.

    Kernels are He-uniform (He et al. 2015, eq. 10). Each layer is then calibrated on a fixed batch of synthetic images
    so that every channel has mean 0 and variance 1 before its activation, as in layer-sequential unit variance (Mishkin
    and Matas 2016): in VGG16 by kernels and biases, in ResNet50 by the moving averages of batch normalization.

    Args:
        backbone: ``vgg16`` or ``resnet50``.
        normalization: normalization of the images that the backbone will see, a name in ``normalization.FITS``.
    """
    model = build_backbone(backbone)
    drawn = _draw_he_uniform(model)
    pixels = load_synthetic(seed=CALIBRATION_SEED, train_count=CALIBRATION_IMAGES, evaluation_count=10).train_images
    images = FITS[normalization](pixels)(pixels)
    if backbone == "vgg16":
        _calibrate_convolutions(model, images)
    else:
        _calibrate_batch_normalization(model, images)
    return BackboneWeights(
        backbone=backbone,
        description=f"seeded random (seed {RANDOM_SEED}), not pretrained",
        # Before calibration, because the last digits of convolutions differ between machines.
        fingerprint=fingerprint_arrays(*drawn),
        layers=_layer_weights(model),
    )


def _draw_he_uniform(model: keras.Model) -> list[npt.NDArray[np.float32]]:
    generator = np.random.default_rng(RANDOM_SEED)
    drawn = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            shape = layer.kernel.shape
            limit = np.float32(np.sqrt(6 / np.prod(shape[:-1])))
            kernel = (generator.random(shape, np.float32) * 2 - 1) * limit
            layer.kernel.assign(kernel)
            drawn.append(kernel)
    return drawn


def _calibrate_convolutions(model: keras.Model, images: npt.NDArray[np.float32]) -> None:
    """Scale and shift each convolution so that its channels have variance 1 and the bias as their mean."""
    features = keras.ops.convert_to_tensor(images)
    last = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    for layer in model.layers[1:]:
        if isinstance(layer, keras.layers.Conv2D):
            linear = keras.ops.conv(features, layer.kernel, padding="same")
            mean, variance = keras.ops.moments(linear, axes=(0, 1, 2))
            deviation = keras.ops.sqrt(variance + 1e-6)
            layer.kernel.assign(layer.kernel / deviation)
            layer.bias.assign((VGG16_LAST_BIAS if layer is last else VGG16_BIAS) - mean / deviation)
        features = layer(features)


def _calibrate_batch_normalization(model: keras.Model, images: npt.NDArray[np.float32]) -> None:
    """Set all moving averages to one batch's statistics, with one pass in training mode and no momentum."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
            if layer.name.endswith("_3_bn"):  # the last layer of a residual branch
                layer.gamma.assign(keras.ops.full(layer.gamma.shape, RESNET50_BRANCH_SCALE))
    model(images, training=True)
