"""The page as plain data: what is open, what differs, what it costs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from benchmarks.judging.night_results import ExperimentResult, NightResults
from benchmarks.records.exact import Exact
from benchmarks.records.history import NightOfExperiment
from benchmarks.records.night_folder import BaselineMark, NightRecord
from benchmarks.report.content import ExperimentContent, anchor, page_content
from benchmarks.report.published_section import published_section
from cifar_models.figures import style
from cifar_models.results.run import Timings
from tests.factories import DIFFERS, DRIFT, ENVIRONMENT, IDENTICAL, make_baseline, make_result, make_run

pytestmark = pytest.mark.unit

NIGHT = NightRecord("synthetic", "sha256:data", "2026-01-31T02:00:00+00:00", "2026-01-31T03:00:00+00:00")


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "to_svg", lambda panels: (["<svg/>"] * len(panels), {}))


def _content(result: ExperimentResult, *history: NightOfExperiment) -> ExperimentContent:
    results = NightResults(Path("night"), NIGHT, [result], [])
    page = page_content(results, {result.experiment: history} if history else {}, published_section({}, []))
    return page.experiments[0]


def test_only_what_passes_is_closed() -> None:
    words = ("regression", "stale", "undecided", "pass")
    assert [_content(make_result("a", word)).open for word in words] == [True, True, True, False]
    assert _content(make_result(problem="no weights", runs=[])).open


def test_a_run_that_is_not_identical_opens_its_row_though_it_passes_and_an_identical_one_is_said() -> None:
    content = _content(make_result("a", "pass", exact=[DIFFERS, dataclasses.replace(IDENTICAL, seed=1)]))
    assert (content.word, content.open) == ("pass", True)
    assert content.reasons[0].startswith("Seed 0 repeats a recorded run and differs since epoch 2: val_loss 1.5")
    assert content.held_against.endswith("Seed 1 repeats a recorded run and is identical, to the last digit.")
    assert not _content(make_result("a", "pass", exact=[IDENTICAL])).open


def test_the_page_s_headline_fails_on_a_drift_and_names_the_night_where_it_began() -> None:
    result = make_result("a", "pass", drifts=[DRIFT])
    page = page_content(NightResults(None, NIGHT, [result], []), {}, published_section({}, []))
    assert page.word == "regression"
    assert page.answer == (
        "a is a regression (accuracy has drifted by -0.0200 since the night of 2026-01-20, over 12 nights)."
    )
    assert (page.experiments[0].word, page.experiments[0].open) == ("regression", True)


@pytest.mark.parametrize(
    ("exact", "said"),
    [
        ([], "no run repeats a recorded one"),
        ([IDENTICAL], "1 repeated run is identical to its recorded run, to the last digit."),
        ([DIFFERS], "1 of 1 repeated run is not identical to its recorded run: a seed 0, since epoch 2."),
    ],
)
def test_the_facts_of_the_night_say_what_the_exact_lane_found(exact: list[Exact], said: str) -> None:
    results = NightResults(None, NIGHT, [make_result("a", "pass", exact=exact)], [])
    assert ("exact lane", said) in page_content(results, {}, published_section({}, [])).facts


def test_an_anchor_is_the_same_for_a_name_and_safe_in_an_address() -> None:
    assert anchor("simple_cnn") == "experiment-simple_cnn"
    assert anchor("<a b>") == "experiment--a-b-"


def test_what_differs_comes_first_and_what_is_not_known_is_listed() -> None:
    elsewhere = dataclasses.replace(ENVIRONMENT, packages={"keras": "3.9.0"})
    today = dataclasses.replace(make_run(), environment=elsewhere, code=None)
    content = _content(make_result("a", "regression", runs=[today], baseline=make_baseline(), recorded=[make_run()]))
    assert content.differing.rows == [("keras", "3.8.0", "3.9.0")]
    assert content.comparisons.rows[0] == ("keras", "3.8.0", "3.9.0", "differs")
    assert content.not_known == "source of the package, git commit"


def _costs(**runs: Any) -> dict[str, tuple[str, str]]:
    return {row[0]: (row[1], row[2]) for row in _content(make_result("a", "pass", **runs)).costs.rows}


def test_costs_are_means_with_their_range_beside_the_baseline_s() -> None:
    frozen = {"epochs": 10, "backbone": "vgg16"}
    today = [
        dataclasses.replace(
            make_run(epochs=epochs, timings=Timings(features=features, training=60.0 * epochs)), protocol=frozen
        )
        for epochs, features in ((2, 60.0), (4, 0.0))
    ]
    costs = _costs(runs=today, recorded=[dataclasses.replace(make_run(), protocol=frozen)])
    assert costs["epochs"] == ("3.0 (2.0 to 4.0)", "2.0")
    assert costs["minutes of training"] == ("3.00 (2.00 to 4.00)", "1.00")
    assert costs["seconds an epoch"] == ("60.0", "30.0")
    assert costs["minutes for the frozen part's features"] == ("1.00", "0.50")
    assert costs["peak memory of the process (GB)"] == ("1.07", "1.07")
    assert _costs(runs=today)["epochs"] == ("3.0 (2.0 to 4.0)", "not available")
    assert "minutes for the frozen part's features" not in _costs(runs=[make_run()])
    assert _costs(runs=[]) == {}


def test_past_nights_say_how_far_they_lie_from_the_baseline_and_when_it_changed() -> None:
    marks = [BaselineMark("measured", "2026-01-01", "the first", f"sha256:{number}") for number in (1, 2, 2)]
    history = [
        NightOfExperiment(
            f"2026-01-0{day}T02:00:00+00:00",
            [0],
            {"accuracy": [0.68], "loss": [1.0], "gap": [0.1]},
            mark,
            {"accuracy": 0.7},
        )
        for day, mark in enumerate(marks, start=1)
    ]
    for night in history:
        night.values["seconds an epoch"] = [1.0]
    content = _content(make_result("a", "pass"), *history)
    assert content.drifts == ["Mean accuracy of the last 2 nights: 0.6800, 0.0200 below the baseline."]
    # Two updates on one day for one reason are two baselines.
    assert content.changes == [
        "From the night of 1 January 2026 on, the baseline measured on 2026-01-01: the first",
        "From the night of 2 January 2026 on, the baseline measured on 2026-01-01: the first",
    ]
