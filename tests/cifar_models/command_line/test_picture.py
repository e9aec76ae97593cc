"""Any picture file becomes an image that the models take, and nothing else does."""

from __future__ import annotations

import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from cifar_models.command_line.picture import ImageFileError, read_image

pytestmark = pytest.mark.unit


def _pixels(height: int = 32, width: int = 32) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_an_image_of_the_right_size_keeps_its_pixels(tmp_path: Path) -> None:
    Image.fromarray(_pixels()).save(tmp_path / "image.png")
    image = read_image(tmp_path / "image.png")
    assert image.shape == (1, 32, 32, 3)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image[0], _pixels())


@pytest.mark.parametrize("upright", [True, False])
def test_of_another_shape_the_middle_is_taken(tmp_path: Path, upright: bool) -> None:
    pixels = np.zeros((96, 64, 3), np.uint8)
    pixels[16:80] = 200  # the middle square; the rest stays black
    Image.fromarray(pixels if upright else pixels.swapaxes(0, 1)).save(tmp_path / "image.png")
    image = read_image(tmp_path / "image.png")[0]
    np.testing.assert_array_equal(image[2:-2, 2:-2], 200)
    assert image.min() > 150, "a little of what is beyond the square is in its edges, as the resampling has it"


def test_it_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # the orientation: upside down
    Image.fromarray(_pixels()).save(tmp_path / "image.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "image.png")[0], _pixels()[::-1, ::-1])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("deep", [False, True])
def test_every_orientation_is_what_pillow_makes_of_it(tmp_path: Path, orientation: int, deep: bool) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    grey = _pixels()[:, :, 0]
    Image.fromarray(grey.astype(np.uint16) * 257 if deep else grey).save(tmp_path / "image.png", exif=exif)
    Image.fromarray(grey).save(tmp_path / "reference.png", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "reference.png")))
    np.testing.assert_array_equal(read_image(tmp_path / "image.png")[0, :, :, 0], expected)


def test_exif_data_that_cannot_be_rewritten_turn_the_picture_all_the_same(tmp_path: Path) -> None:
    # Orientation 6 in a little-endian directory with an entry of a type that does not suit its tag: a width of 72.0.
    entries = struct.pack("<HHI4s", 0x0100, 5, 1, struct.pack("<I", 38)) + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + struct.pack("<I", 0) + struct.pack("<II", 72, 1)
    Image.fromarray(_pixels()).save(tmp_path / "image.png", exif=exif)
    with pytest.raises(struct.error):
        ImageOps.exif_transpose(Image.open(tmp_path / "image.png"))
    np.testing.assert_array_equal(read_image(tmp_path / "image.png")[0], np.rot90(_pixels(), -1))


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\x09\0\x12"])
def test_exif_data_that_cannot_be_read_are_ignored(tmp_path: Path, exif: bytes) -> None:
    Image.fromarray(_pixels()).save(tmp_path / "image.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "image.png")[0], _pixels())


def _tiff(greys: Any, *, bits: int, photometric: int) -> bytes:
    """Return a TIFF of 32x32 greys, without compression."""
    pixels: bytes = greys.astype("<u2").tobytes()
    if bits == 12:  # two greys in three bytes
        pixels = bytes.fromhex("".join(f"{value:03x}" for value in greys.ravel()))
    tags = {256: 32, 257: 32, 258: bits, 259: 1, 262: photometric, 273: 8, 277: 1, 278: 32, 279: len(pixels)}
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in tags)
    return b"II*\0" + struct.pack("<I", 8 + len(pixels)) + pixels + directory + bytes(4)


GREYS = _pixels()[:, :, 0]
DEEP = GREYS.astype(np.uint16) * 257


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("image.png", Image.fromarray(DEEP).save),
        ("image.pgm", Image.fromarray(DEEP).save),
        ("image.jp2", lambda path: Image.fromarray(DEEP).save(path, irreversible=False)),
        ("image.tiff", Image.fromarray(DEEP).save),
        ("other order.tiff", Image.fromarray(DEEP.astype(">u2")).save),
        ("by hand.tiff", lambda path: path.write_bytes(_tiff(DEEP, bits=16, photometric=1))),
        ("12 bits.tiff", lambda path: path.write_bytes(_tiff(DEEP >> 4, bits=12, photometric=1))),
        ("white is zero.tiff", lambda path: path.write_bytes(_tiff(65535 - DEEP, bits=16, photometric=0))),
    ],
)
def test_greys_of_more_than_8_bits_are_those_of_the_8_bit_twin(
    tmp_path: Path, name: str, write: Callable[[Path], object]
) -> None:
    write(tmp_path / name)
    np.testing.assert_array_equal(read_image(tmp_path / name)[0], np.stack([GREYS] * 3, axis=-1))


@pytest.mark.parametrize("alpha", [False, True])
def test_colours_of_16_bits_are_those_of_the_8_bit_twin(tmp_path: Path, alpha: bool) -> None:
    # Pillow writes none.
    channels = np.dstack([_pixels(), np.full((32, 32), 9, np.uint8)]) if alpha else _pixels()
    rows = b"".join(b"\0" + (row.astype(">u2") * 257).tobytes() for row in channels)
    header = struct.pack(">IIBBBBB", 32, 32, 16, 6 if alpha else 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )
    (tmp_path / "image.png").write_bytes(content)
    np.testing.assert_array_equal(read_image(tmp_path / "image.png")[0], _pixels())


@pytest.mark.parametrize("name", ["image.tiff", "image.pfm"])
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_whose_black_and_white_are_not_known_are_refused(tmp_path: Path, name: str, dtype: type) -> None:
    if (name, dtype) == ("image.pfm", np.int32):
        name = "another.tiff"  # which has no such thing
    Image.fromarray(_pixels()[:, :, 0].astype(dtype)).save(tmp_path / name)
    with pytest.raises(ImageFileError, match=r"found \w+ pixels of mode [FI], whose black and white are not known"):
        read_image(tmp_path / name)


def test_no_other_program_is_started_to_read_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(_pixels()).save(tmp_path / "image.eps")
    monkeypatch.setattr(subprocess, "Popen", None)
    with pytest.raises(ImageFileError, match="cannot identify image file"):
        read_image(tmp_path / "image.eps")


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_any_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (40, 50)).save(tmp_path / "image.tiff")
    assert read_image(tmp_path / "image.tiff").shape == (1, 32, 32, 3)


def _cut(path: Path) -> None:
    Image.fromarray(_pixels(64, 64)).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: None,
        lambda path: path.mkdir(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no picture"),
        _cut,
    ],
)
def test_what_is_no_picture_is_refused_by_name(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    damage(tmp_path / "image.png")
    with pytest.raises(ImageFileError, match=r"image\.png: .*; expected a picture file"):
        read_image(tmp_path / "image.png")


@pytest.mark.parametrize("limit", [32 * 32 - 1, 400])  # Pillow warns above it, and refuses twice as much
def test_a_picture_too_large_to_be_read_safely_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    Image.fromarray(_pixels()).save(tmp_path / "image.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ImageFileError, match="could be decompression bomb"):
        read_image(tmp_path / "image.png")
