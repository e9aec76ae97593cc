"""Checks of values, with one wording for their errors."""

from __future__ import annotations


def expect(condition: bool, what: str, found: object, expected: str) -> None:
    """Check a condition.

    Raises:
        ValueError: the condition is false; says what was found and what was expected.
    """
    if not condition:
        raise ValueError(f"{what}: found {found!r}, expected {expected}")
