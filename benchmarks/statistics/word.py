"""The words of a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Word(StrEnum):
    """What a check, an experiment or a night comes to, the most urgent first."""

    REGRESSION = "regression"
    """Outside the allowance on the bad side."""
    NOT_IDENTICAL = "not identical"
    """An experiment of a night that allows no difference, with a run that differs from a recorded one; no verdict has
    this word."""
    STALE = "stale"
    """Outside the allowance on the good side."""
    UNDECIDED = "undecided"
    """Neither clearly inside nor clearly outside."""
    NOT_JUDGED = "not judged"
    """An experiment without verdicts; no verdict has this word."""
    PASS = "pass"  # noqa: S105 - no password

    @staticmethod
    def most_urgent(words: Iterable[Word]) -> Word:
        """Return the most urgent of some words; without any, nothing was judged."""
        found = set(words)
        return next((word for word in Word if word in found), Word.NOT_JUDGED)
