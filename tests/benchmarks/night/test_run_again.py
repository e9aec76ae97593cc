"""A night keeps one run for each experiment and seed, even if an item is run again."""

from __future__ import annotations

import os
from typing import Any

import pytest

from benchmarks.night.exit_status import NOT_JUDGED
from cifar_models.results.run import Run
from cifar_models.training import train as training
from tests.benchmarks.sessions import Bench, lines, night_folder, table, trainings

pytestmark = pytest.mark.integration

REPEATING = """
def pytest_generate_tests(metafunc):
    metafunc.fixturenames.append("number")
    metafunc.parametrize("number", range(2))
"""
TWICE = """
def pytest_runtest_protocol(item, nextitem):
    from _pytest.runner import runtestprotocol
    for _ in range(2):
        item._initrequest()
        runtestprotocol(item, nextitem=nextitem)
    return True
"""
SEEDS = ("-k", "simple_cnn", "--seeds", "2", "--max-seeds", "4")
PROFILED = ("--benchmark-cprofile=tottime",)
DUPLICATES = ("--keep-duplicates", "benchmarks/test_training.py", "benchmarks/test_training.py")


@pytest.fixture
def again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Plugins that run items again, and pytest-benchmark enabled, which it is not if workers share the cores."""
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST")]:
        monkeypatch.delenv(name)
    for name, content in (("repeating", REPEATING), ("twice", TWICE)):
        (bench.pytester.path / f"{name}.py").write_text(content, encoding="utf-8")
    bench.pytester.syspathinsert()
    bench.record()
    return bench


WAYS = pytest.mark.parametrize(
    "options",
    [PROFILED, DUPLICATES, ("-p", "repeating"), ("-p", "twice")],
    ids=["profiled", "given twice", "repeated", "rerun"],
)


@WAYS
def test_a_training_that_runs_again_counts_once(again: Bench, options: tuple[str, ...]) -> None:
    once = again.benchmark(*SEEDS)
    result = again.benchmark(*SEEDS, *options)
    assert result.ret == pytest.ExitCode.OK
    assert len(again.trained) == 4, "the option has no item run again"
    assert list(trainings(result)) == [("simple_cnn", "0"), ("simple_cnn", "1")]
    assert table(result, "verdicts,") == table(once, "verdicts,")


@WAYS
def test_an_update_takes_each_run_once(again: Bench, options: tuple[str, ...]) -> None:
    assert again.update("-k", "simple_cnn", *options).ret == NOT_JUDGED
    assert len(again.trained) == 6
    assert len(list((again.pytester.path / "baseline_runs").iterdir())) == 3


@WAYS
def test_another_result_the_second_time_is_an_error_that_names_both(
    again: Bench, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    train, accuracies = again.train, iter((0.7, 0.69))

    def varying(*args: Any, **named: Any) -> Run:
        again.accuracy["simple_cnn"] = next(accuracies)
        return train(*args, **named)

    monkeypatch.setattr(training, "train", varying)
    result = again.benchmark("-k", "simple_cnn", *options)
    assert result.ret == NOT_JUDGED
    assert lines(result, "^simple_cnn seed 0: found two different results .* accuracy 0.7, .* accuracy 0.69;")
    assert trainings(result)["simple_cnn", "0"][-1].startswith("trained twice with different results: one started")
    assert not lines(result, "Traceback|INTERNALERROR")
    assert not list(night_folder(again).glob("*.seed0.json"))
