"""The options, by whole sessions: each bad value is one line before anything is loaded."""

from __future__ import annotations

import datetime
from pathlib import Path

import keras
import pytest

from benchmarks.baselines.baselines_file import write_baselines
from benchmarks.statistics.seeds import first_seed_of
from cifar_models import datasets
from cifar_models.datasets import Dataset, DatasetError
from cifar_models.experiments import variants_in_words
from cifar_models.training.features import SESSION_FEATURES, FeatureCache
from tests.benchmarks.sessions import (
    Bench,
    lines,
    night_folder,
)
from tests.factories import make_baseline

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--seeds", "0"], "--seeds: found 0, expected 1 or more"),
        (["--seeds", "-1"], "--seeds: found -1, expected 1 or more"),
        (["--seeds", "1001"], "--seeds: found 1001, expected at most 1000"),
        (["--update-baselines", "--seeds", "3"], "--update-baselines: found no --reason, expected why the"),
        (["--update-baselines", "--seeds", "3", "--reason", ""], "--update-baselines: found no --reason, exp"),
        (["--update-baselines", "--seeds", "3", "--reason", " "], "--update-baselines: found no --reason, exp"),
        (["--update-baselines", "--seeds", "2", "--reason", "r"], "--update-baselines: found --seeds 2, expected 3"),
        (["--update-baselines", "--reason", "r"], "--update-baselines: found --seeds 1, expected 3 or more"),
        (["--seeds", "3", "--max-seeds", "2"], "--max-seeds: found 2, expected 3 or more, as --seeds says"),
        (["--seeds", "3", "--max-seeds", "1001"], "--max-seeds: found 1001, expected at most 1000: others belong to"),
        (
            ["--update-baselines", "--seeds", "3", "--reason", "r", "--first-seed", "5"],
            "--first-seed: found '5' with --update-baselines, expected none: a baseline has the seeds from 0 on",
        ),
        (["--first-seed", "-1"], "--first-seed: found -1, expected 0 to 4294966295, or a day as YYYY-MM-DD"),
        (["--first-seed", "4294966296"], "--first-seed: found 4294966296, expected 0 to 4294966295, or a day"),
        (["--first-seed", "today"], "--first-seed: found today, expected 0 to 4294966295, or a day as YYYY-MM-DD"),
        (["--first-seed", "2026-02-30"], "--first-seed: day is out of range for month"),
        (["--first-seed", "1999-12-31"], "--first-seed: day: found 1999-12-31, expected 2000-01-01 or later"),
        *(
            (["--shard", text], f"--shard: found '{text}', expected a part K/N with K from 1 to N, such as 3/8")
            for text in ("3", "0/8", "9/8", "1/0", "3-8", "1/8/2", "", "a/b", "1.0/8")
        ),
        (["--shard", "1/2", "--report-dir", "r"], "--report-dir: found with --shard, which writes no page; give it to"),
        (
            ["--shard", "1/2", "--update-baselines", "--seeds", "3", "--reason", "r", "--reuse-runs"],
            "--reuse-runs: found with --shard, expected one of the two, because another shard may train the first seed",
        ),
        (
            ["--update-baselines", "--seeds", "3", "--reason", "r", "--exact"],
            "--exact: found with --update-baselines, which judges nothing; leave it out",
        ),
        (
            ["--update-baselines", "--seeds", "3", "--reason", "r", "--against", "published"],
            "--against: found with --update-baselines, which judges nothing; leave it out",
        ),
        (
            ["--update-baselines", "--seeds", "3", "--reason", "r", "--max-seeds", "9"],
            "--max-seeds: found with --update-baselines, which judges nothing; use --seeds alone",
        ),
        (["--false-alarm-rate", "0"], "--false-alarm-rate: found 0.0, expected a number above 0 and below 0.5"),
        (["--false-alarm-rate", "0.5"], "--false-alarm-rate: found 0.5, expected a number above 0 and below 0.5"),
        (["--false-alarm-rate", "nan"], "--false-alarm-rate: found nan, expected a number above 0 and below 0.5"),
        (["--reuse-runs"], "--reuse-runs: found without --update-baselines, expected both"),
        (["--reason", "r"], "--reason: found without --update-baselines, expected both"),
        (["--reason", ""], "--reason: found without --update-baselines, expected both"),
        (["--data-dir", "nowhere"], "--data-dir: found no folder nowhere, expected one"),
        (["--data-dir", "pyproject.toml"], "--data-dir: found no folder pyproject.toml, expected one"),
        (["--weights-dir", "nowhere"], "--weights-dir: found no folder nowhere, expected one"),
        (["--baselines", "nowhere.json"], "nowhere.json: found no such file, expected the baselines; "),
        (
            ["--update-baselines", "--seeds", "3", "--reason", "r", "--baselines", "nowhere/b.json"],
            "nowhere/b.json: found no folder nowhere, expected one; create it",
        ),
    ],
)
def test_a_bad_option_is_one_line_and_nothing_is_loaded(bench: Bench, options: list[str], expected: str) -> None:
    bench.record()
    result = bench.benchmark(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith(f"ERROR: {expected}")
    assert "Traceback" not in result.stdout.str()
    assert not [event for event in bench.events if not event.startswith("visible")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--seeds", "x"], "error: argument --seeds: invalid int value: 'x'"),
        (["--max-seeds", "1.5"], "error: argument --max-seeds: invalid int value: '1.5'"),
        (["--false-alarm-rate", "1%"], "error: argument --false-alarm-rate: invalid float value: '1%'"),
        (["--dataset", "mnist"], "error: argument --dataset: invalid choice: 'mnist' (choose from "),
    ],
)
def test_a_value_that_pytest_itself_refuses_is_named(bench: Bench, options: list[str], expected: str) -> None:
    result = bench.run("-m", "benchmark", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert expected in result.stderr.str()
    assert "Traceback" not in result.stderr.str()
    assert bench.events == []


def test_options_with_paths_are_refused_where_pytest_lost_its_configuration(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.record()
    monkeypatch.setattr(pytest.Config, "inipath", None)
    result = bench.benchmark("--run-dir=runs")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --run-dir: found no ini file*with an equals sign"])


def test_data_that_is_not_to_be_had_is_one_line(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def no_data(name: str, data_dir: Path | None) -> Dataset:
        asked.append((name, data_dir))
        raise DatasetError("cifar10: found no files, expected them; use --dataset synthetic")

    bench.record()
    monkeypatch.setattr(datasets, "load_dataset", no_data)
    result = bench.run("-m", "benchmark", "--data-dir", str(bench.pytester.path))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [
        "ERROR: cifar10: found no files, expected them; use --dataset synthetic"
    ]
    # CIFAR-10 is the default, and there is no silent switch to anything else.
    assert asked == [("cifar10", bench.pytester.path)]
    assert bench.trained == []


def test_baselines_of_an_unknown_experiment_are_one_line(bench: Bench) -> None:
    write_baselines(bench.baselines_path, {"old_cnn": {"synthetic": {"measured": make_baseline()}}})
    result = bench.benchmark()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line == (
        f"ERROR: {bench.baselines_path}: baselines of an unknown experiment: found 'old_cnn', expected one of "
        f"simple_cnn, vgg16_frozen, improved_cnn, or NAME{variants_in_words()}; remove this entry or restore "
        "the experiment"
    )
    assert bench.trained == []


def test_the_baselines_option_beats_the_ini_value(bench: Bench) -> None:
    bench.record()
    bench.baselines_path.rename(bench.pytester.path / "elsewhere.json")
    result = bench.benchmark("-k", "simple_cnn", "--baselines", "elsewhere.json", "-o", "baselines=nowhere.json")
    assert result.ret == pytest.ExitCode.OK
    result = bench.benchmark("-k", "simple_cnn", "-o", "baselines=elsewhere.json")
    assert result.ret == pytest.ExitCode.OK


def test_a_folder_that_cannot_be_made_is_one_line_before_any_training(bench: Bench) -> None:
    bench.record()
    (bench.pytester.path / "runs").write_text("a file", encoding="utf-8")
    result = bench.benchmark()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith("ERROR: --run-dir: ")
    assert bench.trained == []


def test_the_command_of_a_failure_repeats_what_the_session_trained_on(bench: Bench) -> None:
    bench.record()
    bench.accuracy["simple_cnn"] = 0.2
    result = bench.benchmark("-k", "simple_cnn", f"--weights-dir={bench.pytester.mkdir('my weights')}")
    line, *_ = lines(result, "Training got worse")  # in the summary too, where CI is set
    assert f"--dataset synthetic '--weights-dir={bench.pytester.path}/my weights' -k simple_cnn" in line


@pytest.mark.parametrize(("options", "features"), [((), SESSION_FEATURES), (("--no-feature-cache",), None)])
def test_a_frozen_part_runs_once_a_session_unless_told(
    bench: Bench, options: tuple[str, ...], features: FeatureCache | None
) -> None:
    bench.record()
    bench.benchmark("-k", "vgg16_frozen", *options)
    assert bench.features == [features]


def test_a_day_as_the_first_seed_repeats_that_day_s_night(bench: Bench) -> None:
    bench.record()
    result = bench.run("-m", "benchmark", "--dataset=synthetic", "--seeds=2", "--first-seed=2025-01-31", "-k", "simple")
    first = first_seed_of(datetime.date(2025, 1, 31))
    assert bench.trained == [f"train simple_cnn {seed} on none" for seed in (first, first + 1)]
    result.assert_outcomes(passed=3, skipped=1, deselected=7)  # the exact lane has nothing to repeat


def test_a_tilde_that_the_shell_has_left_is_the_home_folder(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.record()
    monkeypatch.setenv("HOME", str(bench.pytester.path / "home"))
    result = bench.benchmark("-k", "simple_cnn", "--run-dir=~/nights")
    assert result.ret == pytest.ExitCode.OK
    assert len(list((bench.pytester.path / "home/nights").iterdir())) == 1
    assert not (bench.pytester.path / "~").exists()


def test_the_ini_file_says_where_things_are_whatever_the_root_folder_is(bench: Bench) -> None:
    bench.record()
    result = bench.benchmark("-k", "simple_cnn", f"--rootdir={bench.pytester.mkdir('elsewhere')}")
    assert result.ret == pytest.ExitCode.OK
    assert night_folder(bench).is_dir()


@pytest.mark.parametrize(("option", "left_out"), [("--benchmark-only", "verdicts"), ("--benchmark-skip", "trainings")])
def test_options_that_leave_out_a_part_of_a_night_are_refused(bench: Bench, option: str, left_out: str) -> None:
    bench.record()
    result = bench.benchmark(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith(f"ERROR: {option}: found with benchmark items, expected none, because it skips {left_out}")
    assert bench.events == []


@pytest.mark.parametrize("option", ["--benchmark-only", "--benchmark-skip"])
def test_they_are_no_error_where_no_night_is_selected(bench: Bench, option: str) -> None:
    small = bench.pytester.makepyfile("def test_small(): pass")
    assert bench.run("-m", "not benchmark", option, str(small)).ret == pytest.ExitCode.OK


def test_a_session_that_measures_nothing_trains_and_judges(bench: Bench) -> None:
    bench.record()
    bench.benchmark("--benchmark-disable", "-k", "simple_cnn").assert_outcomes(passed=2, deselected=4)


@pytest.mark.parametrize(("name", "value"), [("KERAS_MAX_EPOCHS", "1"), ("KERAS_BACKEND", "jax")])
def test_settings_of_keras_that_no_training_can_run_with_are_one_line(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    bench.record()
    monkeypatch.setenv(name, value)
    result = bench.benchmark()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith(f"ERROR: {name}: found '{value}', expected ")
    assert bench.trained == []


def test_settings_of_keras_that_other_code_has_changed_are_set_back_before_a_test_runs(bench: Bench) -> None:
    bench.record()
    keras.config.set_floatx("float64")
    bench.benchmark()
    assert keras.config.floatx() == "float32"
