"""``predict`` shows a saved model's most probable classes of a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from cifar_models.models.saved_model import Classifier, save_classifier
from tests.cifar_models.command_line.conftest import Command

pytestmark = [
    pytest.mark.integration,
    # Keras 3.15 turns TensorFlow's variables into arrays in a way that NumPy 2.4 finds old.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHARES = np.array([1, 2, 3, 40, 5, 30, 4, 7, 6, 2]) / 100


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a model whose answer to black pixels is these shares."""
    pixels = keras.Input((32, 32, 3))
    bias: Any = keras.initializers.Constant(np.log(SHARES))
    head = keras.layers.Dense(10, activation="softmax", bias_initializer="zeros")
    probabilities = head(keras.layers.Flatten()(pixels))
    head.bias.assign(bias.value)
    path = tmp_path_factory.mktemp("model") / "model.keras"
    save_classifier(path, Classifier(keras.Model(pixels, probabilities), NAMES))
    return path


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "black.png"
    Image.new("RGB", (100, 70)).save(path)
    return path


def test_the_three_most_probable_classes_are_shown(command: Command, model: Path, picture: Path) -> None:
    ended = command("predict", model, picture)
    assert (ended.status, ended.error) == (0, "")
    assert ended.output == "cat         0.4000\ndog         0.3000\nhorse       0.0700\n"


@pytest.mark.parametrize(
    ("activation", "bias", "found"),
    [
        ("linear", np.log(SHARES), "found outputs from -4.60517 to -0.916291 with the sum "),
        ("softmax", np.full(10, np.nan), "found outputs from nan to nan with the sum nan"),
        ("sigmoid", np.full(10, 3.0), "found outputs from 0.952574 to 0.952574 with the sum 9.52574"),
        ("linear", np.full(10, np.inf), "found outputs from inf to inf with the sum inf"),
    ],
)
def test_what_are_no_probabilities_are_not_printed_as_such(
    command: Command, tmp_path: Path, picture: Path, activation: str, bias: Any, found: str
) -> None:
    pixels = keras.Input((32, 32, 3))
    head = keras.layers.Dense(10, activation=activation)
    outputs = head(keras.layers.Flatten()(pixels))
    head.bias.assign(bias)
    path = tmp_path / "model.keras"
    save_classifier(path, Classifier(keras.Model(pixels, outputs), NAMES))
    ended = command("predict", path, picture)
    assert (ended.status, ended.output, ended.error.count("\n")) == (2, "", 1)
    assert found in ended.error
    assert "expected 10 probabilities from 0 to 1 with the sum 1" in ended.error


def test_a_file_that_is_no_model_is_one_line(command: Command, picture: Path) -> None:
    ended = command("predict", picture, picture)
    assert (ended.status, ended.output, ended.error.count("\n")) == (2, "", 1)
    assert ended.error.startswith(f"python -m cifar_models: {picture}: found no class names in it")


def test_a_file_that_is_no_picture_is_one_line(command: Command, model: Path) -> None:
    ended = command("predict", model, model)
    assert (ended.status, ended.output, ended.error.count("\n")) == (2, "", 1)
    assert "expected a picture file" in ended.error


def test_files_that_are_not_there_are_named(command: Command, model: Path, picture: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    for words in ((model, absent), (absent, picture)):
        ended = command("predict", *words)
        assert ended.status == 2
        assert ended.error.startswith(f"python -m cifar_models: {absent}: ")
