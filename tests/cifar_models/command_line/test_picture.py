"""Any picture file becomes an image that the models take, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
