"""Renders the results of a night as Markdown, which CI shows with a job and which fits into a comment."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from benchmarks.judging.differences import compare
from benchmarks.judging.night_results import ExperimentResult, NightResults
from benchmarks.report.rows import cells, metrics_of
from benchmarks.report.wording import SYMBOLS, answer, not_trained, reasons, repeated_runs

MOST_CHARACTERS = 60_000
"""What is longer is cut; GitHub refuses a comment of more than 65,536 characters."""
_NOTES_SHOWN = 5
_CUT = "</details>\n\nCut here: the night's page has the rest.\n"


def markdown(results: NightResults, introduction: str | None = None) -> str:
    """Return the answer, a table of the experiments, and the reasons of those that failed.

    It is meant for one screen: only the reasons of the most urgent experiment are open.

    Args:
        results: of a night, or of a comparison whose side A is the baseline.
        introduction: plain text below the heading; None to name the night.
    """
    night = results.night
    of_night = f"Night of {night.started}, {as_markdown(night.dataset)}."
    below = as_markdown(introduction) if introduction else of_night
    lines = [f"## {as_markdown(answer(results.experiments))}", "", below, ""]
    if repeated := repeated_runs(results.experiments):
        lines += [as_markdown(repeated), ""]
    if introduction is None and (others := not_trained(results.experiments)):
        lines += [as_markdown(others), ""]
    notes = list(results.notes)
    if len(notes) > _NOTES_SHOWN:
        notes[_NOTES_SHOWN:] = [f"{len(notes) - _NOTES_SHOWN} more notes are on the night's page."]
    lines += [f"> {as_markdown(note)}\n" for note in notes]
    metrics = metrics_of(results.experiments)
    rows = [(result, cells(result, metrics)) for result in results.experiments]
    if rows:
        headers = ["experiment", "verdict", *(cell.label for cell in rows[0][1])]
        lines += [_row(headers), _row(["---"] * len(headers))]
    for result, row in rows:
        values = [f"{cell.value} ({cell.difference})" if cell.difference else cell.value for cell in row]
        lines.append(_row(map(as_markdown, [result.experiment, f"{SYMBOLS[result.word]} {result.word}", *values])))
    explained = [result for result in results.experiments if reasons(result)]
    for result in explained:
        title = html.escape(" ".join(f"{result.experiment}: {result.word}".split()))
        is_open = " open" if result is explained[0] else ""
        lines += ["", f"<details{is_open}><summary>{title}</summary>", ""]
        lines += [f"- {as_markdown(reason)}" for reason in _reasons(result)]
        lines += ["", "</details>"]
    text = "\n".join(lines) + "\n"
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[: MOST_CHARACTERS - len(_CUT)].rpartition(chr(10))[0]}\n\n{_CUT}"


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
    """Escape words for Markdown, on one line and inside one cell."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&])", r"\\\1", " ".join(words.split()))
