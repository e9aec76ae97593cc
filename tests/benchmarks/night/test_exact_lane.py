"""What a night does beside its verdicts: runs repeated to the last digit, drifts over nights, records that disagree."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import pytest

from benchmarks.baselines.baselines_file import read_baselines
from benchmarks.judging.night_results import read_night_results
from benchmarks.night.exit_status import NOT_JUDGED, REGRESSION
from benchmarks.records.night_folder import newest_first, read_night
from benchmarks.report.wording import answer
from benchmarks.statistics.seeds import first_seed_of
from cifar_models.results.environment import describe_environment
from cifar_models.results.run_files import write_run
from cifar_models.training.watch import TrainingDiverged
from tests.benchmarks.sessions import SYNTHETIC, TABLE, Bench, fingerprints_of, lines, table, trainings, words
from tests.factories import make_baseline

pytestmark = pytest.mark.integration

SEEDS_OF_THE_DAY = range(first_seed_of(datetime.date(2025, 1, 31)), first_seed_of(datetime.date(2025, 1, 31)) + 6)


@pytest.fixture
def the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nights begin on a day that has passed."""

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Clock:
            return cls(2025, 1, 31, 2, tzinfo=tz)

    monkeypatch.setattr(datetime, "datetime", Clock)


@pytest.mark.usefixtures("the_day")
def test_a_night_trains_the_seeds_of_its_day_and_no_others_where_no_run_is_recorded(bench: Bench) -> None:
    bench.record()
    result = bench.run("-m", "benchmark", "--dataset", "synthetic", "-k", "simple_cnn")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=7, skipped=1, deselected=13)
    assert bench.trained == [f"train simple_cnn {seed} on none" for seed in SEEDS_OF_THE_DAY]
    assert trainings(result)["simple_cnn", "0"] == ["no recorded run to repeat"]
    assert not lines(result, "exact lane")


def _record_a_run(bench: Bench, **changes: Any) -> None:
    """Record the run of simple_cnn's first seed as a baseline's, under tonight's conditions."""
    run = bench.train(TABLE["simple_cnn"], SYNTHETIC, 0, weights=None, progress=None, features=None)
    run = dataclasses.replace(run, environment=describe_environment(), **changes)
    write_run(bench.pytester.path / "baseline_runs", run)


@pytest.fixture
def here(bench: Bench) -> Bench:
    """Have stubs train in this environment, as real trainings do."""
    bench.changes = {"environment": describe_environment()}
    return bench


def _answer(bench: Bench) -> str:
    """Return the headline of the last night's page, which is made of its folder alone."""
    folder, _ = newest_first(bench.pytester.path / "runs")[0]
    return answer(read_night_results(folder, {}, bench.pytester.path / "baseline_runs").experiments)


@pytest.mark.usefixtures("the_day")
def test_a_recorded_run_is_repeated_and_is_identical_and_no_evidence(here: Bench) -> None:
    here.record()
    _record_a_run(here)
    result = here.run("-m", "benchmark", "--dataset", "synthetic", "-k", "simple_cnn")
    result.assert_outcomes(passed=8, deselected=13)
    assert len(here.trained) == 7
    assert table(result, "exact lane:")["simple_cnn", "0"] == ["identical"]
    assert table(result, "verdicts,")["simple_cnn", "accuracy"][2] == "6", "the repeated run does not count"


@pytest.mark.usefixtures("the_day")
def test_a_repeated_training_that_diverges_leaves_no_verdict(here: Bench) -> None:
    here.record()
    _record_a_run(here)
    here.failures["simple_cnn", 0] = TrainingDiverged("the loss is nan since epoch 1, step 2: the learning rate")
    result = here.run("-m", "benchmark", "--dataset", "synthetic", "-k", "simple_cnn")
    assert result.ret == REGRESSION
    assert "simple_cnn: not judged, not every training gave a run (seed 0: diverged)" in result.outlines


@pytest.mark.usefixtures("the_day")
@pytest.mark.parametrize(("options", "status"), [([], pytest.ExitCode.OK), (["--exact"], REGRESSION)])
def test_a_run_that_is_not_identical_is_said_first_and_fails_if_asked(
    here: Bench, options: list[str], status: int
) -> None:
    here.record()
    here.gap["simple_cnn"] = 0.1000001
    _record_a_run(here)
    here.gap["simple_cnn"] = 0.1
    result = here.run("-m", "benchmark", "--dataset", "synthetic", "-k", "simple_cnn", *options)
    assert result.ret == status
    said = "differs since epoch 2: accuracy 0.1, -1e-07 from the recorded run"
    assert table(result, "exact lane:")["simple_cnn", "0"] == [said]
    assert (f"  Seed 0 repeats a recorded run and {said}." in result.outlines) == bool(options)
    headline = "1 of 1 repeated run is not identical to its recorded run: simple_cnn seed 0, since epoch 2. simple_cnn "
    headline += "has a run that is not identical, which --exact does not allow." if options else "passes."
    assert headline in result.outlines
    assert _answer(here) == headline
    night = read_night(next((here.pytester.path / "runs").iterdir()))
    assert [(one.seed, one.epoch, one.what) for one in night.exact] == [(0, 2, "accuracy")]


@pytest.mark.usefixtures("the_day")
def test_a_second_night_of_the_day_is_held_against_the_first_run_by_run(here: Bench) -> None:
    here.record()
    here.run("-m", "benchmark", "--dataset", "synthetic", "-k", "simple_cnn")
    result = here.run("-m", "benchmark", "--dataset", "synthetic", "-k", "simple_cnn")
    found = table(result, "exact lane:")
    assert found == {("simple_cnn", str(seed)): ["identical"] for seed in SEEDS_OF_THE_DAY}


@pytest.mark.usefixtures("the_day")
def test_exact_nights_on_another_machine_than_the_baseline_s_repeat_the_first_of_them(here: Bench) -> None:
    """A night with nothing to repeat is not green, and running again does not make a night green that is not."""
    here.record()
    night = ("-m", "benchmark", "--dataset", "synthetic", "-k", "improved_cnn", "--seeds", "1", "--exact")
    first = here.run(*night)
    assert first.ret == NOT_JUDGED
    assert lines(first, "^--exact: found no recorded run of improved_cnn with this data, weights, protocol")
    assert here.run(*night).ret == pytest.ExitCode.OK
    here.gap["improved_cnn"] = 0.1000001
    assert [here.run(*night).ret for _ in range(2)] == [REGRESSION, REGRESSION]
    here.record(improved_cnn=make_baseline(reason="intended", fingerprints=fingerprints_of("improved_cnn")))
    assert [here.run(*night).ret for _ in range(2)] == [NOT_JUDGED, pytest.ExitCode.OK]


def test_a_drift_over_nights_fails_the_night_that_finds_it(here: Bench) -> None:
    accuracy = (0.695, 0.705, 0.700, 0.698, 0.702) * 6
    entry = make_baseline(
        accuracy=accuracy, gap=(0.1,) * 30, tolerance=0.03, fingerprints=fingerprints_of("simple_cnn")
    )
    here.record(simple_cnn=entry)
    for night in range(30):
        here.accuracy["simple_cnn"] = 0.7 - 0.001 * night
        result = here.benchmark("-k", "simple_cnn", "--first-seed", str(1000 * (night + 1)))
        if result.ret:
            break
    assert result.ret == REGRESSION
    assert words(result)["simple_cnn", "accuracy"] == "pass", "no single night fails"
    result.stdout.fnmatch_lines(["simple_cnn is a regression (accuracy has drifted by -0.0* since the night of *)."])
    assert _answer(here).startswith("simple_cnn is a regression (accuracy has drifted by -0.0")


def test_a_run_that_contradicts_itself_is_an_error_by_name_and_no_evidence(bench: Bench) -> None:
    bench.record()
    bench.contradictions = ["simple_cnn seed 0: accuracy is 0.7000 after the training, but 0.6000 in its best epoch 3"]
    result = bench.benchmark("-k", "simple_cnn")
    result.assert_outcomes(failed=2, deselected=4)
    assert result.ret == REGRESSION, "git bisect run must not skip it"
    result.stdout.fnmatch_lines(
        [f"{bench.contradictions[0]}: an error of the suite or of a library, even if the numbers look right; find*"]
    )
    assert any("not judged" in line and "its record contradicts itself" in line for line in result.outlines)


def test_more_seeds_are_added_to_a_baseline_whose_first_seed_repeats_its_digits(here: Bench) -> None:
    here.update("-k", "simple_cnn")
    result = here.update("-k", "simple_cnn", "--seeds", "5", "--reuse-runs")
    assert [line.split()[2] for line in here.trained] == ["0", "3", "4"]
    assert trainings(result)["simple_cnn", "1"][-1] == "recorded earlier"
    entry = read_baselines(here.baselines_path)["simple_cnn"]["synthetic"]["measured"]
    assert entry.seeds == [0, 1, 2, 3, 4]
    records = here.pytester.path / "baseline_runs"
    assert len(list(records.iterdir())) == 5

    # Today's code gives other digits: no baseline is made of runs of both.
    here.accuracy["simple_cnn"] = 0.71
    result = here.update("-k", "simple_cnn", "--seeds", "6", "--reuse-runs")
    assert result.ret == NOT_JUDGED
    (line,) = lines(result, "not changed")
    assert "leave out --reuse-runs" in line
    assert read_baselines(here.baselines_path)["simple_cnn"]["synthetic"]["measured"] == entry
    assert len(list(records.iterdir())) == 5
