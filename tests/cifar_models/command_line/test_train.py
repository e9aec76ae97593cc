"""``train`` says what it trains and what came of it, and keeps record, figures and model.

One training is real, of a tiny model on a hundred images; in all other tests it is a stub.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from cifar_models.command_line import train as train_command
from cifar_models.datasets import Dataset, DatasetError
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import EXPERIMENTS, Experiment, Protocol
from cifar_models.figures import style
from cifar_models.models.pretrained import WeightsError
from cifar_models.models.saved_model import load_classifier
from cifar_models.results.evaluation import describe_evaluation, evaluate
from cifar_models.results.overfitting import describe_overfitting
from cifar_models.results.run import Run
from cifar_models.results.run_files import read_run
from cifar_models.training import devices
from cifar_models.training import train as training
from cifar_models.training.progress import Progress
from cifar_models.training.watch import TrainingDiverged
from tests.cifar_models.command_line.conftest import Command
from tests.factories import make_run

pytestmark = [
    pytest.mark.integration,
    # Keras 3.15 turns TensorFlow's variables into arrays in a way that NumPy 2.4 finds old.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

SMALL = Experiment(
    "small",
    lambda: _build(),
    # A normalization that is fitted, and whose absence would change every prediction.
    Protocol(normalization="standardize", optimizer="sgd", learning_rate=0.05, batch_size=50, epochs=3),
    "a small model",
)
FILES = {f"small.synthetic.seed4.{what}" for what in ("json", "learning_curves.png", "confusion_matrix.png")} | {
    "small.synthetic.seed4.class_f1.png"
}


def _build() -> keras.Model:
    """Build a frozen convolution, which is cut off in training, and a head."""
    images = keras.Input((32, 32, 3))
    features = layers.Conv2D(4, 8, strides=8, activation="relu", trainable=False)(images)
    return keras.Model(images, layers.Dense(10, activation="softmax")(layers.Flatten()(features)), name="small")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_synthetic(seed=3, train_count=100, evaluation_count=50)


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch, dataset: Dataset) -> None:
    monkeypatch.setitem(EXPERIMENTS, "small", SMALL)
    monkeypatch.setattr(train_command, "load_dataset", lambda *_: dataset)
    monkeypatch.setattr(style, "to_png", lambda _: b"png")  # pixels take longer than all else here


@dataclasses.dataclass
class Stub:
    """A training that takes no time, and what it was asked for."""

    run: Run
    seeds: list[int] = dataclasses.field(default_factory=list)

    def __call__(
        self, experiment: Experiment, dataset: Dataset, seed: int, *, progress: Callable[[Progress], None], **_: Any
    ) -> Run:
        experiment.build_model()
        self.seeds.append(seed)
        progress(Progress(1, 3, 2, 2, 0.5, 0.25, 60.0))
        return dataclasses.replace(self.run, experiment=experiment.name, dataset=dataset.name, seed=seed)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    stub = Stub(make_run(accuracy=0.75))
    monkeypatch.setattr(training, "train", stub)
    return stub


def test_a_training_is_reported_and_kept_with_a_model_that_predicts_as_it_was_evaluated(
    command: Command, dataset: Dataset, tmp_path: Path
) -> None:
    ended = command("train", "small", "--dataset", "synthetic", "--seed", 4, "--save-model", "--output", tmp_path)
    assert (ended.status, ended.error) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == FILES | {"small.synthetic.seed4.keras"}
    run = read_run(tmp_path / "small.synthetic.seed4.json")
    assert (run.experiment, run.seed, run.dataset, run.fingerprints.data) == (
        "small",
        4,
        "synthetic",
        dataset.fingerprint,
    )
    assert describe_evaluation(run.evaluation) in ended.output
    assert describe_overfitting(run) in ended.output
    assert f"small seed 4  epoch {run.epochs}/3  accuracy {run.curves.val_accuracy[-1]:.4f} (train " in ended.output
    for path in tmp_path.iterdir():
        assert f"wrote {path}" in ended.output

    classifier = load_classifier(tmp_path / "small.synthetic.seed4.keras")
    probabilities = classifier.predict(dataset.evaluation_images)
    assert classifier.class_names == dataset.class_names
    assert len(set(probabilities.argmax(axis=1))) > 1, "the model tells some images apart"
    found = evaluate(probabilities, dataset.evaluation_labels, dataset.class_names)
    assert np.abs(np.array(found.confusion) - run.evaluation.confusion).sum() <= 2  # an image of 50 on edge


def test_what_is_trained_on_what_is_said_first(command: Command, stub: Stub, dataset: Dataset, tmp_path: Path) -> None:
    output = command("train", "small", "--output", tmp_path).output
    assert output.startswith(
        f"model: small, a small model\n"
        f"data: synthetic, 100 train and 50 evaluation images, {dataset.fingerprint}\ndevice: "
    )
    assert stub.seeds == [0]


def test_without_save_model_there_is_none(command: Command, stub: Stub, tmp_path: Path) -> None:
    assert command("train", "small", "--seed", 4, "--output", tmp_path / "new" / "folder").status == 0
    assert stub.seeds == [4]
    assert {path.name for path in (tmp_path / "new" / "folder").iterdir()} == FILES


@pytest.mark.usefixtures("stub")
def test_by_default_the_files_go_to_runs(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command("train", "small")
    assert Path("runs", "small.synthetic.seed0.json").is_file()


@pytest.mark.parametrize("suffix", ["json", "class_f1.png", "keras"])
def test_a_file_that_is_there_already_is_replaced_only_when_told(
    command: Command, stub: Stub, tmp_path: Path, suffix: str
) -> None:
    former = tmp_path / f"small.synthetic.seed0.{suffix}"
    former.write_bytes(b"former")
    words = ("train", "small", "--save-model", "--output", tmp_path)
    ended = command(*words)
    assert ended.status == 2
    assert ended.error == (
        f"python -m cifar_models: {tmp_path}: found {former.name}, expected no such file; use --overwrite to replace "
        f"it, or choose another folder with --output\n"
    )
    assert stub.seeds == [], "nothing is trained for nothing"
    assert former.read_bytes() == b"former"
    assert command(*words, "--overwrite").status == 0
    assert former.read_bytes() != b"former"


def test_another_backend_is_one_line_before_anything_is_downloaded(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_command, "load_dataset", _refuse(AssertionError("this may import Keras")))
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    ended = command("train", "small", "--output", tmp_path)
    assert (ended.status, ended.error.count("\n")) == (2, 1)
    assert "KERAS_BACKEND: found 'torch'" in ended.error


def test_images_without_spread_are_one_line(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: Dataset
) -> None:
    black = dataclasses.replace(dataset, train_images=np.zeros_like(dataset.train_images))
    monkeypatch.setattr(train_command, "load_dataset", lambda *_: black)
    ended = command("train", "reference_cnn", "--output", tmp_path)
    assert (ended.status, ended.error.count("\n")) == (2, 1)
    assert "standardize: found one value in channel 0" in ended.error
    assert "epoch" not in ended.output


def _refuse(error: Exception) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> Any:
        raise error

    return refuse


@pytest.mark.parametrize(
    ("target", "name", "error", "status", "line"),
    [
        (train_command, "load_dataset", DatasetError("no\nfiles"), 2, "no files"),
        (training, "default_weights", WeightsError("no weights"), 2, "no weights"),
        (devices, "hide_gpus", RuntimeError("in use"), 2, "in use"),
        (training, "train", TrainingDiverged("the loss is nan"), 1, "small seed 0: the loss is nan"),
    ],
)
def test_what_keeps_it_from_training_is_one_line(
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    target: object,
    name: str,
    error: Exception,
    status: int,
    line: str,
) -> None:
    monkeypatch.setattr(target, name, _refuse(error))
    ended = command("train", "small", "--output", tmp_path)
    assert (ended.status, ended.error) == (status, f"python -m cifar_models: {line}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("train", "--dataset", "synthetic"), ("summary",)])
def test_an_input_size_that_the_model_cannot_take_is_one_line(
    command: Command, tmp_path: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = command(*words, "simple_cnn+64px")
    assert ended.status == 2
    assert ended.error.startswith("python -m cifar_models: input_size: found 64, expected 32 for simple_cnn, which")
    assert ended.error.count("\n") == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.usefixtures("stub")
def test_a_gpu_that_is_not_there_is_an_error_and_one_that_is_there_is_used(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "use_gpus", _refuse(RuntimeError("found no GPU")))
    ended = command("train", "small", "--gpu", "--output", tmp_path)
    assert (ended.status, ended.error) == (
        2,
        "python -m cifar_models: --gpu: found no GPU; or leave --gpu out to train on the CPU\n",
    )
    monkeypatch.setattr(devices, "use_gpus", lambda: None)
    monkeypatch.setattr(devices, "hide_gpus", pytest.fail)
    assert command("train", "small", "--gpu", "--output", tmp_path).status == 0


def test_an_output_that_is_no_folder_is_refused_before_the_training(
    command: Command, stub: Stub, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    ended = command("train", "small", "--output", tmp_path / "file")
    assert ended.status == 2
    assert ended.error.startswith("python -m cifar_models: --output: ")
    assert stub.seeds == []


@pytest.mark.usefixtures("stub")
def test_a_result_that_cannot_be_kept_has_been_reported(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_command, "write_run", _refuse(OSError("no space left")))
    ended = command("train", "small", "--output", tmp_path)
    assert ended.status == 2
    assert "--output: trained, but not every file could be written: no space left; expected a folder" in ended.error
    assert "accuracy 0.7500 on the evaluation images" in ended.output


@pytest.mark.usefixtures("stub")
def test_a_result_that_nobody_reads_is_kept(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_command, "_print_results", _refuse(BrokenPipeError(32, "Broken pipe")))
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1, raising=False)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    ended = command("train", "small", "--output", tmp_path)
    assert (ended.status, ended.error) == (1, "")
    assert [path.name for path in tmp_path.iterdir()] == ["small.synthetic.seed0.json"]


def test_data_and_weights_come_from_the_folders_that_were_named(
    command: Command, stub: Stub, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def load(*arguments: object) -> Dataset:
        asked.append(arguments)
        return dataset

    def weights(_: Experiment, __: Dataset, folder: object) -> None:
        asked.append(folder)

    monkeypatch.setattr(train_command, "load_dataset", load)
    monkeypatch.setattr(training, "default_weights", weights)
    command("train", "small", "--data-dir", "data", "--weights-dir", "weights", "--output", tmp_path)
    command("train", "small", "--dataset", "synthetic", "--seed", "1", "--output", tmp_path)
    assert asked == [("cifar10", Path("data")), Path("weights"), ("synthetic", None), None]
    assert stub.seeds == [0, 1]
