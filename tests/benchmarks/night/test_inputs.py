"""The inputs of a night: data, weights, baselines."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from benchmarks.baselines.baseline import BaselineError, Baselines
from benchmarks.baselines.baselines_file import write_baselines
from benchmarks.night.inputs import Inputs, read_or_start_baselines
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

    def random(backbone: str) -> BackboneWeights:
        asked.append(("random", backbone))
        return WEIGHTS

    monkeypatch.setattr(training, "imagenet_weights", imagenet)
    monkeypatch.setattr(training, "random_weights", random)
    inputs = Inputs(make_inputs(tmp_path / "baselines.json", weights_dir=tmp_path).settings, CIFAR10, {})
    inputs.load_weights([PLAIN])
    assert inputs.weights == {}
    inputs.load_weights([PLAIN, "resnet50_frozen", "resnet50_finetuned"])
    inputs.load_weights(["resnet50_frozen"])
    assert inputs.weights == {"resnet50": WEIGHTS}
    assert asked == [("imagenet", "resnet50", tmp_path)]
    synthetic = dataclasses.replace(inputs, dataset=SYNTHETIC, weights={})
    synthetic.load_weights([PRETRAINED])
    assert asked[1:] == [("random", "vgg16")]


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


def test_only_a_night_that_writes_may_start_without_a_file(path: Path) -> None:
    assert read_or_start_baselines(path, to_update=True) == {}
    with pytest.raises(BaselineError, match="found no such file"):
        read_or_start_baselines(path, to_update=False)
    with pytest.raises(BaselineError, match=r"found no folder .+, expected one to write the baselines into"):
        read_or_start_baselines(path / "baselines.json", to_update=True)


def test_a_night_that_could_not_write_does_not_start(path: Path) -> None:
    (path.parent / ".baselines.json.lock").mkdir()  # no lock can be made, as in a folder that is read-only
    with pytest.raises(
        BaselineError, match=r"baselines\.json: .+; expected a folder that the baselines can be written"
    ):
        read_or_start_baselines(path, to_update=True)


@pytest.mark.parametrize("to_update", [True, False])
def test_a_file_that_is_there_is_read_and_checked_either_way(path: Path, to_update: bool) -> None:
    baselines: Baselines = {"simple_cnn": {"cifar10": {"measured": make_baseline()}}}
    write_baselines(path, baselines)
    assert read_or_start_baselines(path, to_update=to_update) == baselines
    path.write_text("{", encoding="utf-8")
    with pytest.raises(BaselineError, match="found no JSON"):
        read_or_start_baselines(path, to_update=to_update)
