"""The judges that are compared: each passes recorded runs, and fails broken ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cifar_models.results.run import Run
from cifar_models.results.run_files import read_run
from tests.sensitivity.compare_judges import ELSEWHERE, LOOKS, NOT_TRAINED, experiment_of, split
from tests.sensitivity.judges import JUDGES, extremes, fixed_bound, former_night, night, wants_more
from tests.sensitivity.regressions import REGRESSIONS

pytestmark = pytest.mark.unit

RECORDS = Path(__file__).parents[2] / "baseline_runs"


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return [read_run(path) for path in sorted(RECORDS.glob("simple_cnn.synthetic.*.json"))]


def _worse(run: Run, points: float) -> Run:
    """Return a run that agrees with itself but for its counts, with a lower accuracy."""
    accuracy = run.accuracy - points / 100
    return replace(run, evaluation=replace(run.evaluation, accuracy=accuracy))


@pytest.mark.parametrize("title", JUDGES)
def test_runs_of_the_baseline_pass(title: str, runs: list[Run]) -> None:
    assert JUDGES[title](runs, runs[:7]) == ""


@pytest.mark.parametrize("judge", [former_night, fixed_bound, extremes])
def test_a_collapse_is_caught_by_all(judge: object, runs: list[Run]) -> None:
    assert callable(judge)
    assert judge(runs, [_worse(run, 30) for run in runs[:4]]).startswith("accuracy")


def test_a_run_that_contradicts_itself_is_the_night_s_first_word(runs: list[Run]) -> None:
    assert night(runs, [_worse(run, 30) for run in runs[:4]]).startswith("law: accuracy is ")


def test_a_night_trains_further_seeds_of_an_undecided_experiment_alone(runs: list[Run]) -> None:
    low = sorted(runs, key=lambda run: run.accuracy)[5:12]
    assert wants_more(runs, low)
    assert night(runs, [*low, *runs[:14]]) == ""
    assert not wants_more(runs, runs[:7])


def test_the_bounds_by_hand_see_one_run_and_no_small_change(runs: list[Run]) -> None:
    middle = sorted(runs, key=lambda run: run.accuracy)[len(runs) // 2]
    assert fixed_bound(runs, [_worse(middle, 4), *[_worse(run, 30) for run in runs[:3]]]) == ""
    assert fixed_bound(runs, [_worse(middle, -6)]) == "accuracy"


def test_a_clean_night_and_its_baseline_share_no_run(runs: list[Run]) -> None:
    baseline, today = split(runs, 6, np.random.default_rng(0))
    assert len(today) == 6
    assert sorted(run.seed for run in [*baseline, *today]) == sorted(run.seed for run in runs)
    assert [run.seed for run in split(runs, 6, np.random.default_rng(1))[1]] != [run.seed for run in today]


def test_every_regression_has_its_experiment_and_every_name_is_one() -> None:
    names = {regression.name for regression in REGRESSIONS}
    assert {*ELSEWHERE, *NOT_TRAINED} <= names
    assert {experiment_of(regression) for regression in REGRESSIONS} <= LOOKS.keys()
