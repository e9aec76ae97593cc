"""Pairs of two sides: in turn, as processes of their own, with each side's own peak memory."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.throughput.ratios import __main__ as ratios
from benchmarks.throughput.ratios import pairs
from benchmarks.throughput.ratios.arguments import load_data, print_figures
from benchmarks.throughput.ratios.pairs import PLAIN, SUITE, Ratio, measure_pairs, run_side

pytestmark = pytest.mark.unit


def test_a_ratio_is_plain_through_suite_pair_by_pair() -> None:
    ratio = Ratio("seconds", [2.0, 9.0, 4.0], [1.0, 3.0, 4.0])
    assert ratio.ratios == [2.0, 3.0, 1.0]
    assert ratio.row == ["seconds", "4.00", "3.00", "2.00", "1.00 to 3.00", "3"]


def test_the_sides_run_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Sequence[str]]] = []

    def run(module: str, arguments: Sequence[str]) -> dict[str, float]:
        calls.append((module, arguments))
        return {"training": float(len(calls))}

    monkeypatch.setattr(pairs, "run_side", run)
    (ratio,) = measure_pairs(["a"], ["b"], 3)
    assert calls == [(PLAIN, ["a"]), (SUITE, ["b"]), (SUITE, ["b"]), (PLAIN, ["a"]), (PLAIN, ["a"]), (SUITE, ["b"])]
    assert (ratio.plain, ratio.suite) == ([1.0, 4.0, 5.0], [2.0, 3.0, 6.0])


def test_a_side_is_a_process_whose_last_line_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "side.py").write_text("print('a warning')\nprint('{\"training, s\": 1.5}')\n")
    (tmp_path / "side_broken.py").write_text("raise SystemExit('no such thing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert run_side("side", []) == {"training, s": 1.5}
    with pytest.raises(RuntimeError, match=r"-m side_broken --epochs=1 ended with 1: no such thing"):
        run_side("side_broken", ["--epochs=1"])


def test_both_sides_tell_the_same_figures(capsys: pytest.CaptureFixture[str]) -> None:
    print_figures(began=(1.0, 10.0), ended=(4.0, 15.0), epoch_began=(2.0, 11.0), epoch_ended=(4.0, 12.0))
    figures = json.loads(capsys.readouterr().out)
    assert figures.pop("peak memory, MB") > 1
    assert figures == {
        "training, s": 3.0,
        "training, processor s": 5.0,
        "last epoch, s": 2.0,
        "last epoch, processor s": 1.0,
    }


def test_a_plain_side_that_was_cut_short_is_counted_up_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Sequence[str]] = []

    def measure(plain: Sequence[str], suite: Sequence[str], count: int) -> list[Ratio]:
        told.extend([plain, suite])
        figures = {"training, s": (35.0, 10.0), "last epoch, s": (15.0, 1.0), "peak memory, MB": (2.0, 1.0)}
        return [
            Ratio(name, [plain_value] * count, [suite_value] * count)
            for name, (plain_value, suite_value) in figures.items()
        ]

    monkeypatch.setattr(ratios, "measure_pairs", measure)
    arguments = argparse.Namespace(
        data="random", train_count=20, evaluation_count=10, data_dir=None, weights_dir=None,
        epochs=10, seeds=5, plain_epochs=2, plain_seeds=1, pairs=1,
    )  # fmt: skip
    training, epoch, memory = ratios.measure("vgg16_frozen", arguments)
    assert [each[:3] for each in told] == [
        ["vgg16_frozen", "--epochs=2", "--seeds=1"],
        ["vgg16_frozen", "--epochs=10", "--seeds=5"],
    ]
    assert training.figure == "training, s (plain counted up from 2 epochs, 1 seeds)"
    assert training.plain == [5 * (35.0 + 8 * 15.0)]
    assert (epoch.ratios, memory.ratios) == ([15.0], [2.0])
    arguments.plain_epochs = arguments.plain_seeds = None
    assert next(ratio.figure for ratio in ratios.measure("vgg16_frozen", arguments)) == "training, s"


def test_random_images_are_of_the_size_asked_for() -> None:
    dataset = load_data(argparse.Namespace(data="random", train_count=30, evaluation_count=20))
    assert (len(dataset.train_images), len(dataset.evaluation_images)) == (30, 20)
