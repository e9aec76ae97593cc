"""Mutated picture files: an image that the models take or the project's own error, and no code is run."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cifar_models.command_line.picture import ImageFileError, read_image
from tests.fuzz.mutations import a_thousand, mutated_bytes
from tests.fuzz.watch import Watch

pytestmark = pytest.mark.fuzz

MODES = ("RGB", "L", "P", "RGBA", "1", "I;16", "I", "F", "CMYK", "LA")


def _pictures() -> dict[str, bytes]:
    """Return a small picture in each format and mode that Pillow writes and reads, some with EXIF data."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "maker"
    found = {}
    Image.init()
    for name in sorted(Image.SAVE):
        for mode in MODES:
            grey = Image.fromarray(pixels[:, :, 0])
            picture = grey.convert("I").convert(mode) if mode.startswith("I") else Image.fromarray(pixels).convert(mode)
            for options in ({}, {"exif": exif}):
                stream = io.BytesIO()
                with suppress(Exception):  # formats have few modes
                    picture.save(stream, name, **options)
                    Image.open(io.BytesIO(stream.getvalue())).load()
                    found[f"{name} {mode} {' '.join(options)}"] = stream.getvalue()
    return found


PICTURES = _pictures()
WORDS = [
    *(struct.pack(order + "HHII", tag, kind, 1, 6) for order in "<>" for tag in (258, 262, 274) for kind in (3, 5)),
    *(b"DX10", b"DXT1", b"IHDR", b"IDAT", b"\xff\xda", b"Exif\0\0", b"\0" * 8, b"\xff" * 8, b"\x7f\xff\xff\xff"),
]


def test_the_formats_are_many() -> None:
    assert {"PNG", "JPEG", "TIFF", "GIF", "BMP", "DDS", "WEBP"} <= {name.split()[0] for name in PICTURES}
    assert "PNG I;16 exif" in PICTURES


@a_thousand
@given(data=st.data())
def test_a_picture(folder: Path, watch: Watch, data: st.DataObject) -> None:
    path = folder / "picture"
    path.write_bytes(data.draw(mutated_bytes(PICTURES[data.draw(st.sampled_from(sorted(PICTURES)))], WORDS)))
    try:
        with watch:
            image = read_image(path)
    except ImageFileError as error:
        assert str(error).startswith(f"{path}: ")
        assert "\n" not in str(error)
        return
    assert image.shape == (1, 32, 32, 3)
    assert image.dtype == np.uint8
