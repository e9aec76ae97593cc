"""``list`` shows the table as it stands in the code."""

from __future__ import annotations

import dataclasses

import pytest

from cifar_models.experiments import EXPERIMENTS, Experiment, Protocol
from tests.cifar_models.command_line.conftest import Command

pytestmark = pytest.mark.integration


def test_every_experiment_has_a_line(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = Protocol(backbone="vgg16", learning_rate=0.25, learning_rate_schedule="cosine", batch_size=7, epochs=33)
    protocol = dataclasses.replace(protocol, normalization="imagenet_caffe", input_size=64)
    monkeypatch.setitem(EXPERIMENTS, "own", Experiment("own", pytest.fail, protocol, "a model of my own"))
    _, _, *lines = command("list").output.splitlines()
    assert [line.split()[0] for line in lines] == list(EXPERIMENTS)
    assert " ".join(lines[-1].split()) == (
        "own a model of my own 64 px, imagenet_caffe vgg16's ImageNet weights 0.25, cosine 7 at most 33 "
        "cifar10, synthetic"
    )
    assert "32 px, unit_scale random weights" in " ".join(lines[0].split())
    assert "none by default" in next(line for line in lines if line.startswith("vgg16_matched "))
