"""Points lie at their input size and mean, lines at the level of what has no other size."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer

from cifar_models.figures.input_sizes import by_input_size, sweep_of
from cifar_models.results.run import Fingerprints, Run, Timings
from tests.cifar_models.figures.panels import drawn, lines_of
from tests.factories import make_run

pytestmark = pytest.mark.integration

CNN = {"normalization": "unit_scale", "backbone": None}
VGG16 = {"normalization": "imagenet_caffe", "backbone": "vgg16", "input_size": 96}


def _run(name: str, protocol: dict[str, Any], *, minutes: float = 1.5, features: float = 0.5, **options: Any) -> Run:
    timings = Timings(features=60 * features, training=60 * minutes)
    run = make_run(name, timings=timings, **options)
    fingerprints = dataclasses.replace(run.fingerprints, protocol=f"sha256:{sorted(protocol.items())}")
    return dataclasses.replace(run, protocol=protocol, fingerprints=fingerprints)


RUNS = [
    _run("simple_cnn", CNN, accuracy=0.5, minutes=4.0, features=0.0),
    _run("vgg16_matched", VGG16, accuracy=0.8),
    _run("vgg16_matched+64px", VGG16 | {"input_size": 64}, accuracy=0.75, minutes=1.0, features=3.0),
    _run("vgg16_matched+64px", VGG16 | {"input_size": 64}, seed=1, accuracy=0.65, minutes=2.0),
    # At the published size, a protocol does not say it.
    _run("vgg16_matched+32px", {"normalization": "imagenet_caffe", "backbone": "vgg16"}, accuracy=0.6),
    _run("vgg16_matched+64px+unit_scale", VGG16 | {"input_size": 64, "normalization": "unit_scale"}, accuracy=0.7),
    _run("vgg16_matched+held_out+xla", VGG16 | {"validation": "held_out", "xla": True}, accuracy=0.79),
]
NAMES = ["vgg16_matched, imagenet_caffe", "vgg16_matched, unit_scale", "vgg16_matched+held_out+xla, imagenet_caffe"]


def test_runs_are_told_apart_by_experiment_normalization_and_size() -> None:
    sweep = sweep_of(RUNS)
    found = {
        name: {size: [run.accuracy for run in runs] for size, runs in some.items()}
        for name, some in sweep.sizes.items()
    }
    assert found == {
        NAMES[0]: {32: [0.6], 64: [0.75, 0.65], 96: [0.8]},
        NAMES[1]: {64: [0.7]},
        NAMES[2]: {96: [0.79]},
    }
    assert [*found[NAMES[0]]] == [32, 64, 96], "in the order of a line"
    assert {name: len(runs) for name, runs in sweep.others.items()} == {"simple_cnn": 1}


def _series(panel: Any) -> list[ErrorbarContainer]:
    found = []
    for series in drawn(panel).containers:
        assert isinstance(series, ErrorbarContainer)
        found.append(series)
    return found


def _points(panel: Any) -> dict[str, list[tuple[float, float]]]:
    found = {}
    for series in _series(panel):
        xs, ys = series.lines[0].get_data()
        found[str(series.get_label())] = [*zip(np.asarray(xs, float), np.asarray(ys, float), strict=True)]
    return found


def test_accuracies_are_means_with_their_deviation_and_cnns_are_levels() -> None:
    panel = by_input_size(sweep_of(RUNS))["accuracy"]
    assert _points(panel) == {
        NAMES[0]: [(32, 0.6), (64, pytest.approx(0.7)), (96, 0.8)],
        NAMES[1]: [(64, 0.7)],
        NAMES[2]: [(96, 0.79)],
    }
    axes = drawn(panel)
    bars: Any = axes.containers[0].lines[2][0].get_segments()  # type: ignore[attr-defined]
    assert [float(high - low) for (_, low), (_, high) in bars] == pytest.approx([0, 2 * 0.1 / np.sqrt(2), 0])
    assert lines_of(axes)["simple_cnn"][-1][1] == [0.5, 0.5]
    assert list(axes.get_xticks()) == [32, 64, 96]
    assert axes.get_yscale() == "linear"
    assert f"{NAMES[0]}: 32 px 0.6000, 64 px 0.7000 ± 0.0707, 96 px 0.8000" in panel.alternative_text
    assert "simple_cnn: 0.5000 at 32 px" in panel.alternative_text


def test_minutes_are_those_of_one_training_with_its_features() -> None:
    panel = by_input_size(sweep_of(RUNS))["minutes"]
    assert _points(panel)[NAMES[0]] == [(32, 2), (64, 3 + 1.5), (96, 2)]
    axes = drawn(panel)
    assert lines_of(axes)["simple_cnn"][-1][1] == [4, 4]
    assert axes.get_yscale() == "log"
    assert not axes.get_yticks(minor=True).size
    assert f"{NAMES[0]}: 32 px 2.0, 64 px 4.5, 96 px 2.0" in panel.alternative_text


def test_minutes_are_the_processor_s_if_runs_on_the_cpu_recorded_them() -> None:
    timed = [dataclasses.replace(run, timings=Timings(60.0, 60.0, processor=180.0)) for run in RUNS]
    panel = by_input_size(sweep_of(timed))["minutes"]
    assert panel.title == "processor minutes of a training by input size (px)"
    assert _points(panel)[NAMES[0]] == [(32, 3), (64, 3), (96, 3)]
    on_gpu = [dataclasses.replace(run, environment=dataclasses.replace(run.environment, device="GPU")) for run in timed]
    assert by_input_size(sweep_of(on_gpu))["minutes"].title == "minutes of a training by input size (px)"


def test_what_has_no_minutes_is_left_out_and_the_rest_looks_the_same_in_both_panels() -> None:
    name, processor = "resnet50_matched, imagenet_caffe", Timings(60.0, 60.0, processor=180.0)
    timed = [dataclasses.replace(run, timings=processor) for run in (RUNS[0], _run("resnet50_matched", VGG16))]
    panels = by_input_size(sweep_of([*RUNS[1:4], *timed]))
    assert _points(panels["minutes"]).keys() == {name}
    assert NAMES[0] not in panels["minutes"].alternative_text
    colours = [
        {str(series.get_label()): series.lines[0].get_color() for series in _series(panel)} for panel in panels.values()
    ]
    assert colours[0][name] == colours[1][name] != colours[0][NAMES[0]]


def test_every_name_has_a_look_of_its_own() -> None:
    runs = [*RUNS, *(_run(f"cnn{number}", CNN) for number in range(5)), _run("resnet50_matched", VGG16)]
    axes = drawn(by_input_size(sweep_of(runs))["accuracy"])
    series = [container.lines[0] for container in axes.containers]  # type: ignore[attr-defined]
    levels = [line for line in axes.lines if "cnn" in str(line.get_label())]
    assert len(series) == 4
    assert len(levels) == 6
    assert len({(line.get_color(), line.get_linestyle()) for line in [*series, *levels]}) == 10


def test_normalizations_of_one_experiment_have_one_colour_and_the_one_that_weights_do_not_expect_is_dashed() -> None:
    expected, other, held_out = (series.lines[0] for series in _series(by_input_size(sweep_of(RUNS))["accuracy"]))
    assert expected.get_color() == other.get_color() != held_out.get_color()
    assert expected.get_marker() == other.get_marker() != held_out.get_marker()
    assert [line.get_linestyle() for line in (expected, other, held_out)] == ["-", "--", "-"]


def test_the_published_frozen_backbones_are_points_of_the_lines_with_pooling() -> None:
    published = _run("vgg16_frozen", {"normalization": "unit_scale", "backbone": "vgg16"}, accuracy=0.55)
    sweep = sweep_of([published, *RUNS])
    assert [*sweep.sizes[NAMES[1]]] == [32, 64]
    assert sweep.sizes[NAMES[1]][32] == [published]


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([], "found no run of an experiment with a backbone"),
        ([_run("simple_cnn", CNN)], "found no run of an experiment with a backbone"),
        ([_run("a", VGG16), _run("b", VGG16, dataset="cifar10")], r"found runs on 2 data sets \(cifar10, synthetic\)"),
        ([_run("a", VGG16), _run("a", VGG16 | {"epochs": 3})], "found runs of a that differ in weights or protocol"),
        (
            [_run(name, VGG16 | {"input_size": 32}) for name in ("vgg16_frozen", "vgg16_matched+32px")],
            r"found seed 0 twice, of vgg16_frozen and of vgg16_matched\+32px, expected one run of each seed",
        ),
        (
            [_run("a", VGG16), _run("a", VGG16, fingerprints=Fingerprints("sha256:data", "sha256:other", ""))],
            "found runs of a that differ in weights or protocol",
        ),
    ],
)
def test_runs_that_do_not_belong_into_one_figure_are_refused(runs: list[Run], said: str) -> None:
    with pytest.raises(ValueError, match=f"^input sizes: {said}"):
        sweep_of(runs)
