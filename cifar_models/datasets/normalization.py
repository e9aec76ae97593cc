"""From uint8 pixels to the float32 values a model is trained on. Arrays in, arrays out, never in place.

A normalization is fitted once, on training images alone, and is then applied batch by batch, so that the images
stay uint8 in memory. Only uint8 is accepted: values that were already normalized cannot be normalized again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Normalized = npt.NDArray[np.float32]
Normalize = Callable[[npt.NDArray[np.uint8]], Normalized]

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)
"""ImageNet's mean blue, green and red pixel, 0 to 255, from Simonyan and Zisserman (2014), as Keras has them."""


def unit_scale(images: npt.NDArray[np.uint8]) -> Normalized:
    """Divide by 255, as the published report did for every model.

    Args:
        images: ``(N, height, width, 3)`` uint8, 0 to 255.

    Returns:
        The same shape, float32, 0 to 1.

    Raises:
        ValueError: another dtype or shape.
    """
    _require_images(images)
    return np.divide(images, np.float32(255), dtype=np.float32)


def imagenet_caffe(images: npt.NDArray[np.uint8]) -> Normalized:
    """Turn RGB into BGR and subtract ImageNet's means, as VGG16 and ResNet50 were trained with.

    Agrees with ``keras.applications.vgg16.preprocess_input`` and its ResNet50 twin to the last bit.

    Args:
        images: ``(N, height, width, 3)`` uint8, RGB, 0 to 255.

    Returns:
        The same shape, float32, BGR, about -124 to 152.

    Raises:
        ValueError: another dtype or shape.
    """
    _require_images(images)
    return np.subtract(images[..., ::-1], np.array(IMAGENET_MEAN_BGR, np.float32), dtype=np.float32)


@dataclass(frozen=True)
class Standardization:
    """Per channel: subtract the training images' mean and divide by their standard deviation.

    Attributes:
        mean: of each channel, 0 to 255.
        standard_deviation: of each channel (``ddof=0``), above 0.
    """

    mean: tuple[float, float, float]
    standard_deviation: tuple[float, float, float]

    def __call__(self, images: npt.NDArray[np.uint8]) -> Normalized:
        """Standardize ``(N, height, width, 3)`` uint8 images; float32 out; ValueError for another dtype or shape."""
        _require_images(images)
        centred = np.subtract(images, np.array(self.mean, np.float32), dtype=np.float32)
        return np.divide(centred, np.array(self.standard_deviation, np.float32), dtype=np.float32)


def standardize(train_images: npt.NDArray[np.uint8]) -> Standardization:
    """Fit a standardization on training images.

    Args:
        train_images: ``(N, height, width, 3)`` uint8, 0 to 255, at least one image.

    Returns:
        The fitted standardization, to be called on any images of this layout.

    Raises:
        ValueError: another dtype or shape, no image, or a channel with a single value.
    """
    _require_images(train_images)
    if not train_images.size:
        raise ValueError("standardize: found no training image, expected at least one")
    levels = np.arange(256, dtype=np.float64)
    means, deviations = [], []
    for channel in range(3):
        # The histogram holds all that both moments need: exact, and no float copy of the images.
        share = np.bincount(train_images[..., channel].ravel(), minlength=256) / train_images[..., 0].size
        mean = float(share @ levels)
        deviation = float(np.sqrt(share @ (levels - mean) ** 2))
        if np.count_nonzero(share) < 2:
            raise ValueError(f"standardize: found one value in channel {channel}, expected a spread to divide by")
        means.append(mean)
        deviations.append(deviation)
    return Standardization((means[0], means[1], means[2]), (deviations[0], deviations[1], deviations[2]))


FITS: dict[str, Callable[[npt.NDArray[np.uint8]], Normalize]] = {
    "unit_scale": lambda _: unit_scale,
    "imagenet_caffe": lambda _: imagenet_caffe,
    "standardize": standardize,
}
"""Each normalization by the name a protocol gives it: training images in, the function to apply out."""


def _require_images(images: npt.NDArray[np.uint8]) -> None:
    if images.dtype != np.uint8:
        raise ValueError(f"images: found dtype {images.dtype}, expected uint8 pixels that nothing has normalized yet")
    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"images: found shape {images.shape}, expected (N, height, width, 3)")
