"""What a night trains on and is held against: data, weights, baselines."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from benchmarks.baselines.baseline import BaselineError
from benchmarks.inputs.loaded_inputs import LoadedInputs
from cifar_models.experiments import find_experiment
from cifar_models.models.pretrained import BackboneWeights, WeightsError
from cifar_models.results.run import Fingerprints
from cifar_models.training import train as training
from tests.benchmarks.night.nights import CIFAR10, PLAIN, PRETRAINED, SYNTHETIC, WEIGHTS, make_inputs
from tests.factories import make_baseline

pytestmark = pytest.mark.unit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "baselines.json"


def test_an_experiment_without_a_backbone_starts_from_no_weights(path: Path) -> None:
    assert make_inputs(path).weights_for(PLAIN) is None
    assert make_inputs(path).weights_for(PRETRAINED) is WEIGHTS


def test_weights_that_are_not_available_are_raised_where_they_are_wanted(path: Path) -> None:
    inputs = make_inputs(path, weights=WeightsError("vgg16: found no file"))
    assert inputs.weights_for(PLAIN) is None
    for wanted in (inputs.weights_for, inputs.baseline_for):
        with pytest.raises(WeightsError, match="vgg16: found no file"):
            wanted(PRETRAINED)


def test_a_baseline_is_found_by_the_fingerprints_of_data_weights_and_protocol(path: Path) -> None:
    protocol = find_experiment(PRETRAINED).protocol.fingerprint
    baseline = make_baseline(fingerprints=Fingerprints(CIFAR10.fingerprint, "sha256:weights", protocol))
    inputs = make_inputs(path, baselines={"vgg16_frozen": {"cifar10": {"measured": baseline}}})
    assert inputs.baseline_for(PRETRAINED) is baseline


@pytest.mark.parametrize("part", ["data", "weights", "protocol"])
def test_a_baseline_of_anything_else_is_not(path: Path, part: str) -> None:
    right = Fingerprints(CIFAR10.fingerprint, "sha256:weights", find_experiment(PRETRAINED).protocol.fingerprint)
    baseline = make_baseline(fingerprints=dataclasses.replace(right, **{part: "sha256:other"}))
    inputs = make_inputs(path, baselines={"vgg16_frozen": {"cifar10": {"measured": baseline}}})
    with pytest.raises(BaselineError, match=f"the {part} fingerprint differs"):
        inputs.baseline_for(PRETRAINED)
    with pytest.raises(BaselineError, match="found no baseline"):
        inputs.baseline_for(PLAIN)


def test_each_backbone_s_weights_are_loaded_once_and_none_that_nobody_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []

    def imagenet(backbone: str, weights_dir: Path | None) -> BackboneWeights:
        asked.append(("imagenet", backbone, weights_dir))
        return WEIGHTS

    def random(backbone: str, *, normalization: str) -> BackboneWeights:
        asked.append(("random", backbone, normalization))
        return WEIGHTS

    monkeypatch.setattr(training, "imagenet_weights", imagenet)
    monkeypatch.setattr(training, "random_weights", random)
    inputs = LoadedInputs(make_inputs(tmp_path / "baselines.json", weights_dir=tmp_path).settings, CIFAR10, {})
    inputs.load_weights([PLAIN])
    assert inputs.weights == {}
    inputs.load_weights([PLAIN, "resnet50_frozen", "resnet50_finetuned"])
    inputs.load_weights(["resnet50_frozen"])
    assert inputs.weights == {"resnet50": WEIGHTS}
    assert asked == [("imagenet", "resnet50", tmp_path)]
    synthetic = dataclasses.replace(inputs, dataset=SYNTHETIC, weights={})
    other = f"{PRETRAINED}+imagenet_caffe"
    synthetic.load_weights([PRETRAINED, other, PLAIN])
    assert asked[1:] == [("random", "vgg16", "unit_scale"), ("random", "vgg16", "imagenet_caffe")]
    assert [synthetic.weights_for(name) for name in (PRETRAINED, other, PLAIN)] == [WEIGHTS, WEIGHTS, None]
    assert [*synthetic.weights] == ["vgg16", "vgg16 on imagenet_caffe"]


def test_weights_that_are_not_available_keep_no_others_from_being_loaded(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = WeightsError("resnet50: found no file")

    def imagenet(backbone: str, _: Path | None) -> BackboneWeights:
        if backbone == "resnet50":
            raise error
        return WEIGHTS

    monkeypatch.setattr(training, "imagenet_weights", imagenet)
    inputs = dataclasses.replace(make_inputs(path), weights={})
    inputs.load_weights(["resnet50_frozen", PRETRAINED])
    assert inputs.weights == {"resnet50": error, "vgg16": WEIGHTS}
