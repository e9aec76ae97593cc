"""``summary`` shows Keras's own table, and counts what trains."""

from __future__ import annotations

import keras
import pytest
from keras import layers

from cifar_models.experiments import EXPERIMENTS, Experiment, Protocol
from tests.cifar_models.command_line.conftest import Command

pytestmark = pytest.mark.integration


def _build() -> keras.Model:
    images = keras.Input((32, 32, 3))
    features = layers.Conv2D(2, 8, strides=8, trainable=False, name="kept_as_it_is")(images)
    return keras.Model(images, layers.Dense(10, name="head")(layers.Flatten()(features)))


def test_layers_and_counts_are_the_model_s(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXPERIMENTS, "small", Experiment("small", _build, Protocol(), "a small model"))
    ended = command("summary", "small")
    assert ended.status == 0
    for word in ("kept_as_it_is", "head", "Total params: 716", "Trainable params: 330"):
        assert word in ended.output
    # 8 * 8 * 3 * 2 + 2 are frozen; 32 * 10 + 10 train.
    assert ended.output.endswith("small: a small model; 4 layers, 716 parameters: 330 trainable, 386 not\n")


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_is_as_wide_as_the_terminal(command: Command, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setitem(EXPERIMENTS, "small", Experiment("small", _build, Protocol(), "a small model"))
    monkeypatch.setenv("COLUMNS", str(width))
    lines = command("summary", "small").output.splitlines()[:-1]
    assert width - 10 < max(map(len, lines)) <= width
