"""Reads a picture file of any size as an input of the models."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin

from cifar_models.datasets.dataset import IMAGE_SHAPE, Images

SIXTEEN_BITS = ("JPEG2000", "PNG", "PPM", "TIFF")
"""Formats whose 16-bit greys are known to go from black, 0, to white, 65535, or as a TIFF says."""
LARGEST_GREY = 65535
RUNS_PROGRAMS = "EPS"
"""The format that Pillow opens with another program, which runs code from the file."""
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The operation that turns a picture upright, by its EXIF orientation."""


class ImageFileError(ValueError):
    """A file cannot be read as a picture; the message says what was found and what was expected."""


def read_image(path: Path) -> Images:
    """Return the largest square in the middle of a picture, resized to 32x32: ``(1, 32, 32, 3)`` uint8, RGB, 0 to 255.

    The picture is turned upright and resized by bicubic resampling; a picture of 32x32 is not changed. 16-bit greys
    are reduced to their higher byte. Transparency, unreadable EXIF data and all but the first frame are ignored.

    Raises:
        ImageFileError: the file is missing, too large or in no format that Pillow can read, or its pixels have no known
            black and white, as for floating-point values.
    """
    height, width, _ = IMAGE_SHAPE
    Image.init()
    formats = [name for name in Image.OPEN if name != RUNS_PROGRAMS]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a picture that Pillow can read with a warning is accepted
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=formats) as picture:
                picture.load()
                image, turn = _in_eight_bits(picture).convert("RGB"), _turn(picture)
            square = ImageOps.fit(
                image if turn is None else image.transpose(turn), (width, height), Image.Resampling.BICUBIC
            )
    except Exception as error:  # noqa: BLE001 - a damaged file can raise any error
        text = " ".join(str(error).split()) or type(error).__name__
        raise ImageFileError(f"{path}: {text}; expected a picture file, such as an 8-bit PNG or JPEG") from None
    return np.asarray(square, np.uint8)[np.newaxis]


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Return the picture with 8 bits a channel."""
    if picture.mode not in ("F", "I") and not picture.mode.startswith("I;"):
        return picture
    # Older versions of Pillow give 16-bit greys of PNG and PPM files the mode of 32-bit greys.
    deep_grey = picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format in ("PNG", "PPM"))
    if not deep_grey or picture.format not in SIXTEEN_BITS:
        raise ValueError(f"found {picture.format} pixels of mode {picture.mode}, whose black and white are not known")
    greys = np.asarray(picture).astype(np.uint32)
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        (bits,) = picture.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (16,))
        greys = greys * LARGEST_GREY // (2**bits - 1)
        if picture.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0:  # white is zero
            greys = LARGEST_GREY - greys
    return Image.fromarray((greys.clip(max=LARGEST_GREY) >> 8).astype(np.uint8))


def _turn(picture: Image.Image) -> Image.Transpose | None:
    """Return the operation that turns a picture upright; ``ImageOps.exif_transpose`` fails on damaged EXIF data."""
    try:
        return UPRIGHT.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - damaged EXIF data can raise any error
        return None
