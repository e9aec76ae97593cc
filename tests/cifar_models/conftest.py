"""Backbones for the package under test: building one takes longer than most tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import keras  # loads TensorFlow, which the tests of the data sets do without


@pytest.fixture
def shared_backbones(
    session_backbone: Callable[[str], keras.Model], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], keras.Model]:
    """Make the package use the session's backbones instead of building new ones."""
    from cifar_models.models import builders, pretrained

    monkeypatch.setattr(builders, "build_backbone", session_backbone)
    monkeypatch.setattr(pretrained, "build_backbone", session_backbone)
    return session_backbone
