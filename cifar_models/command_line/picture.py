"""A picture file of any size as an image that the models take."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin

from cifar_models.datasets.dataset import IMAGE_SHAPE, Images

SIXTEEN_BITS = ("JPEG2000", "PNG", "PPM", "TIFF")
"""Formats whose 16-bit greys go from black, 0, to white, 65535, or to what a TIFF says; elsewhere they may not."""
LARGEST_GREY = 65535
RUNS_PROGRAMS = "EPS"
"""The format that Pillow hands to another program, which runs what the file says."""
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright, by the orientation that its camera noted."""


class ImageFileError(ValueError):
    """A file that is no picture: what was found and what was expected."""


def read_image(path: Path) -> Images:
    """Read a picture file: upright, as RGB, the largest square in its middle, resized to 32x32 by bicubic resampling.

    A picture of 32x32 keeps its pixels as they are. Of 16-bit colours the higher byte is taken. Transparency is
    ignored, as is EXIF data that cannot be read, and of an animation the first picture is taken.

    Args:
        path: a file in any format that Pillow reads by itself.

    Returns:
        ``(1, 32, 32, 3)`` uint8, RGB, 0 to 255.

    Raises:
        ImageFileError: no such file, one that Pillow cannot read, one too large to be read safely, or pixels whose
            black and white are not known, such as floating-point ones.
    """
    height, width, _ = IMAGE_SHAPE
    Image.init()
    formats = [name for name in Image.OPEN if name != RUNS_PROGRAMS]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow reads in spite of a warning is read
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=formats) as picture:
                picture.load()
                image, turn = _in_eight_bits(picture).convert("RGB"), _turn(picture)
            square = ImageOps.fit(
                image if turn is None else image.transpose(turn), (width, height), Image.Resampling.BICUBIC
            )
    except Exception as error:  # noqa: BLE001 - a damaged file can raise any error
        text = " ".join(str(error).split()) or type(error).__name__
        raise ImageFileError(f"{path}: {text}; expected a picture file, such as a PNG or a JPEG") from None
    return np.asarray(square, np.uint8)[np.newaxis]


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Return a picture whose channels have 8 bits."""
    if picture.mode not in ("F", "I") and not picture.mode.startswith("I;"):
        return picture
    # Of a PNG or PPM, older versions of Pillow give 16-bit greys the mode of 32-bit ones.
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
    """Return what turns a picture upright; ``ImageOps.exif_transpose`` fails where it cannot rewrite the EXIF data."""
    try:
        return UPRIGHT.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - damaged EXIF data can raise any error
        return None
