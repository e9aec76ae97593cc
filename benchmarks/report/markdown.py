"""A night's answer as Markdown, for where CI shows it."""

from __future__ import annotations

import re

from benchmarks.records.differences import compare
from benchmarks.records.findings import Finding, Findings
from benchmarks.report.content import headline
from benchmarks.report.wording import SYMBOLS, answer, reasons


def markdown(findings: Findings) -> str:
    """Return what a night came to as a heading, a table of the experiments, and what happened to those that failed."""
    night = findings.night
    lines = [f"## {_text(answer(findings.experiments))}", "", f"Night of {night.started}, {_text(night.dataset)}.", ""]
    lines += [f"> {_text(note)}\n" for note in findings.notes]
    if findings.experiments:
        lines += [
            "| experiment | verdict | accuracy | gap | epochs | minutes |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        lines += [_row(finding) for finding in findings.experiments]
    for finding in findings.experiments:
        if finding.word != "pass":
            lines += ["", f"### {_text(finding.experiment)}: {finding.word}", ""]
            lines += [f"- {_text(reason)}" for reason in _reasons(finding)]
    return "\n".join(lines) + "\n"


def _row(finding: Finding) -> str:
    cells = [finding.experiment, f"{SYMBOLS[finding.word]} {finding.word}"]
    cells += [f"{value} ({difference})" if difference else value for value, difference in headline(finding)]
    return f"| {' | '.join(map(_text, cells))} |"


def _reasons(finding: Finding) -> list[str]:
    found = reasons(finding) if finding.failed else [finding.problem]
    if finding.baseline and finding.runs:
        compared = compare(finding.baseline, finding.recorded, finding.runs)
        differing = [f"{one.what} {one.baseline} to {one.today}" for one in compared if one.differs]
        known = "Nothing, of what was recorded on both sides, differs from the baseline's runs."
        found.append(f"Differs from the baseline's runs: {'; '.join(differing)}." if differing else known)
    return found


def _text(words: str) -> str:
    """Return words as Markdown that shows them as they are, in one line and in one cell."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&])", r"\\\1", " ".join(words.split()))
