"""The plugin, by whole pytest sessions within this one: outcome, exit status and words.

The training is a stub and so is what is trained on; all else, pyproject.toml and test_training.py included, is real.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import keras  # noqa: F401 - pytester forgets all modules that a session loads, and TensorFlow must not load twice
import pytest
import tensorflow as tf

import cifar_models.training.live_line  # noqa: F401 - for the same reason
from benchmarks.baselines import baselines
from benchmarks.baselines.baselines import Baseline, Baselines, write_baselines
from benchmarks.night import inputs as inputs_module  # noqa: F401 - for the same reason as keras
from benchmarks.night import night as night_module
from benchmarks.night.exit_status import NOT_JUDGED, REGRESSION, STALE, UNDECIDED
from benchmarks.records.night_folder import read_night
from benchmarks.report import page as render
from cifar_models import datasets, experiments
from cifar_models.datasets import Dataset, DatasetError
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import Experiment, Protocol, find_experiment
from cifar_models.models.pretrained import BackboneWeights, WeightsError
from cifar_models.results.environment import describe_environment
from cifar_models.results.run import Fingerprints, Run
from cifar_models.results.run_files import read_run, write_run
from cifar_models.results.source_code import Code, describe_code
from cifar_models.storage.strict_json import to_json
from cifar_models.training import train as training
from cifar_models.training.features import SESSION_FEATURES, FeatureCache
from cifar_models.training.progress import Progress
from cifar_models.training.watch import TrainingDiverged
from tests.factories import make_baseline, make_published, make_run

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
SYNTHETIC = load_synthetic(train_count=20, evaluation_count=10)
WEIGHTS = BackboneWeights("vgg16", "random (seed 0)", "sha256:weights", None, {})
TRAINING = "benchmarks/test_training.py::test_trains"
VERDICT = "benchmarks/test_training.py::test_verdict"

Stub = Callable[[int], Run | Exception]


def _never_built() -> Any:
    raise AssertionError("a stub of a training builds no model")


TABLE = {
    name: Experiment(name, _never_built, protocol, "a stub")
    for name, protocol in {
        "simple_cnn": Protocol(),
        "vgg16_frozen": Protocol(backbone="vgg16"),
        "improved_cnn": Protocol(learning_rate=0.5),
    }.items()
}


def fingerprints_of(name: str) -> Fingerprints:
    protocol = find_experiment(name).protocol
    weights = WEIGHTS.fingerprint if protocol.backbone else None
    return Fingerprints(SYNTHETIC.fingerprint, weights, protocol.fingerprint)


class Bench:
    """A project with the real plugin, whose trainings give what they are told to."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.accuracy = dict.fromkeys(TABLE, 0.7)
        self.gap = dict.fromkeys(TABLE, 0.1)
        self.failures: dict[tuple[str, int], BaseException] = {}
        self.events: list[str] = []
        self.reports: list[Path] = []
        self.features: list[FeatureCache | None] = []
        self.baselines_path = pytester.path / "baselines.json"

    @property
    def trained(self) -> list[str]:
        return [event for event in self.events if event.startswith("train ")]

    def run(self, *args: str) -> pytest.RunResult:
        self.events.clear()
        # As an entry point, the plugin was imported by the outer session, before its asserts could be rewritten.
        rewriting = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
        return self.pytester.runpytest_inprocess(
            "-p", "no:cacheprovider", "-W", rewriting, *args, no_reraise_ctrlc=True
        )

    def benchmark(self, *args: str) -> pytest.RunResult:
        return self.run("-m", "benchmark", "--dataset", "synthetic", "--seeds", "1", *args)

    def update(self, *args: str) -> pytest.RunResult:
        return self.benchmark("--update-baselines", "--seeds", "3", "--reason", "because", *args)

    def record(self, names: Iterable[str] = TABLE, **changed: Baseline) -> Baselines:
        """Write baselines that a training as told passes, with other entries for some experiments."""
        baselines: Baselines = {}
        for name in names:
            entry = changed.get(name) or make_baseline(
                accuracy=(0.7,) * 3, gap=(0.1,) * 3, fingerprints=fingerprints_of(name)
            )
            baselines[name] = {"synthetic": {"measured": entry}}
        write_baselines(self.baselines_path, baselines)
        return baselines

    def write_report(self, *arguments: Any) -> Path:
        self.reports.append(arguments[-1])
        return self.reports[-1] / render.PAGE

    def load_dataset(self, name: str, data_dir: Path | None = None) -> Dataset:
        self.events.append(f"load {name} {data_dir}")
        return SYNTHETIC

    def random_weights(self, backbone: str) -> BackboneWeights:
        self.events.append(f"weights {backbone}")
        return WEIGHTS

    def train(
        self,
        experiment: Experiment,
        dataset: Dataset,
        seed: int,
        *,
        weights: BackboneWeights | None,
        progress: Callable[[Progress], None] | None,
        features: FeatureCache | None,
    ) -> Run:
        self.features.append(features)
        assert dataset is SYNTHETIC
        self.events.append(f"train {experiment.name} {seed} on {weights.description if weights else 'none'}")
        for epoch in (1, 2):
            for step, validation_accuracy in ((1, None), (1, 0.5)):
                if progress:
                    progress(Progress(epoch, 2, step, 1, 0.25, validation_accuracy, 61.0))
        if failure := self.failures.get((experiment.name, seed)):
            raise failure
        return make_run(
            experiment.name,
            seed,
            accuracy=self.accuracy[experiment.name.partition("+")[0]],
            gap=self.gap[experiment.name.partition("+")[0]],
            dataset=dataset.name,
            weights=weights.description if weights else "none",
            fingerprints=fingerprints_of(experiment.name),
        )


@pytest.fixture
def bench(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Bench:
    bench = Bench(pytester)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setattr(render, "write_report", bench.write_report)  # half a second of drawing for each session
    monkeypatch.setattr(training, "train", bench.train)
    monkeypatch.setattr(experiments, "EXPERIMENTS", TABLE)
    monkeypatch.setattr(datasets, "load_dataset", bench.load_dataset)
    monkeypatch.setattr(training, "random_weights", bench.random_weights)
    monkeypatch.setattr(
        tf.config, "set_visible_devices", lambda devices, kind: bench.events.append(f"visible {kind} {devices}")
    )
    pytester.makeconftest('pytest_plugins = ["benchmarks.plugin"]')
    shutil.copy(ROOT / "pyproject.toml", pytester.path)
    pytester.mkdir("benchmarks")
    shutil.copy(ROOT / "benchmarks/test_training.py", pytester.path / "benchmarks")
    return bench


def _update_command(experiment: str) -> str:
    return (
        f"pytest -m benchmark --dataset synthetic -k {experiment} --seeds 10 --update-baselines "
        "--reason 'why it changed'"
    )


def _lines(result: pytest.RunResult, pattern: str) -> list[str]:
    return [line for line in result.outlines if re.search(pattern, line)]


def _table(result: pytest.RunResult, title: str) -> dict[tuple[str, str], list[str]]:
    """Return the lines of a table by their first two cells, each split at its wide gaps."""
    start = next(number for number, line in enumerate(result.outlines) if f"= {title} " in line)
    end = next(number for number, line in enumerate(result.outlines) if number > start and line.startswith("="))
    rows = [re.split(r"\s{2,}", line) for line in result.outlines[start + 3 : end]]
    return {(row[0], row[1]): row[2:] for row in rows}


def _trainings(result: pytest.RunResult) -> dict[tuple[str, str], list[str]]:
    return _table(result, "trainings on")


def _words(result: pytest.RunResult) -> dict[tuple[str, str], str]:
    """Return each verdict's word by experiment and metric."""
    return {key: cells[-1] for key, cells in _table(result, "verdicts,").items() if cells}


def _entry(text: str, name: str) -> Any:
    return json.loads(text)["baselines"][name]


def test_a_baseline_s_life_from_absent_to_updated(bench: Bench) -> None:
    # Absent: an error before anything is loaded, with the way to a first one.
    result = bench.benchmark()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith(f"ERROR: {bench.baselines_path}: found no such file, expected the baselines; ")
    assert "--update-baselines --seeds 10 --reason" in line
    assert bench.events == ["visible GPU []"]

    # Recorded: written with its runs, and not green, for nothing was judged.
    result = bench.update()
    result.assert_outcomes(passed=9, deselected=3)
    assert result.ret == NOT_JUDGED
    result.stdout.fnmatch_lines(
        [
            "*= baselines =*",
            f"{bench.baselines_path}: this run judged nothing, it wrote",
            "experiment *data *metric *old mean *new mean *old tolerance *new tolerance*",
            "improved_cnn *synthetic *accuracy *none *0.7000 *none *0.0100*",
            "improved_cnn *synthetic *gap *none *0.1000 *none *0.0100*",
        ]
    )
    assert not _lines(result, "= verdicts")
    recorded = bench.baselines_path.read_text(encoding="utf-8")
    for name in TABLE:
        entry = _entry(recorded, name)["synthetic"]["measured"]
        assert entry["seeds"] == [0, 1, 2]
        assert entry["reason"] == "because"
    records = bench.pytester.path / "baseline_runs"
    assert {file.name for file in records.iterdir()} == {
        f"{name}.synthetic.seed{seed}.json" for name in TABLE for seed in range(3)
    }

    # Equal: the only outcome that is green.
    result = bench.benchmark("--seeds", "2")
    result.assert_outcomes(passed=9)
    assert result.ret == pytest.ExitCode.OK
    assert list(_trainings(result)) == [(name, seed) for name in TABLE for seed in "01"]
    assert set(_words(result).values()) == {"pass"}
    assert not _lines(result, "baselines.json: this run")

    # Worse: a regression, said in the failure and in the summary.
    bench.accuracy["simple_cnn"], bench.gap["simple_cnn"] = 0.6, 0.2
    result = bench.benchmark()
    result.assert_outcomes(passed=5, failed=1)
    assert result.ret == REGRESSION
    result.stdout.fnmatch_lines(
        [
            "simple_cnn on synthetic: accuracy is a regression",
            "  0.6000 (mean of 1 run) is 0.1000 below the baseline 0.7000 (mean of 3 runs, 0.7000 to 0.7000);",
            "  allowed is 0.0100 either way: the smallest change worth acting on.",
            "simple_cnn on synthetic: gap is a regression",
            "  No confusion of two classes grew.",
            f"  Training got worse. If that was meant: {_update_command('simple_cnn')}",
        ]
    )
    assert not _lines(result, "Traceback|test_training.py:[0-9]+:")
    words = _words(result)
    assert (words["simple_cnn", "accuracy"], words["simple_cnn", "gap"]) == ("regression", "regression")
    assert words["improved_cnn", "accuracy"] == "pass"

    # Better: fails too, in other words.
    bench.accuracy["simple_cnn"], bench.gap["simple_cnn"] = 0.8, 0.1
    result = bench.benchmark()
    result.assert_outcomes(passed=5, failed=1)
    assert result.ret == STALE
    result.stdout.fnmatch_lines(["simple_cnn on synthetic: accuracy makes the baseline stale", "*look for a leak*"])
    assert not _lines(result, "regression")
    assert _words(result)["simple_cnn", "accuracy"] == "stale"
    assert bench.baselines_path.read_text(encoding="utf-8") == recorded

    # Updated: the entry of what ran, and no other byte.
    result = bench.update("-k", "simple_cnn", "--seeds", "4")
    result.assert_outcomes(passed=4, deselected=11)
    assert result.ret == NOT_JUDGED
    result.stdout.fnmatch_lines(["simple_cnn *synthetic *accuracy *0.7000 *0.8000 *0.0100 *0.0100*"])
    updated = bench.baselines_path.read_text(encoding="utf-8")
    expected = json.loads(recorded)
    expected["baselines"]["simple_cnn"] = _entry(updated, "simple_cnn")
    assert updated == to_json(expected)
    assert _entry(updated, "simple_cnn")["synthetic"]["measured"]["metrics"]["accuracy"]["values"] == [0.8] * 4
    assert not _lines(result, "left as it was")
    assert len(list(records.glob("simple_cnn.*"))) == 4

    # Updated with fewer seeds: the records of others are gone.
    bench.update("-k", "simple_cnn")
    assert len(list(records.iterdir())) == 9

    result = bench.benchmark()
    result.assert_outcomes(passed=6)
    assert result.ret == pytest.ExitCode.OK


def test_a_night_says_beforehand_what_it_trains_on_and_afterwards_what_came_of_it(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    baselines = bench.record()
    baselines["simple_cnn"]["cifar10"] = {"published": make_published()}
    write_baselines(bench.baselines_path, baselines)
    result = bench.benchmark()
    assert result.ret == pytest.ExitCode.OK
    # The GPUs are hidden before anything could use them, and each thing is loaded once.
    assert bench.events == [
        "visible GPU []",
        "load synthetic None",
        "weights vgg16",
        "train simple_cnn 0 on none",
        "train vgg16_frozen 0 on random (seed 0)",
        "train improved_cnn 0 on none",
    ]
    result.stdout.fnmatch_lines(
        [
            f"data: synthetic, 20 train and 10 evaluation images, {SYNTHETIC.fingerprint}",
            "device: CPU on *",
            f"packages: tensorflow {tf.__version__}, keras *, numpy *, scikit-learn *, h5py *",
            "weights of vgg16: random (seed 0), sha256:weights",
            "*benchmarks?test_training.py*",
            "*= trainings on synthetic; backbones from random (seed 0) =*",
            "experiment *seed *accuracy *gap *epochs *minutes *training*",
            "*= published comparison =*",
            "experiment *published accuracy *ours *published gap *ours *seeds *data *weights*",
            "simple_cnn *0.6763 *0.7000 *0.1690 *0.1000 *1 *synthetic *none*",
            "*= verdicts, false-alarm rate 0.01 a night =*",
            "experiment *metric *baseline *today *seeds *difference *allowance *by *catches *verdict*",
        ],
    )
    assert _trainings(result) == {(name, "0"): ["0.7000", "0.1000", "2", "1.5", "trained"] for name in TABLE}
    allowed = ["0.0400", "tolerance", "0.0400", "pass"]
    assert _table(result, "verdicts,") == {
        (name, metric): [mean, mean, "1", "+0.0000", *allowed]
        for name in TABLE
        for metric, mean in (("accuracy", "0.7000"), ("gap", "0.1000"), ("F1 of cat", "0.6000"))
    }
    # Where there is no terminal, progress is a line an epoch, each on its own.
    assert _lines(result, "epoch") == [
        line
        for name in TABLE
        for line in (
            f"{name} seed 0  epoch 1/2  accuracy 0.5000 (train 0.2500)  at most 1:01 left",
            f"{name} seed 0  epoch 2/2  accuracy 0.5000 (train 0.2500)  at most 1:01 left",
        )
    ] + _lines(result, "^experiment .*epochs")
    assert "\r" not in capsys.readouterr().out  # pytester's own lines end at a carriage return


@pytest.mark.parametrize("part", ["data", "protocol", "weights"])
def test_a_fingerprint_that_differs_is_an_error_before_the_training(bench: Bench, part: str) -> None:
    fingerprints = dict(vars(fingerprints_of("vgg16_frozen"))) | {part: "sha256:other"}
    bench.record(vgg16_frozen=make_baseline(fingerprints=Fingerprints(**fingerprints)))
    result = bench.benchmark("--seeds", "2")
    result.assert_outcomes(passed=6, errors=3)
    assert result.ret == NOT_JUDGED
    result.stdout.fnmatch_lines(["*ERROR at setup of *vgg16_frozen-seed0*", f"*the {part} fingerprint differs*"])
    assert _lines(result, re.escape(_update_command("vgg16_frozen")))
    # Said in full once.
    assert len(_lines(result, "^vgg16_frozen: no baseline, as said above$")) == 2
    assert not [event for event in bench.trained if "vgg16_frozen" in event]
    assert _trainings(result)["vgg16_frozen", "1"] == ["no baseline"]
    assert _lines(result, "^vgg16_frozen .*not judged: not every training gave a run .seed 0: no baseline, seed 1: ")


def test_an_experiment_without_a_baseline_is_an_error_before_the_training(bench: Bench) -> None:
    bench.record(["simple_cnn", "vgg16_frozen"])
    result = bench.benchmark("-k", "cnn")
    result.assert_outcomes(passed=2, errors=2, deselected=2)
    assert result.ret == NOT_JUDGED
    result.stdout.fnmatch_lines(["improved_cnn on synthetic: found no baseline, expected one to compare with; *"])
    assert bench.trained == ["train simple_cnn 0 on none"]
    # Weights that no selected experiment starts from are not loaded.
    assert "weights vgg16" not in bench.events


def test_a_training_that_diverges_fails_and_is_in_the_trainings(bench: Bench) -> None:
    bench.record()
    bench.failures["simple_cnn", 1] = TrainingDiverged("the loss is nan since epoch 1, step 2: the learning rate")
    result = bench.benchmark("--seeds", "2")
    result.assert_outcomes(passed=7, failed=2)
    assert result.ret == REGRESSION
    result.stdout.fnmatch_lines(["simple_cnn seed 1: the loss is nan since epoch 1, step 2: the learning rate"])
    assert "Traceback" not in result.stdout.str()
    assert _trainings(result)["simple_cnn", "1"] == ["diverged"]
    assert _trainings(result)["simple_cnn", "0"][-1] == "trained"
    why = "not every training gave a run (seed 1: diverged)"
    assert f"simple_cnn: not judged, {why}" in result.outlines
    assert _lines(result, rf"^simple_cnn +not judged: {re.escape(why)}")
    assert _words(result)["improved_cnn", "accuracy"] == "pass"


def test_an_update_leaves_the_entry_of_a_training_that_diverged(bench: Bench) -> None:
    bench.record()
    before = bench.baselines_path.read_text(encoding="utf-8")
    bench.failures["simple_cnn", 1] = TrainingDiverged("the loss is nan")
    result = bench.update()
    result.assert_outcomes(passed=8, failed=1, deselected=3)
    assert result.ret == REGRESSION
    assert _lines(result, "left as it was") == ["left as it was: simple_cnn, for not every seed gave a run"]
    after = bench.baselines_path.read_text(encoding="utf-8")
    assert _entry(after, "simple_cnn") == _entry(before, "simple_cnn")
    assert _entry(after, "improved_cnn") != _entry(before, "improved_cnn")

    # Where nothing is left to write, the file is not touched, and that is said.
    result = bench.update("-k", "simple_cnn")
    assert result.ret == REGRESSION
    assert _lines(result, "this run judged nothing") == [
        f"{bench.baselines_path}: this run judged nothing and wrote nothing"
    ]
    assert _lines(result, "left as it was") == ["left as it was: simple_cnn, for not every seed gave a run"]
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
    result.stdout.fnmatch_lines(["left as it was: simple_cnn, for accuracy: found 0.1000, 0.7500, 0.7500, expected *"])
    assert bench.baselines_path.read_text(encoding="utf-8") == before


def test_an_update_that_cannot_be_written_still_shows_what_was_measured(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    bench.record()
    before = bench.baselines_path.read_text(encoding="utf-8")
    monkeypatch.setattr(baselines, "write_whole", fail)
    result = bench.update("-k", "simple_cnn")
    result.assert_outcomes(passed=3, deselected=9)
    assert result.ret == NOT_JUDGED
    assert _trainings(result)["simple_cnn", "2"][-1] == "trained"
    result.stdout.fnmatch_lines([f"{bench.baselines_path}: this run judged nothing and could not write: no space*"])
    assert bench.baselines_path.read_text(encoding="utf-8") == before


def test_weights_not_to_be_had_are_the_error_of_their_experiments_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_weights(backbone: str) -> BackboneWeights:
        raise WeightsError(f"{backbone}: found no file, expected Keras's")

    bench.record()
    monkeypatch.setattr(training, "random_weights", no_weights)
    result = bench.benchmark()
    result.assert_outcomes(passed=4, errors=2)
    assert result.ret == NOT_JUDGED
    result.stdout.fnmatch_lines(
        [
            "weights of vgg16: NOT AVAILABLE, its experiments end in an error (vgg16: found no file, *",
            "*ERROR at setup of *vgg16_frozen-seed0*",
            "vgg16: found no file, expected Keras's",  # and no traceback of how it was found out
            "*= trainings on synthetic =*",
        ]
    )
    assert not _lines(result, "Traceback|another exception")
    assert bench.trained == ["train simple_cnn 0 on none", "train improved_cnn 0 on none"]
    assert _trainings(result)["vgg16_frozen", "0"] == ["no weights"]
    assert _words(result)["improved_cnn", "accuracy"] == "pass"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--seeds", "0"], "--seeds: found 0, expected 1 or more"),
        (["--seeds", "-1"], "--seeds: found -1, expected 1 or more"),
        (["--update-baselines", "--seeds", "3"], "--update-baselines: found no --reason, expected why the"),
        (["--update-baselines", "--seeds", "3", "--reason", ""], "--update-baselines: found no --reason, exp"),
        (["--update-baselines", "--seeds", "3", "--reason", " "], "--update-baselines: found no --reason, exp"),
        (["--update-baselines", "--seeds", "2", "--reason", "r"], "--update-baselines: found --seeds 2, expected 3"),
        (["--update-baselines", "--reason", "r"], "--update-baselines: found --seeds 1, expected 3 or more"),
        (["--seeds", "3", "--max-seeds", "2"], "--max-seeds: found 2, expected 3 or more, as --seeds says"),
        (
            ["--update-baselines", "--seeds", "3", "--reason", "r", "--max-seeds", "9"],
            "--max-seeds: found with --update-baselines, which judges nothing; use --seeds alone",
        ),
        (["--false-alarm-rate", "0"], "--false-alarm-rate: found 0.0, expected a number above 0 and below 0.5"),
        (["--false-alarm-rate", "0.5"], "--false-alarm-rate: found 0.5, expected a number above 0 and below 0.5"),
        (["--false-alarm-rate", "nan"], "--false-alarm-rate: found nan, expected a number above 0 and below 0.5"),
        (["--reason", "r"], "--reason: found without --update-baselines, which it is for"),
        (["--reason", ""], "--reason: found without --update-baselines, which it is for"),
        (["--data-dir", "nowhere"], "--data-dir: found no folder nowhere, expected one"),
        (["--data-dir", "pyproject.toml"], "--data-dir: found no folder pyproject.toml, expected one"),
        (["--weights-dir", "nowhere"], "--weights-dir: found no folder nowhere, expected one"),
        (["--baselines", "nowhere.json"], "nowhere.json: found no such file, expected the baselines; "),
        (
            ["--update-baselines", "--seeds", "3", "--reason", "r", "--baselines", "nowhere/b.json"],
            "nowhere/b.json: found no folder nowhere, expected one to write the baselines into",
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
        "simple_cnn, vgg16_frozen, improved_cnn, or NAME[+mixed_float16][+xla]; remove that entry or bring its "
        "experiment back"
    )
    assert bench.trained == []


def test_the_baselines_option_beats_the_ini_value(bench: Bench) -> None:
    bench.record()
    bench.baselines_path.rename(bench.pytester.path / "elsewhere.json")
    result = bench.benchmark("-k", "simple_cnn", "--baselines", "elsewhere.json", "-o", "baselines=nowhere.json")
    assert result.ret == pytest.ExitCode.OK
    result = bench.benchmark("-k", "simple_cnn", "-o", "baselines=elsewhere.json")
    assert result.ret == pytest.ExitCode.OK


def test_a_selection_of_nothing_loads_nothing(bench: Bench) -> None:
    result = bench.benchmark("-k", "no_such_experiment")
    result.assert_outcomes(deselected=6)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert bench.events == []


def test_a_list_of_the_items_loads_nothing(bench: Bench) -> None:
    result = bench.benchmark("--collect-only", "-q", "--seeds", "2")
    assert result.ret == pytest.ExitCode.OK
    trainings = [f"{TRAINING}[{name}-seed{seed}]" for name in TABLE for seed in range(2)]
    assert _lines(result, "::") == trainings + [f"{VERDICT}[{name}]" for name in TABLE]
    assert bench.events == []


def _simulate_gpus(bench: Bench, monkeypatch: pytest.MonkeyPatch, gpus: list[str]) -> None:
    def grow(gpu: str, on: bool) -> None:
        bench.events.append(f"memory growth of {gpu} {'on' if on else 'off'}")

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: {"GPU": gpus}[kind])
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: {"GPU": gpus}[kind])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", grow)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": f"Model {gpu}"})


def test_gpu_without_a_gpu_is_one_line_and_nothing_is_loaded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.record()
    _simulate_gpus(bench, monkeypatch, [])
    result = bench.benchmark("--gpu")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith("ERROR: --gpu: found no GPU that TensorFlow can see, expected at least one: check")
    assert line.endswith("; or leave --gpu out to train on the CPU")
    assert bench.events == []


def test_gpu_with_a_gpu_trains_and_hides_none(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.record()
    _simulate_gpus(bench, monkeypatch, ["A", "B"])
    result = bench.benchmark("--gpu", "-k", "simple_cnn")
    result.assert_outcomes(passed=2, deselected=4)
    assert result.ret == pytest.ExitCode.OK
    assert bench.events == [
        "memory growth of A on",
        "memory growth of B on",
        "load synthetic None",
        "train simple_cnn 0 on none",
    ]
    result.stdout.fnmatch_lines(["device: Model A on *"])


def test_gpus_whose_memory_is_taken_already_are_one_line(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_use(*_: object) -> None:
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    _simulate_gpus(bench, monkeypatch, ["A"])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", in_use)
    result = bench.benchmark("--gpu")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith("ERROR: --gpu: found the GPUs in use by this process already (Physical devices cannot")
    assert bench.events == []


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--mixed-precision"], "simple_cnn+mixed_float16"),
        (["--xla", "--mixed-precision"], "simple_cnn+mixed_float16+xla"),
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
    line, *_ = _lines(result, "found no baseline")  # where CI is set, the short summary says it in full too
    typed = " ".join(option for option in ("--mixed-precision", "--xla") if option in options)
    assert f"pytest -m benchmark --dataset synthetic {typed} -k {name} --seeds 10 --update-baselines" in line

    result = bench.update(*options, "-k", name)
    result.assert_outcomes(passed=3, deselected=9)
    assert [event.split()[1] for event in bench.trained] == [name] * 3
    updated = bench.baselines_path.read_text(encoding="utf-8")
    entry = _entry(updated, name)
    assert entry["synthetic"]["measured"]["fingerprints"]["protocol"] == fingerprints_of(name).protocol
    expected = json.loads(plain)
    expected["baselines"][name] = entry
    assert updated == to_json(expected)
    records = bench.pytester.path / "baseline_runs"
    assert {file.name for file in records.iterdir()} == {f"{name}.synthetic.seed{seed}.json" for seed in range(3)}

    # Each is held against its own.
    bench.accuracy["simple_cnn"] = 0.6
    bench.update(*options, "-k", name)
    assert bench.benchmark(*options, "-k", "simple_cnn").ret == pytest.ExitCode.OK
    assert bench.benchmark("-k", "simple_cnn").ret == REGRESSION


def test_gpus_that_can_no_longer_be_hidden_are_one_line(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_use(*_: object) -> None:
        raise RuntimeError("Visible devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config, "set_visible_devices", in_use)
    result = bench.benchmark()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith("ERROR: the GPUs cannot be hidden (Visible devices cannot be modified")
    assert bench.events == []


@pytest.fixture
def small_tests(bench: Bench) -> Bench:
    bench.pytester.mkdir("tests")
    (bench.pytester.path / "tests/test_small.py").write_text(
        "import pytest\n"
        "def test_unmarked(): pass\n"
        "@pytest.mark.unit\n"
        "def test_unit(): pass\n"
        "@pytest.mark.property\n"
        "def test_property(): pass\n",
        encoding="utf-8",
    )
    return bench


@pytest.mark.parametrize(("options", "passed"), [([], 3), (["-m", "unit"], 2), (["-m", "unit and not property"], 1)])
def test_no_training_is_started_but_by_its_mark(small_tests: Bench, options: list[str], passed: int) -> None:
    result = small_tests.run(*options)
    result.assert_outcomes(passed=passed, deselected=15 - passed)
    assert result.ret == pytest.ExitCode.OK
    assert small_tests.events == []
    assert not _lines(result, "data:|trainings on")


def test_a_package_that_cannot_be_imported_is_a_collection_error_of_pytest_s(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.pytester.makepyfile("import benchmarks.night.night")
    monkeypatch.setitem(sys.modules, "benchmarks.night.night", None)
    result = bench.run("-m", "unit")
    assert result.ret == pytest.ExitCode.INTERRUPTED, "git bisect run takes 1 for a commit that trains badly"


def test_a_mark_that_is_not_declared_is_an_error(bench: Bench) -> None:
    (bench.pytester.path / "benchmarks/test_marks.py").write_text(
        "import pytest\n@pytest.mark.bencmark\ndef test_misspelt(): pass\n", encoding="utf-8"
    )
    bench.record()
    result = bench.benchmark()
    result.assert_outcomes(errors=1)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*'bencmark' not found in `markers` configuration option*"])
    assert bench.trained == []


def test_a_terminal_s_line_is_gone_before_the_outcome_is_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.record()
    monkeypatch.setattr("_pytest.compat.CallableBool.__bool__", lambda _: True)
    result = bench.benchmark("-k", "simple_cnn")
    assert result.ret == pytest.ExitCode.OK
    assert re.search(r"\rsimple_cnn seed 0  epoch 2/2 .*left\r +\r\.", capsys.readouterr().out)


def test_the_command_of_a_failure_repeats_what_the_session_trained_on(bench: Bench) -> None:
    bench.record()
    bench.accuracy["simple_cnn"] = 0.2
    result = bench.benchmark("-k", "simple_cnn", f"--weights-dir={bench.pytester.mkdir('my weights')}")
    line, *_ = _lines(result, "Training got worse")  # in the summary too, where CI is set
    assert f"--dataset synthetic '--weights-dir={bench.pytester.path}/my weights' -k simple_cnn" in line


def _night_folder(bench: Bench) -> Path:
    (folder,) = (bench.pytester.path / "runs").iterdir()
    return folder


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


def test_an_interrupted_night_is_resumed_with_the_runs_that_it_has(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, environment = describe_code(), describe_environment()
    train = bench.train

    def as_now(*args: Any, **options: Any) -> Run:
        return dataclasses.replace(train(*args, **options), code=code, environment=environment)

    monkeypatch.setattr(training, "train", as_now)
    bench.record()
    bench.failures["vgg16_frozen", 1] = KeyboardInterrupt()
    result = bench.benchmark("--seeds", "2")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert _trainings(result)["simple_cnn", "1"][-1] == "trained"
    night = _night_folder(bench)
    assert read_night(night).ended is None
    assert len(list(night.glob("*.seed?.json"))) == 3
    result.stdout.fnmatch_lines(["*= records =*", f"{night}: unfinished, --resume goes on with it"])

    # One record is cut short, one is of other code: both are named, and trained anew.
    (night / "simple_cnn.synthetic.seed1.json").write_text('{"format": 2, ', encoding="utf-8")
    other = dataclasses.replace(read_run(night / "vgg16_frozen.synthetic.seed0.json"), code=Code("0ld", code.source))
    write_run(night, other)
    bench.failures.clear()
    result = bench.benchmark("--seeds", "2", "--resume")
    assert result.ret == pytest.ExitCode.OK
    assert _night_folder(bench) == night
    assert "train simple_cnn 0 on none" not in bench.trained
    assert len(bench.trained) == 5
    result.stdout.fnmatch_lines(
        [
            f"runs: {night}, resumed with 1 of its runs",
            f"ignored, and trained anew: {night}/simple_cnn.synthetic.seed1.json: *found no JSON*",
            f"trained anew: vgg16_frozen seed 0, for it is of commit 0ld, not {code.commit}",
        ]
    )
    assert _trainings(result)["simple_cnn", "0"][-1] == "taken from the interrupted night"
    assert set(_words(result).values()) == {"pass"}
    assert read_night(night).ended is not None

    # Nothing is left to resume: a new night, and that is said.
    result = bench.benchmark("--resume")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*runs: found no interrupted night on these data to resume, started a new one"])
    assert len(list((bench.pytester.path / "runs").iterdir())) == 2


def test_a_folder_that_cannot_be_made_is_one_line_before_any_training(bench: Bench) -> None:
    bench.record()
    (bench.pytester.path / "runs").write_text("a file", encoding="utf-8")
    result = bench.benchmark()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith("ERROR: --run-dir: ")
    assert bench.trained == []


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
    assert set(_words(result).values()) == {"pass"}
    lost = full_for > 1
    assert len(list(_night_folder(bench).glob("*.seed0.json"))) == (2 if lost else 3)
    assert (read_night(_night_folder(bench)).ended is None) == lost
    assert result.ret == (NOT_JUDGED if lost else pytest.ExitCode.OK)
    expected = (
        "simple_cnn seed 0: trained, and its record could not be kept ([Errno 28] No space left on device): put that "
        "right, and --resume trains it anew and takes the runs that were kept"
    )
    assert (expected in result.outlines) == lost


def test_a_training_out_of_memory_gives_no_run_and_is_no_regression(bench: Bench) -> None:
    bench.record()
    bench.failures["simple_cnn", 1] = MemoryError("Unable to allocate 3 TiB\nfor an array")
    bench.failures["improved_cnn", 0] = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    result = bench.benchmark("--seeds", "2")
    result.assert_outcomes(passed=5, failed=4)
    assert result.ret == NOT_JUDGED
    remedy = "free some or train fewer at a time, and --resume trains it"
    assert f"simple_cnn seed 1: out of memory (Unable to allocate 3 TiB): {remedy}" in result.outlines
    assert f"improved_cnn seed 0: out of memory (OOM when allocating tensor): {remedy}" in result.outlines
    assert _trainings(result)["simple_cnn", "1"] == ["out of memory"]
    assert _words(result)["vgg16_frozen", "accuracy"] == "pass"
    # What came of it may come out otherwise the next time: the night can be resumed.
    assert read_night(_night_folder(bench)).ended is None


@pytest.mark.parametrize("failure", [RuntimeError("a bug"), TrainingDiverged("the loss is nan")])
def test_an_error_of_the_code_is_a_failure_whatever_else_was_not_judged(bench: Bench, failure: Exception) -> None:
    bench.record()
    bench.failures["simple_cnn", 0] = MemoryError()
    bench.failures["improved_cnn", 0] = failure
    assert bench.benchmark().ret == REGRESSION


def test_options_with_paths_are_refused_where_pytest_lost_its_configuration(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.record()
    monkeypatch.setattr(pytest.Config, "inipath", None)
    result = bench.benchmark("--run-dir=runs")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --run-dir: pytest found no configuration*with an equals sign"])


def test_a_night_trains_three_seeds_unless_told(bench: Bench) -> None:
    bench.record()
    result = bench.run("-m", "benchmark", "--dataset", "synthetic", "-k", "simple_cnn")
    assert result.ret == pytest.ExitCode.OK
    assert bench.trained == [f"train simple_cnn {seed} on none" for seed in range(3)]


def test_an_undecided_verdict_trains_further_seeds_until_it_is_decided(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    spread = (-0.01, 0.0, 0.01, -0.005, 0.005)
    baseline = make_baseline(
        accuracy=[0.7 + step for step in spread],
        gap=(0.1,) * 5,
        tolerance=0.005,
        fingerprints=fingerprints_of("simple_cnn"),
    )
    bench.record(simple_cnn=baseline)
    first = [0.66 + step for step in spread[:3]]
    further: list[float] = []
    train = bench.train

    def varying(experiment: Experiment, dataset: Dataset, seed: int, **options: Any) -> Run:
        if experiment.name == "simple_cnn":
            bench.accuracy["simple_cnn"] = (first + further)[seed]
        return train(experiment, dataset, seed, **options)

    monkeypatch.setattr(training, "train", varying)
    seeds = ["--seeds", "3", "--max-seeds", "6"]

    # A bad start and a good end: a pass. The others train no further seed.
    further[:] = [0.69, 0.70, 0.71]
    result = bench.benchmark(*seeds)
    result.assert_outcomes(passed=12)
    assert result.ret == pytest.ExitCode.OK
    assert [line for line in bench.trained if "simple_cnn" in line] == [
        f"train simple_cnn {seed} on none" for seed in range(6)
    ]
    assert len(bench.trained) == 12
    assert list(_trainings(result))[-3:] == [("simple_cnn", "3"), ("simple_cnn", "4"), ("simple_cnn", "5")]
    assert _table(result, "verdicts,")["simple_cnn", "accuracy"][2] == "6"
    assert _lines(result, "^simple_cnn seed 5  epoch 2/2 ")

    # As bad throughout: a regression.
    further[:] = [0.65, 0.66, 0.67]
    result = bench.benchmark(*seeds)
    result.assert_outcomes(passed=11, failed=1)
    assert _words(result)["simple_cnn", "accuracy"] == "regression"

    # Between the two to the end: said as it is, and not green.
    further[:] = [0.665, 0.675, 0.685]
    result = bench.benchmark(*seeds)
    result.assert_outcomes(passed=11, failed=1)
    assert result.ret == UNDECIDED
    assert _words(result)["simple_cnn", "accuracy"] == "undecided"
    assert "simple_cnn on synthetic: accuracy is undecided" in result.outlines

    # Diverging on the way: not judged, and not green; the others are.
    bench.failures["simple_cnn", 4] = TrainingDiverged("the loss is nan")
    result = bench.benchmark(*seeds)
    result.assert_outcomes(passed=11, failed=1)
    assert "simple_cnn: not judged, not every training gave a run (seed 4: diverged)" in result.outlines
    assert _words(result)["improved_cnn", "accuracy"] == "pass"


def test_one_class_that_collapses_fails_though_accuracy_and_gap_hold(bench: Bench) -> None:
    f1 = {"cat": (0.9,) * 3, "dog": (0.8,) * 3}
    entry = make_baseline(accuracy=(0.7,) * 3, gap=(0.1,) * 3, f1=f1, fingerprints=fingerprints_of("simple_cnn"))
    bench.record(simple_cnn=entry)
    result = bench.benchmark("-k", "simple_cnn")
    result.assert_outcomes(passed=1, failed=1, deselected=4)
    result.stdout.fnmatch_lines(
        ["simple_cnn on synthetic: F1 of cat is a regression", "  F1 that moved most: cat 0.900 to 0.600."]
    )
    words = {metric: word for (_, metric), word in _words(result).items()}
    assert words == {"accuracy": "pass", "gap": "pass", "F1 of cat": "regression"}


@pytest.mark.parametrize("selection", ["seed0", "test_trains", "seed0 or (simple_cnn and not test_trains)"])
def test_a_night_that_trained_without_judging_is_not_green(bench: Bench, selection: str) -> None:
    bench.record()
    result = bench.benchmark("-k", selection)
    assert result.ret == NOT_JUDGED
    assert _lines(result, "^improved_cnn +not judged: its verdict was not selected")


def test_a_verdict_without_all_of_its_trainings_is_a_failure(bench: Bench) -> None:
    bench.record()
    result = bench.benchmark("-k", "test_verdict and simple_cnn")
    result.assert_outcomes(failed=1, deselected=5)
    assert "simple_cnn: not judged, none of its trainings was selected" in result.outlines
    result = bench.benchmark("-k", "simple_cnn and (seed0 or test_verdict)", "--seeds", "2")
    result.assert_outcomes(passed=1, failed=1, deselected=7)
    assert "simple_cnn: not judged, found 1 of its 2 trainings, expected all to be selected" in result.outlines


def test_verdicts_come_last_in_whatever_order_items_are_run(bench: Bench) -> None:
    bench.record()
    (bench.pytester.path / "reversing.py").write_text(
        "def pytest_collection_modifyitems(items): items.reverse()", encoding="utf-8"
    )
    bench.pytester.syspathinsert()
    result = bench.benchmark("-p", "reversing", "-v")
    assert result.ret == pytest.ExitCode.OK
    assert [("test_verdict" in line) for line in _lines(result, "PASSED")] == [False] * 3 + [True] * 3


@pytest.mark.parametrize(("options", "features"), [((), SESSION_FEATURES), (("--no-feature-cache",), None)])
def test_a_frozen_part_runs_once_a_session_unless_told(
    bench: Bench, options: tuple[str, ...], features: FeatureCache | None
) -> None:
    bench.record()
    bench.benchmark("-k", "vgg16_frozen", *options)
    assert bench.features == [features]
