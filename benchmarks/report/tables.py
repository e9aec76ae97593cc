"""Tables of a night that more than one view shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.statistics.verdict import Verdict


@dataclass(frozen=True)
class Table:
    """A table of text: what it shows, a header for each column, the rows."""

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """Return each metric of an experiment beside its baseline, with its verdict.

    It shows the classes that fail. If none fails, it shows the one that lies closest to its allowance.
    """
    headers = ("metric", "baseline", "today", "seeds", "difference", "allowance", "by", "catches", "verdict")
    return Table("Verdicts", headers, [_row(verdict) for verdict in _worth_a_line(verdicts)])


def catches(verdict: Verdict) -> str:
    """Return the smallest change for the worse that a night like this does not pass, 95 times in 100.

    That of accuracy and of loss is in percentage points of accuracy, the loss's with the rate of conversion.
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


def _worth_a_line(verdicts: Sequence[Verdict]) -> list[Verdict]:
    classes = [verdict for verdict in verdicts if verdict.family == "per_class"]
    shown = [verdict for verdict in classes if verdict.word != "pass"]
    if classes and not shown:
        shown = [max(classes, key=lambda verdict: abs(verdict.effect) / verdict.allowance)]
    return [verdict for verdict in verdicts if verdict.family != "per_class"] + shown
