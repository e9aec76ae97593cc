"""Tables that several views show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.judging.judge import WORST
from benchmarks.statistics.verdict import Verdict
from benchmarks.statistics.word import Word


@dataclass(frozen=True)
class Table:
    """A table of text."""

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """Return a table of an experiment's verdicts.

    The worst run has a line if it does not pass.
    """
    headers = ("metric", "baseline", "today", "seeds", "difference", "allowance", "by", "catches", "verdict")
    return Table("Verdicts", headers, [_row(verdict) for verdict in verdicts if not is_plain(verdict)])


def catches(verdict: Verdict) -> str:
    """Return the smallest change for the worse that a night like this detects with probability 95 %.

    For accuracy and loss it is in percentage points of accuracy, for the loss with the rate of conversion.
    """
    if verdict.smallest_drop is None:
        return "any change" if verdict.rule == "identical" else "not known"
    if verdict.points is None:
        return f"{verdict.smallest_drop:.4f}"
    converted = "" if verdict.metric == "accuracy" else f" at {verdict.per_point:.3f} nats"
    return f"{verdict.points:.1f} points{converted}"


def _row(verdict: Verdict) -> tuple[str, ...]:
    return (
        verdict.metric,
        f"{verdict.baseline:.4f}",
        f"{verdict.today:.4f}",
        str(verdict.runs),
        f"{verdict.effect:+z.4f}",
        f"{verdict.allowance:.4f}",
        verdict.rule if verdict.source == "measured" else "published tolerance",
        catches(verdict),
        verdict.word,
    )


def is_plain(verdict: Verdict) -> bool:
    """Return whether a verdict says no more than that no run has collapsed."""
    return verdict.metric == WORST and verdict.word == Word.PASS
