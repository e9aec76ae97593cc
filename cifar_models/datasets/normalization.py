"""Normalizations: from uint8 pixels to the float32 values that a model trains on, never in place.

A normalization is fitted once, on the training images only, and applied to each batch, so that images stay uint8 in
memory. Inputs must be uint8, so that nothing is normalized twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cifar_models.datasets.dataset import DatasetError

Normalized = npt.NDArray[np.float32]
Normalize = Callable[[npt.NDArray[np.uint8]], Normalized]

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)
"""Mean blue, green and red of ImageNet's pixels, 0 to 255, as in Keras; from Simonyan and Zisserman (2014)."""


def unit_scale(images: npt.NDArray[np.uint8]) -> Normalized:
    """Divide by 255, as the published report did for every model.

    Takes ``(N, height, width, 3)`` uint8; returns the same shape, float32, 0 to 1.

    Raises:
        ValueError: another dtype or shape.
    """
    _require_images(images)
    return np.divide(images, np.float32(255), dtype=np.float32)


def imagenet_caffe(images: npt.NDArray[np.uint8]) -> Normalized:
    """Convert RGB to BGR and subtract ImageNet's means, as in the original training of VGG16 and ResNet50.

    Takes ``(N, height, width, 3)`` uint8, RGB; returns the same shape, float32, BGR, about -124 to 152. Equals
    ``keras.applications.vgg16.preprocess_input`` and the one of ResNet50 to the last bit.

    Raises:
        ValueError: another dtype or shape.
    """
    _require_images(images)
    return np.subtract(images[..., ::-1], np.array(IMAGENET_MEAN_BGR, np.float32), dtype=np.float32)


@dataclass(frozen=True)
class Standardization:
    """Subtract each channel's mean over the training images and divide by its standard deviation.

    Attributes:
        mean: one value a channel, 0 to 255.
        standard_deviation: one value a channel (``ddof=0``), above 0.
    """

    mean: tuple[float, float, float]
    standard_deviation: tuple[float, float, float]

    def __call__(self, images: npt.NDArray[np.uint8]) -> Normalized:
        """Return ``(N, height, width, 3)`` uint8 images as float32; raise ValueError for another dtype or shape."""
        _require_images(images)
        centred = np.subtract(images, np.array(self.mean, np.float32), dtype=np.float32)
        return np.divide(centred, np.array(self.standard_deviation, np.float32), dtype=np.float32)


def standardize(train_images: npt.NDArray[np.uint8]) -> Standardization:
    """Fit a standardization on training images, ``(N, height, width, 3)`` uint8.

    Raises:
        ValueError: another dtype or shape.
        DatasetError: no image, or a channel with a single value.
    """
    _require_images(train_images)
    if not train_images.size:
        raise DatasetError("standardize: found no training image, expected at least one")
    levels = np.arange(256, dtype=np.float64)
    means, deviations = [], []
    for channel in range(3):
        # Both moments follow exactly from the histogram. bincount copies what it counts as int64, so it gets blocks.
        blocks = np.array_split(train_images, -(-len(train_images) // 1000))
        counts = sum(np.bincount(block[..., channel].ravel(), minlength=256) for block in blocks)
        share = counts / train_images[..., 0].size
        mean = float(share @ levels)
        deviation = float(np.sqrt(share @ (levels - mean) ** 2))
        if np.count_nonzero(share) < 2:
            raise DatasetError(f"standardize: found one value in channel {channel}, expected a spread to divide by")
        means.append(mean)
        deviations.append(deviation)
    return Standardization((means[0], means[1], means[2]), (deviations[0], deviations[1], deviations[2]))


FITS: dict[str, Callable[[npt.NDArray[np.uint8]], Normalize]] = {
    "unit_scale": lambda _: unit_scale,
    "imagenet_caffe": lambda _: imagenet_caffe,
    "standardize": standardize,
}
"""By the name in a protocol: a function that takes the training images and returns the normalization."""


def _require_images(images: npt.NDArray[np.uint8]) -> None:
    if images.dtype != np.uint8:
        raise ValueError(f"images: found dtype {images.dtype}, expected uint8 pixels from 0 to 255")
    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"images: found shape {images.shape}, expected (N, height, width, 3)")
