"""CI's summary: Markdown that says what the page's top says, and shows names as they are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from benchmarks.judging.night_results import ExperimentResult, NightResults
from benchmarks.records.night_folder import NightRecord
from benchmarks.report.markdown import MOST_CHARACTERS, markdown
from cifar_models.experiments import EXPERIMENTS, trained_by_nights
from tests.factories import DIFFERS, DRIFT, ENVIRONMENT, IDENTICAL, make_baseline, make_result, make_run, make_verdict

pytestmark = pytest.mark.unit

NIGHT = NightRecord("synthetic", "sha256:data", "2026-01-31T02:00:00+00:00", "2026-01-31T03:00:00+00:00")


def _lines(*experiments: ExperimentResult, notes: tuple[str, ...] = ()) -> list[str]:
    return markdown(NightResults(Path("night"), NIGHT, experiments, notes)).splitlines()


def test_a_night_that_passes_is_a_heading_and_a_table() -> None:
    verdicts = [make_verdict(today=0.72), make_verdict("gap", today=0.1, baseline=0.1)]
    others = [name for name in EXPERIMENTS if name != "simple_cnn"]
    assert _lines(make_result(verdicts=verdicts, runs=[make_run(accuracy=0.72)])) == [
        r"## simple\_cnn passes.",
        "",
        "Night of 2026-01-31T02:00:00+00:00, synthetic.",
        "",
        f"Not part of this night: {', '.join(others)}.".replace("_", r"\_"),
        "",
        "| experiment | verdict | accuracy | gap | loss | catches | last nights | minutes |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        r"| simple\_cnn | ✓ pass | 0.7200 \(\+0.0200\) | 0.1000 \(\+0.0000\) | 1.0000 | 0.0500 |  | 1.50 |",
    ]


def test_a_failure_says_why_and_what_differs() -> None:
    elsewhere = dataclasses.replace(ENVIRONMENT, packages={"keras": "3.9.0"})
    today = dataclasses.replace(make_run(), environment=elsewhere)
    verdicts = [make_verdict(word="regression", today=0.6)]
    lines = _lines(make_result(verdicts=verdicts, runs=[today], baseline=make_baseline(), recorded=[make_run()]))
    start = lines.index("<details open><summary>simple_cnn: regression</summary>")
    assert lines[start + 2] == (
        r"- Accuracy 0.6000 \(mean of 3 runs, 0.6000 to 0.6000\) is 0.1000 below the baseline 0.7000 \(mean of 3 runs, "
        r"0.7000 to 0.7000\): regression. The allowance is 0.0400 either way by its tolerance: as narrow as that."
    )
    assert lines[-3:] == ["- Differs from the baseline's runs: keras 3.8.0 to 3.9.0.", "", "</details>"]


def test_nothing_that_differs_is_said_too() -> None:
    verdicts = [make_verdict(word="regression", today=0.6)]
    lines = _lines(make_result(verdicts=verdicts, baseline=make_baseline(), recorded=[make_run()]))
    assert lines[-3] == "- Nothing, of what was recorded on both sides, differs from the baseline's runs."


def test_the_summary_says_what_the_exact_lane_found_and_lists_a_difference_of_a_pass() -> None:
    lines = _lines(make_result("a", "pass", exact=[IDENTICAL]))
    assert (lines[0], lines[4]) == (
        "## a passes.",
        "1 repeated run is identical to its recorded run, to the last digit.",
    )
    lines = _lines(make_result("a", "pass", exact=[DIFFERS]))
    assert lines[0].startswith("## 1 of 1 repeated run is not identical to its recorded run: a seed 0, since epoch 2.")
    assert "<details open><summary>a: pass</summary>" in lines


def test_notes_and_problems_are_in_it() -> None:
    lines = _lines(make_result(problem="no weights", runs=[]), notes=("The night was interrupted.",))
    assert "> The night was interrupted." in lines
    assert r"| simple\_cnn | ○ not judged |  |  |  |  |  |  |" in lines
    assert lines[-3] == "- Not judged: no weights."


def test_a_name_is_text_in_one_cell() -> None:
    lines = _lines(make_result("<script>|\n`x`", "pass"), make_result("<b>\nx", problem="no weights"))
    assert any(line.startswith(r"| \<script\>\| \`x\` | ✓ pass |") for line in lines)
    assert "<details open><summary>&lt;b&gt; x: not judged</summary>" in lines


def _fails(name: str) -> ExperimentResult:
    """Return an experiment in which all that can fail does."""
    elsewhere = dataclasses.replace(
        ENVIRONMENT,
        packages={"keras": "3.9.0"},
        python="3.13.0",
        system="Windows",
        processor="another processor",
        device="a GPU",
        driver="550",
        settings={f"TF_SETTING_{number}": "another value" for number in range(20)},
    )
    runs = [dataclasses.replace(make_run(name, seed, accuracy=0.3), environment=elsewhere) for seed in range(3)]
    verdicts = [
        make_verdict(metric, "regression", experiment=name, today=0.3)
        for metric in ("accuracy", "loss", "gap", "classes")
    ]
    drifts = [dataclasses.replace(DRIFT, experiment=name, metric=metric) for metric in ("accuracy", "loss")]
    exact = [dataclasses.replace(DIFFERS, experiment=name)]
    baseline = make_baseline()
    return make_result(
        *(name,), runs=runs, verdicts=verdicts, baseline=baseline, recorded=[make_run(name)], drifts=drifts, exact=exact
    )


def test_a_night_in_which_everything_fails_is_about_a_screen() -> None:
    lines = _lines(*map(_fails, trained_by_nights("synthetic")))
    first = lines.index("</details>")
    shown = lines[: first + 1] + [line for line in lines[first:] if "<summary>" in line]
    assert len(shown) <= 40
    assert sum(map(len, lines)) <= 16_000


def test_it_fits_into_a_comment_whatever_happened() -> None:
    notes = tuple(f"A run's record is left out: {number}" for number in range(1000))
    text = markdown(NightResults(Path("night"), NIGHT, [_fails(f"model{number}") for number in range(100)], notes))
    assert len(text) <= MOST_CHARACTERS < 65_536
    assert text.endswith("\n\n</details>\n\nCut here: the night's page has the rest.\n")
    assert "> 995 more notes are on the night's page." in text.splitlines()
    assert "> A run's record is left out: 4" in text.splitlines()


def test_a_night_without_experiments_has_no_table() -> None:
    assert _lines()[0] == "## The night trained nothing."
    assert not any(line.startswith("|") for line in _lines())
