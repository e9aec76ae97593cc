"""Writes the reports of a session: the page, the summary for CI, and the properties of the tests."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.night.exit_status import NOT_JUDGED, PASSED, REGRESSION

if TYPE_CHECKING:
    from benchmarks.night.night import Night
    from benchmarks.statistics.verdict import Verdict

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""Environment variable with the path of a Markdown file, which GitHub Actions shows on the page of a job."""

Properties = list[tuple[str, object]]


def write_reports(night: Night) -> tuple[list[str], int]:
    """Write the night's page and the summary for CI. Errors are caught, so that they do not hide the verdicts.

    Returns:
        A line for each report, with its path or the error; and the exit status, 0 if all were written.
    """
    if night.folder is None or not night.trainings:
        return [], PASSED
    folder, lines, status = night.folder.path, [], PASSED
    write_page = partial(_write_page, folder, night, night.settings.report_dir or folder)
    reports = [("report", write_page, f"; fix this, then run {_command(night, folder)}")]
    if summary := os.environ.get(STEP_SUMMARY):
        reports.append(("summary", partial(_write_summary, folder, night, Path(summary)), ""))
    for what, write, remedy in reports:
        try:
            lines.append(write())
        except OSError as error:
            lines.append(f"{what}: could not be written: {error}{remedy}")
            status = status or NOT_JUDGED
        except Exception as error:  # noqa: BLE001 - the verdicts matter more than their reports
            lines.append(f"{what}: could not be written: {type(error).__name__}: {error}")
            status = status or REGRESSION
    return lines, status


def properties_of(night: Night, experiment: str, seed: int | None) -> Properties:
    """Return the properties of a training, or of the experiment's verdicts if ``seed`` is None."""
    if seed is None:
        return _properties_of_verdicts(night.verdicts.get(experiment, []))
    training = night.training(experiment, seed)
    if training is None or training.run is None:
        return []
    run = training.run
    return [
        ("accuracy", run.accuracy),
        ("loss", run.loss),
        ("gap", run.gap),
        ("epochs", run.epochs),
        ("seconds", run.timings.training),
        ("feature_seconds", run.timings.features),
    ]


def _properties_of_verdicts(verdicts: Sequence[Verdict]) -> Properties:
    return [
        (f"{verdict.metric}: {what}", value)
        for verdict in verdicts
        for what, value in (
            ("today", verdict.today),
            ("baseline", verdict.baseline),
            ("allowance", verdict.allowance),
            ("verdict", verdict.word),
        )
    ]


def _write_page(folder: Path, night: Night, report_dir: Path) -> str:
    from benchmarks.report.page import write_page

    return f"report: {write_page(folder, night.inputs.baselines, night.settings.records, report_dir)}"


def _command(night: Night, folder: Path) -> str:
    """Return the command that makes the page of a night again."""
    settings = night.settings
    words = ["python", "-m", "benchmarks", "page", str(folder), "--baselines", str(settings.baselines_path)]
    return shlex.join([*words, *(["--report-dir", str(settings.report_dir)] if settings.report_dir else [])])


def _write_summary(folder: Path, night: Night, file: Path) -> str:
    from benchmarks.judging.night_results import read_night_results
    from benchmarks.report.markdown import markdown

    text = markdown(read_night_results(folder, night.inputs.baselines, night.settings.records))
    with file.open("a", encoding="utf-8") as stream:
        stream.write(text)
    return f"summary: {file}"
