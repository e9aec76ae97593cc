"""What a session leaves for those who did not watch it, by whole sessions with a stub of the training."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.report import page as render
from cifar_models.figures import style as figures
from tests.benchmarks.sessions import Bench, night_folder

pytestmark = pytest.mark.integration

WRITE_REPORT = render.write_page


def _fail(*_: Any) -> Path:
    raise RuntimeError("no ink")


def test_the_page_lies_beside_the_records_and_says_what_the_verdicts_say(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "write_page", WRITE_REPORT)
    monkeypatch.setattr(figures, "to_svg", lambda panels: (["<svg/>"] * len(panels), {}))
    bench.record()
    bench.accuracy["simple_cnn"] = 0.5
    result = bench.benchmark()
    page = night_folder(bench) / "report.html"
    result.stdout.fnmatch_lines([f"report: {page}"])
    text = page.read_text(encoding="utf-8")
    assert "1 of 3 experiments needs a look: simple_cnn is a regression (accuracy 0.5000, 0.2000 below" in text
    assert {path.name for path in page.parent.glob("*.png")} == {"published-accuracy.png", "published-curves.png"}


def test_the_page_goes_where_the_option_says(bench: Bench) -> None:
    bench.record()
    folder = bench.pytester.path / "out" / "report"
    result = bench.benchmark(f"--report-dir={folder}")
    assert bench.reports == [folder]
    result.stdout.fnmatch_lines([f"report: {folder / 'report.html'}"])


def test_a_file_for_a_folder_is_refused(bench: Bench) -> None:
    (bench.pytester.path / "file").touch()
    result = bench.benchmark(f"--report-dir={bench.pytester.path / 'file'}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert any(re.search(r"--report-dir: found a file .*, expected a folder", line) for line in result.errlines)


@pytest.mark.parametrize(("accuracy", "status"), [(0.7, 1), (0.5, 1), (0.9, 10)])
def test_a_page_that_fails_is_said_and_hides_no_verdict(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, accuracy: float, status: int
) -> None:
    monkeypatch.setattr(render, "write_page", _fail)
    bench.record()
    bench.accuracy["simple_cnn"] = accuracy
    result = bench.benchmark("-k", "simple_cnn")
    assert result.ret == status
    result.stdout.fnmatch_lines(["*= verdicts, *", "report: could not be written: RuntimeError: no ink"])


def test_a_session_without_a_training_has_no_page(bench: Bench) -> None:
    bench.record()
    bench.benchmark("-k", "nothing")
    assert bench.reports == []


def test_a_session_that_was_stopped_by_hand_draws_nothing_more(bench: Bench) -> None:
    bench.record()
    bench.failures["vgg16_frozen", 0] = KeyboardInterrupt()
    bench.benchmark()
    assert bench.reports == []


def test_ci_s_summary_is_appended_where_there_is_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = bench.pytester.path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    bench.record()
    result = bench.benchmark("-k", "simple_cnn")
    lines = summary.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["before", r"## simple\_cnn passes."]
    result.stdout.fnmatch_lines([f"summary: {summary}"])


def test_a_summary_that_cannot_be_written_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(bench.pytester.path / "none" / "summary.md"))
    bench.record()
    result = bench.benchmark("-k", "simple_cnn")
    assert result.ret == 125, "no fault of the code"
    result.stdout.fnmatch_lines(["report: */report.html", "summary: could not be written: [[]Errno 2] *summary.md'"])


def test_a_page_that_cannot_be_written_is_made_again_by_the_command_that_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(render, "write_page", full)
    bench.record()
    result = bench.benchmark("-k", "simple_cnn", "--report-dir=the reports")
    assert result.ret == 125
    command = f"python -m benchmarks page * --baselines {bench.baselines_path} --report-dir '*the reports'"
    result.stdout.fnmatch_lines([f"report: could not be written: [[]Errno 28] *; fix this, then run {command}"])


def _properties(path: Path) -> dict[str, dict[str, str]]:
    root = ElementTree.parse(path).getroot()  # noqa: S314 - written by pytest just now
    return {
        str(case.get("name")): {str(each.get("name")): str(each.get("value")) for each in case.iter("property")}
        for case in root.iter("testcase")
    }


def test_the_json_of_pytest_benchmark_has_each_training_s_accuracy_and_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST")]:
        monkeypatch.delenv(name)  # by which pytest-benchmark knows that this test shares the cores
    bench.record()
    file = bench.pytester.path / "benchmark.json"
    bench.benchmark(f"--benchmark-json={file}", "-k", "simple_cnn")
    (training,) = json.loads(file.read_text(encoding="utf-8"))["benchmarks"]
    assert training["name"] == "test_trains[simple_cnn-seed0]"
    assert training["stats"]["rounds"] == 1
    assert (training["extra_info"]["accuracy"], training["extra_info"]["gap"]) == (0.7, 0.1)


def test_junit_s_file_has_the_numbers_of_trainings_and_verdicts(bench: Bench) -> None:
    bench.record()
    bench.accuracy["simple_cnn"] = 0.5
    file = bench.pytester.path / "junit.xml"
    bench.benchmark(f"--junitxml={file}", "-k", "simple_cnn")
    found = _properties(file)
    assert found["test_trains[simple_cnn-seed0]"] == {
        "accuracy": "0.5",
        "loss": "1.0",
        "gap": "0.1",
        "epochs": "2",
        "seconds": "60.0",
        "feature_seconds": "30.0",
    }
    verdict = found["test_verdict[simple_cnn]"]
    assert (verdict["accuracy: today"], verdict["accuracy: verdict"]) == ("0.5", "regression")
    assert float(verdict["accuracy: baseline"]) == pytest.approx(0.7)
    assert float(verdict["accuracy: allowance"]) < 0.1
    assert verdict["classes: verdict"] == "pass"
