"""What all tests share."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import keras  # loads TensorFlow, which the tests of the data sets do without

    from cifar_models.models.pretrained import BackboneWeights

TESTS = Path(__file__).parent
CALIBRATION_IMAGES = 20
"""That a backbone's random weights are calibrated on: enough for features that differ."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the real backbones: they take longest, and one worker of pytest-xdist then makes each of them once."""
    backbones = {"session_backbone", "session_weights"}
    items.sort(key=lambda item: backbones.isdisjoint(getattr(item, "fixturenames", ())))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Keep garbage collections from walking over what TensorFlow and Keras have imported, which is hardly ever garbage.

    Where tests run, and no night, whose peak memory is recorded, they are rare as well: traced graphs are many objects.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        if any(TESTS in item.path.parents for item in getattr(session, "items", ())):
            gc.set_threshold(100_000)
        gc.enable()


@pytest.fixture(scope="session")
def session_backbone() -> Callable[..., keras.Model]:
    """Return ``build_backbone`` with a memory; its models' weights and flags are whatever a test left in them."""
    from cifar_models.models.builders import build_backbone

    remembered = cache(build_backbone)
    return lambda name, input_size=32: remembered(name, input_size)


@pytest.fixture(scope="session")
def session_weights() -> Callable[[str, str], BackboneWeights]:
    """Return ``random_weights`` with a memory, for real backbones and calibrated on few images."""
    from cifar_models.models import builders, pretrained

    build_backbone = builders.build_backbone

    def draw(backbone: str, normalization: str = "unit_scale") -> BackboneWeights:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pretrained, "build_backbone", build_backbone)  # whatever a test has in its place
            patch.setattr(pretrained, "CALIBRATION_IMAGES", CALIBRATION_IMAGES)
            return pretrained.random_weights(backbone, normalization=normalization)

    return cache(draw)
