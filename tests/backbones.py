"""Random weights of the real backbones, drawn once a session: drawing them takes longer than most tests."""

from __future__ import annotations

from functools import cache

import pytest

from cifar_models import pretrained
from cifar_models.builders import build_backbone
from cifar_models.pretrained import BackboneWeights, random_weights

CALIBRATION_IMAGES = 20
"""Enough for features that differ."""


@cache
def drawn_weights(backbone: str) -> BackboneWeights:
    """Return what ``random_weights`` draws for the real backbone, calibrated on few images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrained, "build_backbone", build_backbone)  # whatever a test has in its place
        patch.setattr(pretrained, "CALIBRATION_IMAGES", CALIBRATION_IMAGES)
        return random_weights(backbone)
