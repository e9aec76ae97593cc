"""Lists what differs between two sides: code, protocols, weights and packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.comparison.comparison import Pair
from benchmarks.sides.environments import package_differences
from benchmarks.sides.side import Ready
from benchmarks.sides.two_sides import Party
from cifar_models.results.run import Run

NONE = "none"
SOURCE = "source of the package"
_SHOWN = 17
"""Number of characters of a fingerprint: ``sha256:`` and ten digits."""


@dataclass(frozen=True)
class WhatDiffers:
    """The values that differ, and the packages that only one side has.

    Attributes:
        rows: what differs, A's value and B's value; the code first, the packages last.
        only_a: packages that only A has, with their versions.
        only_b: packages that only B has.
    """

    rows: Sequence[tuple[str, str, str]]
    only_a: Sequence[str]
    only_b: Sequence[str]


def what_differs(
    parties: tuple[Party, Party], ready: tuple[Ready, Ready], pairs: Mapping[str, Sequence[Pair]]
) -> WhatDiffers:
    """Return what differs between two sides.

    Args:
        parties: A and B.
        ready: how they describe themselves.
        pairs: their runs by experiment; the records contain code and protocol.
    """
    a, b = ready
    before, after = (party.revision for party in parties)
    rows = [("code", str(before), str(after))] if before.commit != after.commit else []
    for name, some in pairs.items():
        if some:
            facts = _facts(some[0].a), _facts(some[0].b)
            for what in dict.fromkeys([*facts[0], *facts[1]]):
                values = [side.get(what, NONE) for side in facts]
                if values[0] != values[1]:
                    rows.append((what if what == SOURCE else f"{name}: {what}", values[0], values[1]))
    if a.python != b.python:
        rows.append(("python", a.python, b.python))
    packages = package_differences(a.packages, b.packages)
    rows += [(name, old, new) for name, old, new in packages if old and new]
    return WhatDiffers(
        rows=list(dict.fromkeys(rows)),  # all experiments have the same code
        only_a=[f"{name} {old}" for name, old, new in packages if not new],
        only_b=[f"{name} {new}" for name, old, new in packages if not old],
    )


def _facts(run: Run) -> dict[str, str]:
    """Return code, protocol and weights from a run's record."""
    return {
        SOURCE: run.code.source[:_SHOWN] if run.code else NONE,
        **{name: str(value) for name, value in run.protocol.items()},
        "weights": (run.fingerprints.weights or NONE)[:_SHOWN],
    }
