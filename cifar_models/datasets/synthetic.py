"""Synthetic images of ten classes, drawn from a seed.

A class has a tint of the whole image and a wave with a direction, phase and colour. On top of these are a distracting
wave, light of a random colour and pixel noise, all of random strength. So models can learn colour and texture, no image
is certain, and a model that memorizes the training images shows a gap.

All arithmetic is on integers from the raw stream of a bit generator, which NumPy guarantees not to change. Unlike float
sines and normal draws, integers are equal on every processor, so a seed gives the same fingerprint on every machine.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cifar_models.datasets.dataset import CLASS_COUNT, IMAGE_SHAPE, Dataset, Images, Labels

TRAIN_COUNT = 3_000
EVALUATION_COUNT = 2_000
SEED = 2024

_PERIOD = 64
# Each class's wave: how far its phase moves per pixel to the right and down, and its first phase, in 64ths of a wave.
_DIRECTIONS = np.array([(2, 0), (0, 2), (2, 2), (2, -2), (4, 2), (2, 4), (4, -2), (4, 0), (0, 4), (1, -4)], np.int32)
_PHASES = np.array([0, 16, 32, 48, 8, 24, 40, 56, 12, 36], np.int32)
# Colours as weights of red, green and blue. Two classes share the colour of a wave, two share a tint.
_COLOURS = np.array([(4, 1, -2), (-1, 3, 4), (3, -3, 1), (-3, -2, 3), (1, 4, -3)], np.int32)
_WAVE_COLOUR = np.arange(CLASS_COUNT) % 5
_TINT = np.arange(CLASS_COUNT) * 3 % 5
_CLASS_NAMES = tuple(f"class {label}" for label in range(CLASS_COUNT))

# The difficulty is chosen so that a minute of training detects the smallest possible drop: models differ, none is
# perfect and none is near chance. Waves are never too weak to tell their class; otherwise the boundaries between
# classes, which vary between trainings, would decide many images at once.
_TINT_STRENGTH = 10  # times a colour's weights, in grey levels
_WAVE_STRENGTH = (4, 16)
_PHASE_SPREAD = 12  # either way, in 64ths of a wave
_COLOUR_SPREAD = 4
_DISTRACTOR_STRENGTH = (6, 16)
_DISTRACTOR_COLOUR = 12
_LIGHT = 20  # grey levels, either way
_NOISE = 48  # grey levels, either way, drawn twice


def load_synthetic(
    *, seed: int = SEED, train_count: int = TRAIN_COUNT, evaluation_count: int = EVALUATION_COUNT
) -> Dataset:
    """Draw the synthetic data set; training and evaluation images are separate draws from one stream.

    Args:
        seed: 0 or more; baselines use the default.
        train_count: number of training images, a multiple of 10, balanced over the classes.
        evaluation_count: number of evaluation images, with the same conditions.

    Raises:
        ValueError: a count is not a positive multiple of 10.
    """
    for name, count in (("train_count", train_count), ("evaluation_count", evaluation_count)):
        if count <= 0 or count % CLASS_COUNT:
            raise ValueError(f"{name}: found {count}, expected a positive multiple of {CLASS_COUNT}")
    stream = np.random.PCG64(seed)
    train_images, train_labels = _draw(stream, train_count)
    evaluation_images, evaluation_labels = _draw(stream, evaluation_count)
    return Dataset("synthetic", train_images, train_labels, evaluation_images, evaluation_labels, _CLASS_NAMES)


def _draw(stream: np.random.PCG64, count: int) -> tuple[Images, Labels]:
    """Draw ``count`` images ``(count, 32, 32, 3)`` uint8 and their labels ``(count,)`` int64, in random order."""
    labels = np.arange(count, dtype=np.int64) % CLASS_COUNT
    labels = labels[np.argsort(stream.random_raw(count), kind="stable")]
    each_image = (count, 1, 1, 1)
    each_channel = (count, 1, 1, 3)

    phase = _PHASES[labels] + _integers(stream, (count,), -_PHASE_SPREAD, _PHASE_SPREAD)
    colour = 2 * _COLOURS[_WAVE_COLOUR[labels]][:, None, None, :]
    colour = colour + _integers(stream, each_channel, -_COLOUR_SPREAD, _COLOUR_SPREAD)
    images = _waves(_DIRECTIONS[labels], phase) * (colour * _integers(stream, each_image, *_WAVE_STRENGTH))

    direction = _DIRECTIONS[_integers(stream, (count,), 0, len(_DIRECTIONS) - 1)]
    phase = _integers(stream, (count,), 0, _PERIOD - 1)
    colour = _integers(stream, each_channel, -_DISTRACTOR_COLOUR, _DISTRACTOR_COLOUR)
    images += _waves(direction, phase) * (colour * _integers(stream, each_image, *_DISTRACTOR_STRENGTH))

    images //= _PERIOD
    images += 128 + _TINT_STRENGTH * _COLOURS[_TINT[labels]][:, None, None, :]
    images += _integers(stream, each_channel, -_LIGHT, _LIGHT)
    for _ in range(2):  # the sum of two uniform draws is roughly bell-shaped
        images += _integers(stream, (count, *IMAGE_SHAPE), -_NOISE, _NOISE)
    return np.clip(images, 0, 255).astype(np.uint8), labels


def _waves(directions: npt.NDArray[np.int32], phases: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return triangular waves ``(N, 32, 32, 1)``, -16 to 16, for directions ``(N, 2)`` and phases ``(N,)``."""
    down, right = np.mgrid[: IMAGE_SHAPE[0], : IMAGE_SHAPE[1]].astype(np.int32)
    right_step, down_step = directions[:, 0, None, None], directions[:, 1, None, None]
    position = right_step * right + down_step * down + phases[:, None, None]
    waves: npt.NDArray[np.int32] = np.abs(position % _PERIOD - _PERIOD // 2) - _PERIOD // 4
    return waves[..., None]


def _integers(stream: np.random.PCG64, shape: tuple[int, ...], low: int, high: int) -> npt.NDArray[np.int32]:
    """Draw integers from ``low`` to ``high`` inclusive, a range of at most 256, each from one byte of the stream."""
    count = int(np.prod(shape))
    raw = np.atleast_1d(stream.random_raw(-(-count // 8)))
    drawn = raw.astype("<u8").view(np.uint8)[:count].astype(np.int32)
    return (low + (drawn * (high - low + 1) >> 8)).reshape(shape)
