"""Baselines over several sessions: missing, recorded, used, updated."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from benchmarks.baselines import baselines_file
from benchmarks.night.exit_status import NOT_JUDGED, REGRESSION, STALE
from cifar_models.experiments import Experiment
from cifar_models.results.run import Fingerprints, Run
from cifar_models.storage.strict_json import to_json
from cifar_models.training import train as training
from cifar_models.training.watch import TrainingDiverged
from tests.benchmarks.sessions import (
    TABLE,
    Bench,
    entry,
    fingerprints_of,
    lines,
    trainings,
    update_command,
    words,
)
from tests.factories import make_baseline

pytestmark = pytest.mark.integration


def test_a_baseline_s_life_from_absent_to_updated(bench: Bench) -> None:
    # Absent: an error before anything is loaded, with the way to a first one.
    result = bench.benchmark()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith(f"ERROR: {bench.baselines_path}: found no such file, expected the baselines; ")
    assert "--update-baselines --seeds 30 --reason" in line
    assert bench.events == ["visible GPU []"]

    # Recorded: written with its runs, and not green, for nothing was judged.
    result = bench.update()
    result.assert_outcomes(passed=9, deselected=3)
    assert result.ret == NOT_JUDGED
    result.stdout.fnmatch_lines(
        [
            "*= baselines =*",
            f"{bench.baselines_path}: this run judged nothing and wrote",
            "experiment *data *metric *old mean *new mean *old tolerance *new tolerance*",
            "improved_cnn *synthetic *accuracy *none *0.7000 *none *0.0050*",
            "improved_cnn *synthetic *gap *none *0.1000 *none *0.0100*",
        ]
    )
    assert not lines(result, "= verdicts")
    recorded = bench.baselines_path.read_text(encoding="utf-8")
    for name in TABLE:
        measured = entry(recorded, name)["synthetic"]["measured"]
        assert measured["seeds"] == [0, 1, 2]
        assert measured["reason"] == "because"
    records = bench.pytester.path / "baseline_runs"
    assert {file.name for file in records.iterdir()} == {
        f"{name}.synthetic.seed{seed}.json" for name in TABLE for seed in range(3)
    }

    # Equal: the only outcome that is green.
    result = bench.benchmark("--seeds", "2")
    result.assert_outcomes(passed=9)
    assert result.ret == pytest.ExitCode.OK
    assert list(trainings(result)) == [(name, seed) for name in TABLE for seed in "01"]
    assert set(words(result).values()) == {"pass"}
    assert not lines(result, "baselines.json: this run")

    # Worse: a regression, said in the failure and in the summary.
    bench.accuracy["simple_cnn"], bench.gap["simple_cnn"] = 0.6, 0.2
    result = bench.benchmark()
    result.assert_outcomes(passed=5, failed=1)
    assert result.ret == REGRESSION
    result.stdout.fnmatch_lines(
        [
            "simple_cnn on synthetic: accuracy is a regression; gap is a regression; worst run is a regression",
            "  Accuracy 0.6000 (1 run) is 0.1000 below the baseline 0.7000 (mean of 3 runs, 0.7000 to 0.7000): "
            "regression. The allowance is 0.0050 either way by its tolerance: the smallest change worth acting on.",
            "  No confusion of two classes increased.",
            f"  Training got worse. If this is intended: {update_command('simple_cnn')}",
        ]
    )
    assert not lines(result, "Traceback|test_training.py:[0-9]+:")
    found = words(result)
    assert (found["simple_cnn", "accuracy"], found["simple_cnn", "gap"]) == ("regression", "regression")
    assert found["improved_cnn", "accuracy"] == "pass"

    # Better: fails too, in other words.
    bench.accuracy["simple_cnn"], bench.gap["simple_cnn"] = 0.8, 0.1
    result = bench.benchmark()
    result.assert_outcomes(passed=5, failed=1)
    assert result.ret == STALE
    result.stdout.fnmatch_lines(["simple_cnn on synthetic: accuracy makes the baseline stale", "*look for a leak*"])
    assert not lines(result, "regression")
    assert words(result)["simple_cnn", "accuracy"] == "stale"
    assert bench.baselines_path.read_text(encoding="utf-8") == recorded

    # Updated: the entry of what ran, and no other byte.
    result = bench.update("-k", "simple_cnn", "--seeds", "4")
    result.assert_outcomes(passed=4, deselected=11)
    assert result.ret == NOT_JUDGED
    result.stdout.fnmatch_lines(["simple_cnn *synthetic *accuracy *0.7000 *0.8000 *0.0050 *0.0050*"])
    updated = bench.baselines_path.read_text(encoding="utf-8")
    expected = json.loads(recorded)
    expected["baselines"]["simple_cnn"] = entry(updated, "simple_cnn")
    assert updated == to_json(expected)
    assert entry(updated, "simple_cnn")["synthetic"]["measured"]["metrics"]["accuracy"]["values"] == [0.8] * 4
    assert not lines(result, "not changed")
    assert len(list(records.glob("simple_cnn.*"))) == 4

    # Updated with fewer seeds: the records of others are gone.
    bench.update("-k", "simple_cnn")
    assert len(list(records.iterdir())) == 9

    result = bench.benchmark()
    result.assert_outcomes(passed=6)
    assert result.ret == pytest.ExitCode.OK


@pytest.mark.parametrize("part", ["data", "protocol", "weights"])
def test_a_fingerprint_that_differs_is_an_error_before_the_training(bench: Bench, part: str) -> None:
    fingerprints = dict(vars(fingerprints_of("vgg16_frozen"))) | {part: "sha256:other"}
    bench.record(vgg16_frozen=make_baseline(fingerprints=Fingerprints(**fingerprints)))
    result = bench.benchmark("--seeds", "2")
    result.assert_outcomes(passed=6, errors=3)
    assert result.ret == NOT_JUDGED
    result.stdout.fnmatch_lines(["*ERROR at setup of *vgg16_frozen-seed0*", f"*the {part} fingerprint differs*"])
    assert lines(result, re.escape(update_command("vgg16_frozen")))
    # Said in full once.
    assert len(lines(result, "^vgg16_frozen: no baseline, see above$")) == 2
    assert not [event for event in bench.trained if "vgg16_frozen" in event]
    assert trainings(result)["vgg16_frozen", "1"] == ["no baseline"]
    assert lines(result, "^vgg16_frozen .*not judged: not every training gave a run .seed 0: no baseline, seed 1: ")


def test_an_experiment_without_a_baseline_is_an_error_before_the_training(bench: Bench) -> None:
    bench.record(["simple_cnn", "vgg16_frozen"])
    result = bench.benchmark("-k", "cnn")
    result.assert_outcomes(passed=2, errors=2, deselected=2)
    assert result.ret == NOT_JUDGED
    result.stdout.fnmatch_lines(["improved_cnn on synthetic: found no baseline, expected one to compare with; *"])
    assert bench.trained == ["train simple_cnn 0 on none"]
    # Weights that no selected experiment starts from are not loaded.
    assert "weights vgg16" not in bench.events


def test_an_update_leaves_the_entry_of_a_training_that_diverged(bench: Bench) -> None:
    bench.record()
    before = bench.baselines_path.read_text(encoding="utf-8")
    bench.failures["simple_cnn", 1] = TrainingDiverged("the loss is nan")
    result = bench.update()
    result.assert_outcomes(passed=8, failed=1, deselected=3)
    assert result.ret == REGRESSION
    assert lines(result, "not changed") == ["not changed: simple_cnn: not every seed gave a run"]
    after = bench.baselines_path.read_text(encoding="utf-8")
    assert entry(after, "simple_cnn") == entry(before, "simple_cnn")
    assert entry(after, "improved_cnn") != entry(before, "improved_cnn")

    # Where nothing is left to write, the file is not touched, and that is said.
    result = bench.update("-k", "simple_cnn")
    assert result.ret == REGRESSION
    assert lines(result, "this run judged nothing") == [
        f"{bench.baselines_path}: this run judged nothing and wrote nothing"
    ]
    assert lines(result, "not changed") == ["not changed: simple_cnn: not every seed gave a run"]
    assert bench.baselines_path.read_text(encoding="utf-8") == after


def test_an_update_leaves_the_entry_of_runs_too_far_apart(bench: Bench) -> None:
    accuracies = iter((0.1, 0.75, 0.75))
    train = bench.train

    def scattered(experiment: Experiment, *args: Any, **options: Any) -> Run:
        bench.accuracy["simple_cnn"] = next(accuracies)
        return train(experiment, *args, **options)

    bench.record()
    before = bench.baselines_path.read_text(encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "train", scattered)
        result = bench.update("-k", "simple_cnn")
    assert result.ret == NOT_JUDGED
    result.stdout.fnmatch_lines(["not changed: simple_cnn: accuracy: found [[]0.1, 0.75, 0.75], expected *"])
    assert bench.baselines_path.read_text(encoding="utf-8") == before


def test_an_update_that_cannot_be_written_still_shows_what_was_measured(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    bench.record()
    before = bench.baselines_path.read_text(encoding="utf-8")
    monkeypatch.setattr(baselines_file, "write_whole", fail)
    result = bench.update("-k", "simple_cnn")
    result.assert_outcomes(passed=3, deselected=9)
    assert result.ret == NOT_JUDGED
    assert trainings(result)["simple_cnn", "2"][-1] == "trained"
    result.stdout.fnmatch_lines([f"{bench.baselines_path}: this run judged nothing and could not write: no space*"])
    assert bench.baselines_path.read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--mixed-precision"], "simple_cnn+mixed_float16"),
        (["--xla", "--mixed-precision"], "simple_cnn+mixed_float16+xla"),
        (["--held-out"], "simple_cnn+held_out"),
    ],
)
def test_a_variant_has_a_baseline_of_its_own_beside_the_experiment_s(
    bench: Bench, options: list[str], name: str
) -> None:
    bench.record(["simple_cnn"])
    plain = bench.baselines_path.read_text(encoding="utf-8")

    # There is none yet: an error before the training, with the command for a first one.
    result = bench.benchmark(*options, "-k", "simple_cnn")
    assert result.ret == NOT_JUDGED
    assert bench.trained == []
    line, *_ = lines(result, "found no baseline")  # where CI is set, the short summary says it in full too
    typed = " ".join(option for option in ("--held-out", "--mixed-precision", "--xla") if option in options)
    assert f"pytest -m benchmark --dataset synthetic {typed} -k {name} --seeds 30 --update-baselines" in line

    result = bench.update(*options, "-k", name)
    result.assert_outcomes(passed=3, deselected=9)
    assert [event.split()[1] for event in bench.trained] == [name] * 3
    updated = bench.baselines_path.read_text(encoding="utf-8")
    measured = entry(updated, name)
    assert measured["synthetic"]["measured"]["fingerprints"]["protocol"] == fingerprints_of(name).protocol
    expected = json.loads(plain)
    expected["baselines"][name] = measured
    assert updated == to_json(expected)
    records = bench.pytester.path / "baseline_runs"
    assert {file.name for file in records.iterdir()} == {f"{name}.synthetic.seed{seed}.json" for seed in range(3)}

    # Each is held against its own.
    bench.accuracy["simple_cnn"] = 0.6
    bench.update(*options, "-k", name)
    assert bench.benchmark(*options, "-k", "simple_cnn").ret == pytest.ExitCode.OK
    assert bench.benchmark("-k", "simple_cnn").ret == REGRESSION
