"""Whole pytest sessions within the one that tests: nights whose trainings and data are stubs, all else is real.

pyproject.toml and test_training.py included.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import keras  # noqa: F401 - pytester forgets all modules that a session loads, and TensorFlow must not load twice
import pytest
import tensorflow as tf

import cifar_models.training.live_line  # noqa: F401 - for the same reason
from benchmarks.baselines.baseline import Baseline, Baselines
from benchmarks.baselines.baselines_file import write_baselines
from benchmarks.inputs import loaded_inputs as inputs_module  # noqa: F401 - for the same reason as keras
from benchmarks.inputs import settings
from benchmarks.night import training as night_training
from benchmarks.report import page as render
from cifar_models import datasets, experiments
from cifar_models.datasets import Dataset
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import Experiment, Protocol, find_experiment
from cifar_models.models.pretrained import BackboneWeights
from cifar_models.results.run import Fingerprints, Run
from cifar_models.training import train as training
from cifar_models.training.features import FeatureCache
from cifar_models.training.progress import Progress
from tests.factories import ENVIRONMENT, make_baseline, make_run

ROOT = Path(__file__).parents[2]
SYNTHETIC = load_synthetic(train_count=20, evaluation_count=10)
WEIGHTS = BackboneWeights("vgg16", "random (seed 0)", "sha256:weights", {})
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
        self.contradictions: list[str] = []
        self.changes: dict[str, Any] = {}  # of each run, such as its code
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
        return self.run("-m", "benchmark", "--dataset", "synthetic", "--seeds", "1", "--first-seed", "0", *args)

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

    def random_weights(self, backbone: str, **_: str) -> BackboneWeights:
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
        run = make_run(
            experiment.name,
            seed,
            accuracy=self.accuracy[experiment.name.partition("+")[0]],
            gap=self.gap[experiment.name.partition("+")[0]],
            dataset=dataset.name,
            weights=weights.description if weights else "none",
            fingerprints=fingerprints_of(experiment.name),
        )
        # Without its settings a run repeats no recorded one, so that the stubs of several nights may differ.
        environment = dataclasses.replace(ENVIRONMENT, settings=None)
        return dataclasses.replace(run, **({"environment": environment} | self.changes))


@pytest.fixture
def bench(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Bench:
    bench = Bench(pytester)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # which would have pytest-benchmark disable itself
    monkeypatch.setattr(render, "write_page", bench.write_report)  # half a second of drawing for each session
    monkeypatch.setattr(training, "train", bench.train)
    # The stub's numbers are made up: their counts, rates and curves do not belong together.
    monkeypatch.setattr(night_training, "disagreements", lambda _: bench.contradictions)
    monkeypatch.setattr(experiments, "EXPERIMENTS", TABLE)
    monkeypatch.setattr(settings, "SEEDS", {"synthetic": dict(zip(TABLE, ((6, 12), (8, 16), (2, 4)), strict=True))})
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


def update_command(experiment: str) -> str:
    return (
        f"pytest -m benchmark --dataset synthetic -k {experiment} --seeds 30 --update-baselines "
        "--reason 'why it changed'"
    )


def lines(result: pytest.RunResult, pattern: str) -> list[str]:
    return [line for line in result.outlines if re.search(pattern, line)]


def table(result: pytest.RunResult, title: str) -> dict[tuple[str, str], list[str]]:
    """Return the lines of a table by their first two cells, each split at its wide gaps."""
    start = next(number for number, line in enumerate(result.outlines) if f"= {title} " in line)
    end = next(number for number, line in enumerate(result.outlines) if number > start and line.startswith("="))
    rows = [re.split(r"\s{2,}", line) for line in result.outlines[start + 3 : end]]
    return {(row[0], row[1]): row[2:] for row in rows}


def trainings(result: pytest.RunResult) -> dict[tuple[str, str], list[str]]:
    return table(result, "trainings on")


def words(result: pytest.RunResult) -> dict[tuple[str, str], str]:
    """Return each verdict's word by experiment and metric."""
    return {key: cells[-1] for key, cells in table(result, "verdicts,").items() if cells}


def entry(text: str, name: str) -> Any:
    return json.loads(text)["baselines"][name]


def night_folder(bench: Bench) -> Path:
    (folder,) = (bench.pytester.path / "runs").iterdir()
    return folder
