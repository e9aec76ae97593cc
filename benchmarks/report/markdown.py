"""A night's answer as Markdown, for where CI shows it."""

from __future__ import annotations

import re

from benchmarks.records.differences import compare
from benchmarks.records.night_results import ExperimentResult, NightResults
from benchmarks.report.content import headline
from benchmarks.report.wording import SYMBOLS, answer, reasons


def markdown(results: NightResults) -> str:
    """Return what a night came to as a heading, a table of the experiments, and what happened to those that failed."""
    night = results.night
    lines = [f"## {_text(answer(results.experiments))}", "", f"Night of {night.started}, {_text(night.dataset)}.", ""]
    lines += [f"> {_text(note)}\n" for note in results.notes]
    if results.experiments:
        lines += [
            "| experiment | verdict | accuracy | gap | epochs | minutes |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        lines += [_row(result) for result in results.experiments]
    for result in results.experiments:
        if result.word != "pass":
            lines += ["", f"### {_text(result.experiment)}: {result.word}", ""]
            lines += [f"- {_text(reason)}" for reason in _reasons(result)]
    return "\n".join(lines) + "\n"


def _row(result: ExperimentResult) -> str:
    cells = [result.experiment, f"{SYMBOLS[result.word]} {result.word}"]
    cells += [f"{value} ({difference})" if difference else value for value, difference in headline(result)]
    return f"| {' | '.join(map(_text, cells))} |"


def _reasons(result: ExperimentResult) -> list[str]:
    found = reasons(result) if result.failed else [result.problem]
    if result.baseline and result.runs:
        compared = compare(result.baseline, result.recorded, result.runs)
        differing = [f"{one.what} {one.baseline} to {one.today}" for one in compared if one.differs]
        known = "Nothing, of what was recorded on both sides, differs from the baseline's runs."
        found.append(f"Differs from the baseline's runs: {'; '.join(differing)}." if differing else known)
    return found


def _text(words: str) -> str:
    """Return words as Markdown that shows them as they are, in one line and in one cell."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&])", r"\\\1", " ".join(words.split()))
