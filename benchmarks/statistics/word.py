"""The words of a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Word(StrEnum):
    """The outcome of a check, an experiment or a night, in order of urgency."""

    REGRESSION = "regression"
    """Worse than the allowance."""
    NOT_IDENTICAL = "not identical"
    """With ``--exact``, a run of the experiment differs from the recorded run; not the word of a verdict."""
    STALE = "stale"
    """Better than the allowance."""
    UNDECIDED = "undecided"
    """Neither clearly inside nor clearly outside the allowance."""
    NOT_JUDGED = "not judged"
    """The experiment has no verdicts; not the word of a verdict."""
    PASS = "pass"  # noqa: S105 - not a password

    @staticmethod
    def most_urgent(words: Iterable[Word]) -> Word:
        """Return the most urgent word; NOT_JUDGED if there is none."""
        return min(words, key=list(Word).index, default=Word.NOT_JUDGED)
