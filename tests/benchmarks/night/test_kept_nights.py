"""What sessions leave on disk, and go on with."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.night import night as night_module
from benchmarks.night.exit_status import NOT_JUDGED
from benchmarks.records.night_folder import NightFolder, NightRecord, read_night
from benchmarks.records.selection import Selection
from benchmarks.statistics.seeds import first_seed_of
from cifar_models import datasets
from cifar_models.results.environment import describe_environment
from cifar_models.results.run import Run
from cifar_models.results.run_files import read_run, write_run
from cifar_models.results.source_code import Code, describe_code
from tests.benchmarks.sessions import SYNTHETIC, Bench, night_folder, trainings, words

pytestmark = pytest.mark.integration


def test_each_training_leaves_its_record_in_the_night_s_folder(bench: Bench) -> None:
    bench.record()
    folder = bench.pytester.path / "new" / "runs"
    bench.accuracy["simple_cnn"] = 0.2  # what fails is worth a record above all
    result = bench.benchmark("-k", "simple_cnn", f"--run-dir={folder}")
    result.assert_outcomes(passed=1, failed=1, deselected=4)
    (night,) = folder.iterdir()
    assert sorted(file.name for file in night.glob("*.json")) == ["night.json", "simple_cnn.synthetic.seed0.json"]
    assert Run.from_json((night / "simple_cnn.synthetic.seed0.json").read_text(encoding="utf-8")).accuracy == 0.2
    record = read_night(night)
    assert record.ended is not None
    assert {(row.experiment, row.metric): row.word for row in record.verdicts}["simple_cnn", "accuracy"] == "regression"
    assert record.baselines["simple_cnn"].reason == "the first"
    result.stdout.fnmatch_lines([f"runs: {night}", "*= records =*", str(night)])


@pytest.mark.parametrize("options", [["--first-seed=5"], ["--first-seed=0"], ["--first-seed=2025-01-31"], []])
def test_a_resumed_night_trains_the_seeds_that_it_began_with(bench: Bench, options: list[str]) -> None:
    bench.changes = {"code": describe_code(), "environment": describe_environment()}
    bench.record()
    night = ("-m", "benchmark", "--dataset", "synthetic", "-k", "simple_cnn", "--seeds=2")
    whole = bench.run(*night, *options)
    seeds = set(trainings(whole))
    last = max(int(seed) for _, seed in seeds)
    bench.failures["simple_cnn", last] = KeyboardInterrupt()
    assert bench.run(*night, *options).ret == pytest.ExitCode.INTERRUPTED
    bench.failures.clear()
    resumed = bench.run(*night, "--resume")
    assert trainings(resumed).keys() == seeds
    assert all(read_night(folder).ended for folder in (bench.pytester.path / "runs").iterdir())


def _interrupted(bench: Bench, day: str, **record: Any) -> NightFolder:
    """Leave the folder of a night of this day without any run, locked as that of a running night."""
    first = first_seed_of(datetime.date.fromisoformat(day))
    values = {"dataset": "synthetic", "data": SYNTHETIC.fingerprint, "started": f"{day}T23:50:00+00:00", "ended": None}
    selection = Selection({"simple_cnn": [0, first, first + 1]}, ["simple_cnn"])
    return NightFolder.start(bench.pytester.path / "runs", NightRecord(**(values | record), selection=selection))


def test_a_newer_night_that_is_running_is_not_the_one_to_resume(bench: Bench) -> None:
    bench.record()
    older, running = _interrupted(bench, "2025-01-30"), _interrupted(bench, "2025-01-31")
    older.close()
    result = bench.run("-m", "benchmark", "--dataset=synthetic", "--seeds=2", "-k", "simple_cnn", "--resume")
    running.close()
    first = first_seed_of(datetime.date(2025, 1, 30))
    assert trainings(result).keys() == {("simple_cnn", str(seed)) for seed in (0, first, first + 1)}
    assert read_night(older.path).ended is not None
    assert read_night(running.path).ended is None


@pytest.mark.parametrize("options", [["--first-seed=0"], ["--update-baselines", "--reason=why"]])
def test_a_night_of_other_seeds_is_not_the_one_to_resume(bench: Bench, options: list[str]) -> None:
    bench.record()
    other = _interrupted(bench, "2025-01-31")
    other.close()
    before = read_night(other.path)
    result = bench.run("-m", "benchmark", "--dataset=synthetic", "--seeds=3", "-k", "simple_cnn", "--resume", *options)
    assert trainings(result).keys() == {("simple_cnn", str(seed)) for seed in range(3)}
    assert read_night(other.path) == before


def test_a_night_on_other_images_than_the_official_ones_is_resumed_with_its_seeds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = dataclasses.replace(SYNTHETIC, name="cifar10-unofficial")
    monkeypatch.setattr(datasets, "load_dataset", lambda *_: other)
    monkeypatch.setattr("tests.benchmarks.sessions.SYNTHETIC", other)
    bench.record()
    _interrupted(bench, "2025-01-30", dataset=other.name).close()
    result = bench.run("-m", "benchmark", "--seeds=2", "-k", "simple_cnn", "--resume")
    first = first_seed_of(datetime.date(2025, 1, 30))
    assert trainings(result).keys() == {("simple_cnn", str(seed)) for seed in (0, first, first + 1)}


def test_an_interrupted_night_is_resumed_with_the_runs_that_it_has(bench: Bench) -> None:
    code = describe_code()
    bench.changes = {"code": code, "environment": describe_environment()}
    bench.record()
    bench.failures["vgg16_frozen", 1] = KeyboardInterrupt()
    result = bench.benchmark("--seeds", "2")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert trainings(result)["simple_cnn", "1"][-1] == "trained"
    night = night_folder(bench)
    assert read_night(night).ended is None
    assert len(list(night.glob("*.seed?.json"))) == 3
    result.stdout.fnmatch_lines(["*= records =*", f"{night}: unfinished, --resume continues it"])

    # One record is cut short, one is of other code: both are named, and trained again.
    (night / "simple_cnn.synthetic.seed1.json").write_text('{"format": 2, ', encoding="utf-8")
    other = dataclasses.replace(read_run(night / "vgg16_frozen.synthetic.seed0.json"), code=Code("0ld", code.source))
    write_run(night, other)
    bench.failures.clear()
    result = bench.benchmark("--seeds", "2", "--resume")
    assert result.ret == pytest.ExitCode.OK
    assert night_folder(bench) == night
    assert "train simple_cnn 0 on none" not in bench.trained
    assert len(bench.trained) == 5
    result.stdout.fnmatch_lines(
        [
            f"runs: {night}, resumed with 1 of its runs",
            f"ignored, and trained again: {night}/simple_cnn.synthetic.seed1.json: *found no JSON*",
            f"trained again: vgg16_frozen seed 0: its commit is 0ld, not {code.commit}",
        ]
    )
    assert trainings(result)["simple_cnn", "0"][-1] == "taken from the interrupted night"
    assert set(words(result).values()) == {"pass"}
    assert read_night(night).ended is not None

    # Nothing is left to resume: a new night, and that is said.
    result = bench.benchmark("--resume")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*runs: found no interrupted night on this data with these seeds, started a new one"])
    assert len(list((bench.pytester.path / "runs").iterdir())) == 2


@pytest.mark.parametrize("full_for", [1, 100])
def test_a_record_that_cannot_be_kept_is_tried_again_and_named_if_it_is_lost(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, full_for: int
) -> None:
    attempts = []

    def full(folder: Path, run: Run) -> Path:
        if run.experiment == "simple_cnn":
            attempts.append(run)
            if len(attempts) <= full_for:
                raise OSError(28, "No space left on device")
        return write_run(folder, run)

    bench.record()
    monkeypatch.setattr(night_module, "write_run", full)
    result = bench.benchmark()
    result.assert_outcomes(passed=6)
    assert set(words(result).values()) == {"pass"}
    lost = full_for > 1
    assert len(list(night_folder(bench).glob("*.seed0.json"))) == (2 if lost else 3)
    assert (read_night(night_folder(bench)).ended is None) == lost
    assert result.ret == (NOT_JUDGED if lost else pytest.ExitCode.OK)
    expected = (
        "simple_cnn seed 0: trained, but its record could not be written ([Errno 28] No space left on device); fix "
        "this, then run with --resume, which trains it again and keeps the other runs"
    )
    assert (expected in result.outlines) == lost


def test_a_night_that_is_resumed_in_part_is_gone_on_with_until_all_of_it_is_judged(bench: Bench) -> None:
    bench.changes = {"code": describe_code(), "environment": describe_environment()}
    bench.record()
    bench.failures["improved_cnn", 0] = KeyboardInterrupt()
    assert bench.benchmark().ret == pytest.ExitCode.INTERRUPTED
    night = night_folder(bench)
    bench.failures.clear()

    result = bench.benchmark("--resume", "-k", "simple_cnn")
    assert result.ret == pytest.ExitCode.OK
    assert f"{night}: unfinished, --resume continues it" in result.outlines
    assert bench.trained == []
    assert read_night(night).ended is None

    result = bench.benchmark("--resume")
    assert result.ret == pytest.ExitCode.OK
    assert bench.trained == ["train improved_cnn 0 on none"]
    assert night_folder(bench) == night
    assert read_night(night).ended is not None
