"""Pairs of the same training on two sides, alternately, each in its own process."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from benchmarks.throughput import ratios
from benchmarks.throughput.ratios import Figures, Task, in_a_process, measure_pairs, train_plain, train_with_suite

pytestmark = pytest.mark.unit

TASK = Task("simple_cnn", 2, "random", 60, None, None)


def test_the_sides_run_in_turn_and_a_ratio_is_that_of_one_pair() -> None:
    calls: list[object] = []
    values: dict[Callable[[Task], Figures], Iterator[float]] = {
        train_plain: iter([2.0, 9.0, 4.0]),
        train_with_suite: iter([1.0, 3.0, 4.0]),
    }

    def run(side: Callable[[Task], Figures], task: Task) -> Figures:
        calls.append(side)
        assert task is TASK
        return {"training, s": next(values[side])}

    assert measure_pairs(TASK, 3, run) == [["training, s", "4.00", "3.00", "2.00", "1.00 to 3.00"]]
    plain, suite = train_plain, train_with_suite
    assert calls == [plain, suite, suite, plain, plain, suite]


def test_a_side_has_a_process_of_its_own_whose_errors_arrive() -> None:
    assert in_a_process(_process, TASK)["process"] != os.getpid()
    with pytest.raises(ValueError, match="found 'nothing', expected one of simple_cnn"):
        in_a_process(Task.load, Task("nothing", 2, "random", 60, None, None))  # type: ignore[arg-type]


def _process(_: Task) -> Figures:
    return {"process": os.getpid()}


def test_a_side_that_is_killed_has_too_little_memory() -> None:
    with pytest.raises(MemoryError, match="the process of _killed was killed"):
        in_a_process(_killed, TASK)


def _killed(_: Task) -> Figures:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def test_where_the_system_does_not_tell_the_peak_memory_it_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratios, "peak_memory", lambda: None)
    assert "peak memory, MB" not in ratios._figures(ratios.Clocks.now(), [1.0, 2.0])


def test_a_task_is_trained_for_its_epochs_on_its_data(tmp_path: Path) -> None:
    experiment, dataset, weights = TASK.load()
    assert (experiment.protocol.epochs, experiment.protocol.patience, weights) == (2, 2, None)
    assert (len(dataset.train_images), len(dataset.evaluation_images)) == (60, 12)
    with pytest.raises(ValueError, match="cifar-10"):
        Task("simple_cnn", 2, "cifar10", 40, tmp_path, None).load()


def test_both_sides_train_every_seed_and_tell_the_same_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    monkeypatch.setattr("keras.utils.set_random_seed", seeds.append)
    lines = measure_pairs(dataclasses.replace(TASK, seeds=2), 1, lambda side, task: side(task))
    assert seeds == [0, 1, 0, 1]
    assert [name for name, *_ in lines] == ["training, s", "processor time, s", "last epoch, s", "peak memory, MB"]
    monkeypatch.setattr(ratios, "peak_memory", partial(int, 2**21))
    figures = ratios._figures(ratios.Clocks.now(), [1.0, 3.0, 7.0])
    assert figures["peak memory, MB"] == 2.0
    assert figures["last epoch, s"] == 4.0
