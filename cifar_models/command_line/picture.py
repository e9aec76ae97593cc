"""A picture file of any size as an image that the models take."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from cifar_models.datasets.dataset import IMAGE_SHAPE, Images


class ImageFileError(ValueError):
    """A file that is no picture: what was found and what was expected."""


def read_image(path: Path) -> Images:
    """Read a picture file: upright, as RGB, the largest square in its middle, resized to 32x32 by bicubic resampling.

    A picture of 32x32 keeps its pixels as they are. Transparency is ignored, and of an animation the first picture is
    taken.

    Args:
        path: a file in any format that Pillow reads.

    Returns:
        ``(1, 32, 32, 3)`` uint8, RGB, 0 to 255.

    Raises:
        ImageFileError: no such file, one that Pillow cannot read, or one too large to be read safely.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                upright = ImageOps.exif_transpose(picture).convert("RGB")
        height, width, _ = IMAGE_SHAPE
        square = ImageOps.fit(upright, (width, height), Image.Resampling.BICUBIC)
    # Beside OSError, Pillow's readers raise these for damaged files.
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise ImageFileError(f"{path}: {error}; expected a picture file, such as a PNG or a JPEG") from None
    return np.asarray(square, np.uint8)[np.newaxis]
