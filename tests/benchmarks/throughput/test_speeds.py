"""Speeds: slower and faster on a logarithmic scale, tolerances from repetitions, and the file's section."""

from __future__ import annotations

import datetime
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.throughput import reference_workload as reference
from benchmarks.throughput.reference_workload import time_reference
from benchmarks.throughput.speeds import (
    FILE,
    Speed,
    explain,
    judge_speed,
    measured_speed,
    nearest_speed,
    read_saved,
    read_throughput,
    speeds_on,
    write_throughput,
)
from cifar_models.experiments import trained_by_nights
from tests.cifar_models.command_line.conftest import Command

pytestmark = pytest.mark.unit

DAY = datetime.date(2025, 1, 31)
BASELINE = Speed([80.0, 125.0], 1.5, "a rule", "2025-01-31", "the first")  # geometric mean 100


@pytest.mark.parametrize(
    ("ratio", "word"),
    [
        (100, "pass"),
        (150, "pass"),
        (100 / 1.5, "pass"),
        (151, "faster"),
        (66, "slower"),
        (1e9, "faster"),
        (1, "slower"),
    ],
)
def test_a_speed_is_slower_faster_or_passes(ratio: float, word: str) -> None:
    assert judge_speed(ratio, BASELINE) == word


@pytest.mark.property
@given(factor=st.floats(1.0, 4.0))
def test_so_many_times_faster_and_slower_are_equally_far(factor: float) -> None:
    words = judge_speed(100 * factor, BASELINE), judge_speed(100 / factor, BASELINE)
    assert words in {("pass", "pass"), ("faster", "slower")}


@pytest.mark.parametrize("ratio", [math.nan, math.inf, 0.0, -1.0])
def test_what_is_no_speed_never_passes(ratio: float) -> None:
    with pytest.raises(ValueError, match="expected a finite number above 0"):
        judge_speed(ratio, BASELINE)


def test_the_sentence_says_how_far_and_what_to_do() -> None:
    assert explain("simple_cnn", "step", 50.0, BASELINE) == (
        "simple_cnn: step is slower\n"
        "  50 images per reference workload are 0.50 times the baseline's 100 "
        "(geometric mean of 2 repetitions, 80 to 125);\n"
        "  a factor of 1.50 either way is allowed: a rule.\n"
        "  Find out what takes the time. If the change is intended, record the baseline again; see "
        "docs/how-to/check-speed.md."
    )
    assert "faster" in explain("simple_cnn", "step", 500.0, BASELINE)


def _speed(ratio: float, tolerance: float = 1.5) -> Speed:
    return Speed([ratio] * 5, tolerance, "a rule", "2025-01-31", "the first")


def test_a_processor_is_held_against_its_own_baseline_and_an_unknown_one_against_those_of_all_processors() -> None:
    one, other, gpu = _speed(10.0), _speed(20.0), _speed(30.0)
    throughput = {
        "CPU one": {"simple_cnn": {"step": one}},
        "CPU other": {"simple_cnn": {"step": other}, "vgg16_frozen": {"step": one}},
        "a GPU": {"simple_cnn": {"step": gpu}},
    }
    assert speeds_on(throughput, "CPU one", "simple_cnn", "step") == [one]
    assert speeds_on(throughput, "CPU third", "simple_cnn", "step") == [one, other]
    assert speeds_on(throughput, "a GPU", "simple_cnn", "step") == [gpu]
    assert speeds_on(throughput, "another GPU", "simple_cnn", "step") == []
    assert speeds_on(throughput, "CPU one", "vgg16_frozen", "step") == [], "its own or none"
    assert speeds_on(throughput, "CPU third", "simple_cnn", "prefix") == []


@pytest.mark.parametrize(
    ("ratio", "nearest", "word"),
    [(6.0, 10.0, "slower"), (8.0, 10.0, "pass"), (16.0, 20.0, "pass"), (29.0, 20.0, "pass"), (31.0, 20.0, "faster")],
)
def test_of_several_baselines_the_one_that_fits_best_decides(ratio: float, nearest: float, word: str) -> None:
    baseline = nearest_speed(ratio, [_speed(10.0), _speed(20.0)])
    assert baseline.mean == pytest.approx(nearest)
    assert judge_speed(ratio, baseline) == word


def test_how_well_a_baseline_fits_is_told_by_its_tolerance() -> None:
    assert nearest_speed(15.0, [_speed(10.0, tolerance=2.0), _speed(18.0, tolerance=1.1)]).tolerance == 2.0


def test_a_tolerance_is_the_prediction_interval_of_the_logarithms() -> None:
    ratios = [math.exp(value) for value in (1.0, 2.0, 3.0, 4.0, 5.0)]
    speed = measured_speed(ratios, reason=" why ", day=DAY)
    # t(0.9995, 4) = 8.6103, s = sqrt(2.5)
    assert math.log(speed.tolerance) == pytest.approx(8.6103 * math.sqrt(2.5) * math.sqrt(6 / 5), rel=1e-4)
    assert speed.mean == pytest.approx(math.exp(3), rel=1e-3)
    assert (speed.recorded, speed.reason) == ("2025-01-31", "why")


def test_repetitions_that_agree_still_leave_room() -> None:
    assert measured_speed([7.0] * 5, reason="why", day=DAY).tolerance == 1.25


@pytest.mark.parametrize(
    ("ratios", "reason", "text"),
    [
        ([1.0] * 4, "why", "ratios: found 4, expected 5 or more"),
        ([1.0] * 4 + [0.0], "why", "expected finite numbers above 0"),
        ([1.0] * 4 + [math.nan], "why", "expected finite numbers above 0"),
        ([1.0] * 5, "  ", "reason: found '  ', expected why the baseline changes"),
    ],
)
def test_repetitions_that_make_no_baseline_are_refused(ratios: list[float], reason: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        measured_speed(ratios, reason=reason, day=DAY)


def _section(**changes: Any) -> dict[str, Any]:
    speed = {
        "ratios": [1.0] * 5,
        "tolerance": 1.5,
        "tolerance_reason": "a rule",
        "recorded": "2025-01-31",
        "reason": "why",
    }
    return {"CPU": {"simple_cnn": {"step": speed | changes}}}


@pytest.mark.parametrize(
    ("section", "text"),
    [
        (_section(tolerance=1.0), r"speeds.CPU.simple_cnn.step.tolerance: found 1.0, expected a factor above 1"),
        (_section(ratios=[1.0] * 4), r"step.ratios: found .* expected 5 or more"),
        (_section(ratios=[1.0] * 4 + [0.0]), r"step.ratios: found .* each above 0"),
        (_section(reason=" "), r"step.reason: found ' ', expected why it was set"),
        (
            {"CPU": {"simple_cnn": {"stride": _section()["CPU"]["simple_cnn"]["step"]}}},
            "figure: found 'stride', expected one of step",
        ),
        ({"CPU": {"simple_cnn": {"step": {}}}}, "found no key"),
    ],
)
def test_speeds_that_make_no_sense_are_refused(section: Any, text: str, tmp_path: Path) -> None:
    file = tmp_path / "speeds.json"
    file.write_text(json.dumps({"schema": 1, "speeds": section}))
    with pytest.raises(ValueError, match=f"speeds.json: .*{text}"):
        read_throughput(file)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "No such file"),
        ("", "found no JSON"),
        ("[]", "schema: found None, expected 1"),
        ('{"speeds": {}}', "schema: found None, expected 1"),
        ('{"schema": 2, "speeds": {}}', "schema: found 2, expected 1"),
        ('{"schema": 1, "baselines": {}}', "baselines"),
    ],
)
def test_a_file_without_speeds_is_refused(content: str | None, text: str, tmp_path: Path) -> None:
    file = tmp_path / "speeds.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ValueError, match=rf"speeds\.json: .*{text}.*; restore it from version control"):
        read_throughput(file)


def test_speeds_are_read_back_as_they_were_written_and_none_that_would_be_refused_is_written(tmp_path: Path) -> None:
    file = tmp_path / "speeds.json"
    throughput = {"CPU one": {"simple_cnn": {"step": _speed(10.0)}}}
    write_throughput(file, throughput)
    assert read_throughput(file) == throughput
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r"step\.tolerance: found 1.0"):
        write_throughput(file, {"CPU one": {"simple_cnn": {"step": _speed(10.0, tolerance=1.0)}}})
    assert file.read_bytes() == before


def test_the_project_has_speeds_of_every_experiment_of_a_night_on_each_processor() -> None:
    throughput = read_throughput(Path(__file__).parents[3] / FILE)
    assert all(figures.keys() == {*trained_by_nights("cifar10")} for figures in throughput.values())
    assert throughput


def _saved(folder: Path, *ratios: float) -> list[Path]:
    """Write what pytest-benchmark saves, one file a repetition."""
    files = []
    for position, ratio in enumerate(ratios):
        info = {"experiment": "simple_cnn", "figure": "step", "device": "CPU", "ratio": ratio}
        files.append(folder / f"saved{position}.json")
        files[-1].write_text(json.dumps({"benchmarks": [{"extra_info": info}, {"extra_info": {}}]}))
    return files


def test_saved_results_are_repetitions(tmp_path: Path) -> None:
    assert read_saved(_saved(tmp_path, 1.0, 2.0)) == {("CPU", "simple_cnn", "step"): [1.0, 2.0]}


@pytest.mark.parametrize(
    "content",
    [
        '{"benchmarks": []}',
        "{",
        "[]",
        '{"benchmarks": [1]}',
        '{"benchmarks": [{"extra_info": {"ratio": 1}}]}',
        "\udcff",
    ],
)
def test_a_file_that_pytest_benchmark_did_not_save_is_named(tmp_path: Path, content: str) -> None:
    other = tmp_path / "other.json"
    other.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=r"other\.json: found no figure of test_throughput\.py, expected a result"):
        read_saved([*_saved(tmp_path, 1.0), other])


def test_recording_writes_its_figures_and_leaves_all_else(tmp_path: Path, command: Command) -> None:
    file = tmp_path / "speeds.json"
    other = {"vgg16_frozen": {"step": _speed(10.0)}}
    write_throughput(file, {"CPU": dict(other)})
    words = ["record-throughput", "--reason", "why", f"--baselines={file}", *_saved(tmp_path, 2.0, 3.0, 4.0, 5.0, 6.0)]
    ended = command(*words)
    assert "CPU simple_cnn step: none -> 3.728 within" in ended.output
    found = read_throughput(file)
    assert found["CPU"]["vgg16_frozen"] == other["vgg16_frozen"]
    assert found["CPU"]["simple_cnn"]["step"].ratios == [2.0, 3.0, 4.0, 5.0, 6.0]
    before = file.read_text()
    ended = command(*words[:-1])
    assert ended.status == 2
    assert "found 4, expected 5 or more" in ended.error
    assert file.read_text() == before
    file.unlink()
    assert command(*words).status == 0, "the first speeds make the file"
    assert read_throughput(file).keys() == {"CPU"}


def test_the_reference_works_all_its_blocks_on_as_many_threads_as_there_are_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blocks: list[int] = []
    monkeypatch.setattr(reference, "_work", blocks.append)
    assert time_reference() > 0
    assert sorted(blocks) == list(range(32))
    assert reference._cores() >= 1
