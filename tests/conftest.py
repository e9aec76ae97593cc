"""What all tests share."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import keras  # loads TensorFlow, which the tests of the data sets do without

    from cifar_models.pretrained import BackboneWeights

CALIBRATION_IMAGES = 20
"""That a backbone's random weights are calibrated on: enough for features that differ."""

# Imports leave next to no garbage, and each collection would walk over all that they have made so far.
gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the real backbones: they take longest, and one worker of pytest-xdist then makes each of them once."""
    backbones = {"session_backbone", "session_weights"}
    items.sort(key=lambda item: backbones.isdisjoint(getattr(item, "fixturenames", ())))


def pytest_collection_finish() -> None:
    """Collect garbage from here on: rarely, as traced graphs are many objects, and without what imports have made."""
    gc.freeze()
    gc.set_threshold(100_000)
    gc.enable()


@pytest.fixture(scope="session")
def session_backbone() -> Callable[[str], keras.Model]:
    """Return ``build_backbone`` with a memory; its models' weights and flags are whatever a test left in them."""
    from cifar_models.builders import build_backbone

    return cache(build_backbone)


@pytest.fixture(scope="session")
def session_weights() -> Callable[[str], BackboneWeights]:
    """Return ``random_weights`` with a memory, for real backbones and calibrated on few images."""
    from cifar_models import builders, pretrained

    build_backbone = builders.build_backbone

    def draw(backbone: str) -> BackboneWeights:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pretrained, "build_backbone", build_backbone)  # whatever a test has in its place
            patch.setattr(pretrained, "CALIBRATION_IMAGES", CALIBRATION_IMAGES)
            return pretrained.random_weights(backbone)

    return cache(draw)
