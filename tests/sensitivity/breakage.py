"""One thing that breaks in a library: what is replaced, by what, and the checks that must notice it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Breakage:
    """One thing that breaks in a library.

    Attributes:
        name: what, in words.
        target: the attribute that is replaced, by its full name.
        broken: takes the attribute as it is and returns what stands there instead.
        unit: the test of every commit that must fail, as a node id; with parameters where it is one of them.
        says: what that test's message must contain: the layer and the quantity, where it is a golden trajectory.
        night: what a night's verdict on ``simple_cnn`` or ``improved_cnn`` must say; empty where none need see it.
    """

    name: str
    target: str
    broken: Callable[[Any], Any]
    unit: str
    says: str = ""
    night: str = ""

    def apply(self, patch: pytest.MonkeyPatch) -> None:
        """Replace the attribute, until ``patch`` is undone.

        Raises:
            AttributeError, ImportError: the library has no such attribute.
        """
        owner, name = self.owner()
        patch.setattr(owner, name, self.broken(getattr(owner, name)))

    def owner(self) -> tuple[Any, str]:
        """Return the module or class that has the attribute, and the attribute's name."""
        *path, name = self.target.split(".")
        owner = importlib.import_module(path[0])
        for position, part in enumerate(path[1:], 2):
            if not hasattr(owner, part):
                importlib.import_module(".".join(path[:position]))
            owner = getattr(owner, part)
        return owner, name
