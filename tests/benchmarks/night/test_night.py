"""A night without pytest: which trainings it keeps, what it judges, and when it has ended."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from benchmarks.baselines.baseline import Baselines, Metric
from benchmarks.inputs.loaded_inputs import LoadedInputs
from benchmarks.night.night import Night, judge_to_the_end
from benchmarks.records.night_folder import read_night, read_night_runs
from benchmarks.records.selection import Selection
from benchmarks.records.trainings import Outcome, Training
from benchmarks.statistics.word import Word
from cifar_models.results.run import Run, Timings
from tests.benchmarks.night.nights import (
    PLAIN,
    PRETRAINED,
    fingerprints_of,
    make_inputs,
    make_night,
    make_trainings,
    passing_baselines,
)
from tests.factories import make_baseline, make_run

pytestmark = pytest.mark.unit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "baselines.json"


BASELINE = make_baseline(accuracy=(0.7,) * 5, gap=(0.1,) * 5, fingerprints=fingerprints_of(PLAIN))
SPREAD = Metric([0.69, 0.70, 0.71, 0.695, 0.705], 0.005, "as narrow as that")


def _judging(path: Path, *trainings: Training, **options: Any) -> Night:
    """Return a night whose baselines are its runs' values without any spread."""
    return make_night(path, *trainings, baselines=passing_baselines(), **options)


def _no_more(name: str, seed: int) -> None:
    raise AssertionError(f"{name} {seed}: nothing is left to train")


DIVERGED = Training(PRETRAINED, 2, Outcome.DIVERGED)


def test_a_night_judges_what_is_complete_and_says_of_the_rest_why_not(path: Path) -> None:
    night = _judging(path, *make_trainings(PLAIN), *make_trainings(PRETRAINED)[:2], DIVERGED)
    judge_to_the_end(night, _no_more)
    assert list(night.verdicts) == [PLAIN]
    assert night.problem(PLAIN) == ""
    assert night.problem(PRETRAINED) == "not every training gave a run (seed 2: diverged)"


def test_a_night_without_any_complete_experiment_judges_nothing(path: Path) -> None:
    night = _judging(path, Training(PLAIN, 0, Outcome.NO_WEIGHTS))
    judge_to_the_end(night, _no_more)
    assert (night.verdicts, night.judged) == ({}, True)


def test_runs_of_other_code_are_left_out_but_recorded_ones_that_an_update_uses_are_not(path: Path) -> None:
    first, second, _ = make_trainings(PLAIN)
    night = make_night(path, first, dataclasses.replace(second, outcome=Outcome.REUSED))
    night.exclude(lambda _: "the package's source has changed")
    assert [one.outcome for one in night.trainings] == [Outcome.OTHER_CODE, Outcome.REUSED]


def test_a_night_is_judged_once(path: Path) -> None:
    night = _judging(path, *make_trainings(PLAIN))
    judge_to_the_end(night, _no_more)
    verdicts = night.verdicts
    judge_to_the_end(night, _no_more)
    assert night.verdicts is verdicts


def test_an_experiment_whose_verdict_was_not_selected_is_not_judged(path: Path) -> None:
    night = _judging(path, *make_trainings(PLAIN), *make_trainings(PRETRAINED), verdicts=(PLAIN,))
    judge_to_the_end(night, _no_more)
    assert list(night.verdicts) == [PLAIN]
    assert night.problem(PRETRAINED) == "its verdict was not selected"


def test_an_experiment_that_was_selected_and_gave_no_training_is_not_judged_in_every_view(path: Path) -> None:
    night = _judging(path, *make_trainings(PLAIN), verdicts=(PLAIN, PRETRAINED))
    judge_to_the_end(night, _no_more)
    assert [(one.experiment, one.word) for one in night.results().experiments] == [
        (PRETRAINED, "not judged"),
        (PLAIN, "pass"),
    ]
    assert night.answer(PRETRAINED) == f"{PRETRAINED}: not judged, its trainings were not selected"
    assert night.answer(PLAIN) == ""


def test_an_undecided_verdict_wants_seeds_and_the_night_has_no_verdicts_until_it_has_them(path: Path) -> None:
    baseline = dataclasses.replace(BASELINE, metrics=BASELINE.metrics | {"accuracy": SPREAD})
    baselines: Baselines = {PLAIN: {"cifar10": {"measured": baseline}}}
    night = make_night(
        path, *make_trainings(PLAIN, accuracies=(0.67, 0.68, 0.69)), baselines=baselines, seeds=3, max_seeds=6
    )
    night.judge()
    assert night.seeds_wanted() == [(PLAIN, 3), (PLAIN, 4), (PLAIN, 5)]
    assert (night.verdicts, night.judged) == ({}, False)
    with pytest.raises(KeyError):
        night.answer(PLAIN)
    trained = []

    def train(name: str, seed: int) -> None:
        trained.append(seed)
        night.file(Training(name, seed, Outcome.TRAINED, make_run(name, seed)))

    judge_to_the_end(night, train)
    assert trained == [3, 4, 5]
    assert {verdict.word for verdict in night.verdicts[PLAIN]} == {Word.PASS}


def test_a_further_seed_that_gives_no_run_leaves_the_experiment_unjudged(path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("benchmarks.night.night.judge_history", lambda *_: ["a drift of the first look"])
    baseline = dataclasses.replace(BASELINE, metrics=BASELINE.metrics | {"accuracy": SPREAD})
    night = make_night(
        path,
        *make_trainings(PLAIN, accuracies=(0.67, 0.68, 0.69)),
        baselines={PLAIN: {"cifar10": {"measured": baseline}}},
        seeds=3,
        max_seeds=6,
    )
    judge_to_the_end(night, lambda name, seed: night.file(Training(name, seed, Outcome.OUT_OF_MEMORY)))
    assert (night.verdicts, night.judged) == ({}, True)
    assert night.drifts == [], "it was found with runs that are not judged"
    assert night.answer(PLAIN).startswith(f"{PLAIN}: not judged, not every training gave a run (seed 3: out of memory")


# --- one run for each experiment and seed ---


def test_the_same_run_delivered_twice_is_one_run(path: Path) -> None:
    first = make_trainings(PLAIN)
    again = [dataclasses.replace(one, run=_later(one.run)) for one in first]
    night, once = _judging(path, *first, *again), _judging(path, *first)
    assert night.trainings == once.trainings
    for each in (night, once):
        judge_to_the_end(each, _no_more)
    assert night.verdicts == once.verdicts


def _later(run: Run | None) -> Run:
    """Return what the same training gives at another time on a busier machine."""
    assert run is not None
    return dataclasses.replace(
        run, started="2030-01-01T00:00:00+00:00", timings=Timings(features=0.0, training=999.0), peak_memory=2**40
    )


def test_two_different_runs_are_an_error_that_names_both_and_neither_is_judged(path: Path) -> None:
    night = _judging(path, *make_trainings(PLAIN))
    said = night.file(Training(PLAIN, 1, Outcome.TRAINED, make_run(PLAIN, 1, accuracy=0.7000000000000001)))
    assert said == (
        "simple_cnn seed 1: found two different results of one training, expected the same to the last digit: one "
        "started 2025-01-31T02:00:00+00:00 with accuracy 0.7, and one started 2025-01-31T02:00:00+00:00 with accuracy "
        "0.7000000000000001; the curves are equal, the evaluations differ; find the cause, then run with "
        "--resume to train it again"
    )
    judge_to_the_end(night, _no_more)
    assert night.verdicts == {}
    assert "seed 1: trained twice with different results" in night.problem(PLAIN)
    assert len(night.trainings) == 3


def _with_folder(path: Path, selection: Selection | None = None, **settings: Any) -> Night:
    night = Night(make_inputs(path, baselines=passing_baselines(), **settings), selection or Selection())
    night.open_folder()
    return night


def test_of_two_different_runs_both_are_kept_and_neither_is_taken_for_the_night_s(path: Path) -> None:
    night = _with_folder(path)
    assert night.folder is not None
    runs = [make_run(PLAIN, 0, accuracy=accuracy) for accuracy in (0.7, 0.6)]
    for run in runs:
        night.file(Training(PLAIN, 0, Outcome.TRAINED, run))
    name = "simple_cnn.synthetic.seed0.json"
    kept = [night.folder.path / f"{name}.different{number}" for number in (1, 2)]
    assert [Run.from_json(file.read_text(encoding="utf-8")) for file in kept] == runs
    assert read_night_runs(night.folder.path) == ([], [])
    night.close_folder(interrupted=False)
    assert read_night(night.folder.path).ended is None


def test_a_second_run_that_is_the_same_is_not_written_again(path: Path) -> None:
    night = _with_folder(path)
    assert night.folder is not None
    night.file(Training(PLAIN, 0, Outcome.TRAINED, make_run(PLAIN)))
    (file,) = night.folder.path.glob("*.seed0.json")
    before = file.read_text(encoding="utf-8")
    night.file(Training(PLAIN, 0, Outcome.TRAINED, _later(make_run(PLAIN))))
    assert file.read_text(encoding="utf-8") == before


def test_a_run_after_an_attempt_that_gave_none_is_judged_and_kept(path: Path) -> None:
    night = _with_folder(path, Selection({PLAIN: [0]}), seeds=1, max_seeds=1)
    assert night.folder is not None
    night.file(Training(PLAIN, 0, Outcome.OUT_OF_MEMORY))
    night.file(Training(PLAIN, 0, Outcome.TRAINED, make_run(PLAIN)))
    night.file(Training(PLAIN, 0, Outcome.WORKER_DIED))
    assert [one.outcome for one in night.trainings] == [Outcome.TRAINED]
    assert len(read_night_runs(night.folder.path)[0]) == 1
    assert not night.unfinished


def test_runs_are_judged_by_seed_in_whatever_order_they_came(path: Path) -> None:
    trainings = make_trainings(PLAIN, accuracies=(0.68, 0.70, 0.72))
    night = _judging(path, *reversed(trainings))
    assert [run.seed for run in night.runs_of(PLAIN)] == [0, 1, 2]


# --- when it has come to its end ---


def test_a_night_that_did_all_that_was_selected_has_ended(path: Path) -> None:
    night = _with_folder(path, Selection({PLAIN: [0]}, [PLAIN]), seeds=1, max_seeds=1)
    assert night.folder is not None
    assert night.unfinished
    night.file(Training(PLAIN, 0, Outcome.DIVERGED))
    assert not night.unfinished, "a training that diverges does so again"
    night.close_folder(interrupted=False)
    assert read_night(night.folder.path).ended is not None


def test_a_night_that_is_resumed_in_part_can_be_resumed_with_the_rest(path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(LoadedInputs, "difference", lambda *_: "")
    whole = Selection({PLAIN: [0], PRETRAINED: [0]}, [PLAIN, PRETRAINED])
    first = _with_folder(path, whole, seeds=1, max_seeds=1)
    assert first.folder is not None
    first.file(Training(PLAIN, 0, Outcome.TRAINED, make_run(PLAIN)))
    first.close_folder(interrupted=True)

    part = _with_folder(path, Selection({PLAIN: [0]}, [PLAIN]), seeds=1, max_seeds=1, resume=True)
    assert part.folder is not None
    assert part.folder.path == first.folder.path
    part.file(Training(PLAIN, 0, Outcome.RESUMED, part.resumed[PLAIN, 0]))
    judge_to_the_end(part, _no_more)
    assert part.unfinished
    part.close_folder(interrupted=False)
    assert read_night(part.folder.path).selection == whole

    rest = _with_folder(path, whole, seeds=1, max_seeds=1, resume=True)
    assert rest.folder is not None
    assert rest.folder.path == first.folder.path
    rest.file(Training(PLAIN, 0, Outcome.RESUMED, rest.resumed[PLAIN, 0]))
    rest.file(Training(PRETRAINED, 0, Outcome.TRAINED, make_run(PRETRAINED)))
    judge_to_the_end(rest, _no_more)
    rest.close_folder(interrupted=False)
    assert read_night(rest.folder.path).ended is not None


def test_a_verdict_that_was_selected_and_not_made_keeps_a_night_resumable(path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(LoadedInputs, "difference", lambda *_: "")
    whole = Selection({PLAIN: [0], PRETRAINED: [0]}, [PLAIN, PRETRAINED])
    first = _with_folder(path, whole, seeds=1, max_seeds=1)
    for name in (PLAIN, PRETRAINED):
        first.file(Training(name, 0, Outcome.TRAINED, make_run(name)))
    first.close_folder(interrupted=True)
    part = _with_folder(path, Selection({PLAIN: [0]}, [PLAIN]), seeds=1, max_seeds=1, resume=True)
    part.file(Training(PLAIN, 0, Outcome.RESUMED, part.resumed[PLAIN, 0]))
    judge_to_the_end(part, _no_more)
    assert part.unfinished
