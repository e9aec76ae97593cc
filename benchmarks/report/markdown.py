"""What a night came to as Markdown, which CI shows with a job."""

from __future__ import annotations

import re
from collections.abc import Iterable

from benchmarks.records.differences import compare
from benchmarks.records.night_results import ExperimentResult, NightResults
from benchmarks.report.rows import cells, metrics_of
from benchmarks.report.wording import SYMBOLS, answer, reasons, repeated_runs


def markdown(results: NightResults, introduction: str | None = None) -> str:
    """Return a heading with the answer, a table of the experiments, and the reasons of those that failed.

    Args:
        results: of a night, or of a comparison whose side A is the baseline.
        introduction: plain text below the heading; None to name the night.
    """
    night = results.night
    introduction = introduction or f"Night of {night.started}, {night.dataset}."
    lines = [f"## {as_markdown(answer(results.experiments))}", "", as_markdown(introduction), ""]
    if repeated := repeated_runs(results.experiments):
        lines += [as_markdown(repeated), ""]
    lines += [f"> {as_markdown(note)}\n" for note in results.notes]
    metrics = metrics_of(results.experiments)
    rows = [(result, cells(result, metrics)) for result in results.experiments]
    if rows:
        headers = ["experiment", "verdict", *(cell.label for cell in rows[0][1])]
        lines += [_row(headers), _row(["---"] * len(headers))]
    for result, row in rows:
        values = [f"{cell.value} ({cell.difference})" if cell.difference else cell.value for cell in row]
        lines.append(_row(map(as_markdown, [result.experiment, f"{SYMBOLS[result.word]} {result.word}", *values])))
    for result in results.experiments:
        if reasons(result):
            lines += ["", f"### {as_markdown(result.experiment)}: {result.word}", ""]
            lines += [f"- {as_markdown(reason)}" for reason in _reasons(result)]
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _reasons(result: ExperimentResult) -> list[str]:
    found = reasons(result)
    if result.baseline and result.runs:
        compared = compare(result.baseline, result.recorded, result.runs)
        differing = [f"{one.what} {one.baseline} to {one.today}" for one in compared if one.differs]
        known = "Nothing, of what was recorded on both sides, differs from the baseline's runs."
        found.append(f"Differs from the baseline's runs: {'; '.join(differing)}." if differing else known)
    return found


def as_markdown(words: str) -> str:
    """Return words as Markdown that shows them as they are, in one line and in one cell."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&])", r"\\\1", " ".join(words.split()))
