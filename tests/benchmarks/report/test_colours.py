"""Colours that stand beside each other, as readers with any colour vision see them, by day and by night."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks import report
from benchmarks.statistics.word import Word
from cifar_models.figures import style

pytestmark = pytest.mark.unit

Colour = npt.NDArray[np.float64]

STYLE = (Path(report.__path__[0]) / "style.css").read_text(encoding="utf-8")
LIGHT, DARK = STYLE.split("@media (prefers-color-scheme: dark)")[:2]
TOLD_APART = 15
"""A distance in CIELAB (1976) that nobody overlooks between two areas; about 2 can just be noticed."""

# Machado, Oliveira and Fernandes (2009), table 1, severity 1: on linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def _parse(text: str) -> Colour:
    return np.array([int(text[start : start + 2], 16) for start in (1, 3, 5)]) / 255


def _turned_round(colour: Colour) -> Colour:
    """Return what the style's filter makes of a figure's colour: the matrices of the CSS filter effects module."""
    (amount,) = re.findall(r"filter: invert\(([0-9.]+)\) hue-rotate\(180deg\)", DARK)
    inverted = float(amount) + (1 - 2 * float(amount)) * colour
    hue_by_half = np.array([[-0.574, 1.430, 0.144], [0.426, 0.430, 0.144], [0.426, 1.430, -0.856]])
    return np.clip(hue_by_half @ inverted, 0, 1)


def _linear(colour: Colour) -> Colour:
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def _lab(colour: Colour, vision: str) -> Colour:
    """Return CIELAB coordinates of an sRGB colour as seen with a vision; white point D65."""
    linear = np.clip(VISIONS[vision] @ _linear(colour), 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = to_xyz @ linear / np.array([0.9505, 1.0, 1.0890])
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _closest(colours: dict[str, Colour], vision: str) -> tuple[float, str, str]:
    return min(
        (float(np.linalg.norm(_lab(colours[one], vision) - _lab(colours[other], vision))), one, other)
        for one, other in itertools.combinations(colours, 2)
    )


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("night", [False, True])
@pytest.mark.parametrize(
    "names",
    [("OURS", "BASELINE", "PUBLISHED"), ("BLUE", "VERMILION", "BASELINE")],
    ids=["dots", "curves"],
)
def test_colours_of_one_figure_are_told_apart(names: tuple[str, ...], night: bool, vision: str) -> None:
    colours = {name: _parse(getattr(style, name)) for name in names}
    if night:
        colours = {name: _turned_round(colour) for name, colour in colours.items()}
    assert _closest(colours, vision)[0] >= TOLD_APART, _closest(colours, vision)


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_what_is_allowed_is_told_from_all_that_is_drawn_on_it_and_from_the_ground(scheme: str, vision: str) -> None:
    marks = ["before", "run", *(word.replace(" ", "-") for word in Word), "ground"]
    colours = {name: _parse(re.findall(rf"--{name}: (#[0-9a-f]{{6}});", scheme)[0]) for name in ("allowed", *marks)}
    for name in marks:
        least = TOLD_APART if name != "ground" else TOLD_APART / 2  # a large area
        distance, *_ = _closest({each: colours[each] for each in ("allowed", name)}, vision)
        assert distance >= least, name


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_a_pass_is_told_from_each_failure_by_its_colour_too(scheme: str, vision: str) -> None:
    tones = {word: re.findall(rf"--{word.replace(' ', '-')}: (#[0-9a-f]{{6}});", scheme) for word in map(str, Word)}
    passed = _parse(tones.pop("pass")[0])
    for word, (tone,) in tones.items():
        distance, *_ = _closest({"pass": passed, word: _parse(tone)}, vision)
        assert distance >= TOLD_APART, word


def test_what_turns_a_figure_round_keeps_black_on_nothing_readable() -> None:
    assert (_turned_round(np.zeros(3)) > 0.9).all()
    assert (_turned_round(np.ones(3)) < 0.1).all()
