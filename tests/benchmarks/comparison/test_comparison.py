"""Two sides in turn: which trainings there are, when they end, and what is judged. The sides have no processes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from statistics import stdev
from typing import Any

import pytest

from benchmarks.comparison.comparison import Comparison, Settings
from benchmarks.sides.clock import Clock
from benchmarks.sides.side import SideError, TrainingEnded
from benchmarks.statistics.word import Word
from cifar_models.results.run import Run
from cifar_models.results.run_files import read_run
from tests.benchmarks.sides.projects import RECORDS

pytestmark = pytest.mark.unit

Train = Callable[[str, int], Run]


@cache
def recorded(name: str, number: int) -> Run:
    return read_run(RECORDS / f"{name}.synthetic.seed{number}.json")


def like(source: str = "") -> Train:
    """Return a training that gives recorded runs, of its own experiment or another one."""

    def train(name: str, seed: int) -> Run:
        return dataclasses.replace(recorded(source or name, seed % 24), experiment=name, seed=seed)

    return train


def barely_other(name: str, seed: int) -> Run:
    """Give a run that differs in one digit, which no metric shows."""
    run = like()(name, seed)
    return dataclasses.replace(run, curves=dataclasses.replace(run.curves, loss=[0.0, *run.curves.loss[1:]]))


def worse(name: str, seed: int) -> Run:
    """Give a run that is so much worse that six seeds do not decide; it agrees with itself no longer."""
    run = barely_other(name, seed)
    drop = 3 * stdev(recorded(name, number).accuracy for number in range(6)) * (1 / 6 + 1 / 6) ** 0.5
    return dataclasses.replace(run, evaluation=dataclasses.replace(run.evaluation, accuracy=run.accuracy - drop))


class FakeSide:
    """A side that trains in this process, and notes what it trained."""

    def __init__(self, name: str, train: Train, log: list[str]) -> None:
        self.name, self._train, self._log = name, train, log

    def train(self, experiment: str, seed: int, show: object = None) -> Run:
        del show
        self._log.append(f"{self.name[0]} {experiment} {seed}")
        return self._train(experiment, seed)


@dataclasses.dataclass
class Compared:
    comparison: Comparison
    log: list[str]

    @property
    def words(self) -> dict[str, Word]:
        return {
            name: Word.most_urgent(verdict.word for verdict in some) for name, some in self.comparison.verdicts.items()
        }


@pytest.fixture
def no_contradictions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.comparison.comparison.disagreements", lambda _: [])


def compare(a: Train, b: Train, *names: str, clock: Clock | None = None, **settings: Any) -> Compared:
    log: list[str] = []
    side_a: Any = FakeSide("A (main)", a, log)
    side_b: Any = FakeSide("B (the working tree)", b, log)
    values: dict[str, Any] = {"dataset": "synthetic", "first_seed": 0, "false_alarm_rate": 0.01}
    told = Settings(**(values | settings))
    comparison = Comparison(side_a, side_b, names or ("simple_cnn",), told, clock or Clock(None))
    comparison.run()
    return Compared(comparison, log)


def trained(name: str, count: int) -> list[str]:
    return [f"{side} {name} {seed}" for seed in range(count) for side in "AB"]


class TestTheOrder:
    def test_is_a_and_b_with_one_seed_after_the_other(self) -> None:
        assert compare(like(), barely_other, seeds=3).log == trained("simple_cnn", 3)

    def test_is_one_experiment_after_the_other(self) -> None:
        found = compare(like(), barely_other, "simple_cnn", "vgg16_frozen", seeds=3)
        assert found.log == [*trained("simple_cnn", 3), *trained("vgg16_frozen", 3)]

    def test_begins_with_the_first_seed(self) -> None:
        assert compare(like(), barely_other, seeds=3, first_seed=7000).log[:2] == [
            "A simple_cnn 7000",
            "B simple_cnn 7000",
        ]

    @pytest.mark.parametrize(
        ("name", "looks"), [("simple_cnn", (7, 14)), ("resnet50_finetuned", (3, 6)), ("simple_cnn+xla", (7, 14))]
    )
    def test_has_as_many_seeds_as_a_night_and_three_at_least(self, name: str, looks: tuple[int, ...]) -> None:
        settings = Settings(dataset="synthetic", first_seed=0, false_alarm_rate=0.01)
        assert settings.looks_of(name) == looks
        assert dataclasses.replace(settings, seeds=4, max_seeds=4).looks_of(name) == (4,)


class TestIdenticalSides:
    def test_pass_after_two_seeds(self) -> None:
        found = compare(like(), like())
        assert found.log == trained("simple_cnn", 2)
        assert found.words == {"simple_cnn": Word.PASS}
        assert {verdict.rule for verdict in found.comparison.verdicts["simple_cnn"]} == {"identical"}
        assert found.comparison.identical("simple_cnn")

    def test_are_no_part_of_the_others_false_alarm_rate(self) -> None:
        def b(name: str, seed: int) -> Run:
            return (like() if name == "vgg16_frozen" else barely_other)(name, seed)

        with_identical = compare(like(), b, "simple_cnn", "vgg16_frozen").comparison.verdicts["simple_cnn"]
        alone = compare(like(), b, "simple_cnn").comparison.verdicts["simple_cnn"]
        assert [verdict.level for verdict in with_identical] == [verdict.level for verdict in alone]

    def test_that_differ_with_the_second_seed_alone_are_judged(self) -> None:
        def b(name: str, seed: int) -> Run:
            return (like() if seed == 0 else barely_other)(name, seed)

        found = compare(like(), b, seeds=3)
        assert found.log == trained("simple_cnn", 3)
        assert [pair.exact.identical for pair in found.comparison.pairs["simple_cnn"]] == [True, False, False]
        assert not found.comparison.identical("simple_cnn")


class TestOtherSides:
    def test_without_a_change_pass_at_the_first_look(self) -> None:
        found = compare(like(), barely_other, seeds=6)
        assert found.log == trained("simple_cnn", 6)
        assert found.words == {"simple_cnn": Word.PASS}

    def test_with_a_large_change_fail_at_the_first_look(self) -> None:
        found = compare(like(), like("resnet50_frozen"), seeds=6)
        assert found.log == trained("simple_cnn", 6)
        assert found.words == {"simple_cnn": Word.REGRESSION}

    def test_that_are_better_are_stale(self) -> None:
        assert compare(like("resnet50_frozen"), like(), seeds=6).words == {"simple_cnn": Word.STALE}

    @pytest.mark.usefixtures("no_contradictions")
    def test_that_are_undecided_train_on(self) -> None:
        found = compare(like(), worse, seeds=6)
        assert found.log == trained("simple_cnn", 12)
        accuracy, *_ = found.comparison.verdicts["simple_cnn"]
        assert accuracy.runs == len(accuracy.baseline_values) == 12

    @pytest.mark.usefixtures("no_contradictions")
    def test_of_which_one_is_undecided_train_that_one_alone(self) -> None:
        def b(name: str, seed: int) -> Run:
            return (worse if name == "simple_cnn" else barely_other)(name, seed)

        found = compare(like(), b, "simple_cnn", "vgg16_frozen", seeds=6)
        assert found.log == [
            *trained("simple_cnn", 6),
            *trained("vgg16_frozen", 6),
            *trained("simple_cnn", 12)[12:],
        ]
        assert {verdict.runs for verdict in found.comparison.verdicts["vgg16_frozen"]} == {6}


class TestATrainingThatGivesNoRun:
    @pytest.mark.parametrize(
        ("side", "outcome", "failed"),
        [("B", "diverged", True), ("B", "failed", True), ("B", "memory", False), ("A", "diverged", False)],
    )
    def test_leaves_its_experiment_unjudged(self, side: str, outcome: str, failed: bool) -> None:
        def broken(name: str, seed: int) -> Run:
            if name == "simple_cnn" and seed == 1:
                raise TrainingEnded("it did not end well", outcome=outcome)
            return barely_other(name, seed)

        a, b = (broken, like()) if side == "A" else (like(), broken)
        found = compare(a, b, "simple_cnn", "vgg16_frozen")
        assert found.comparison.problems == {"simple_cnn": "it did not end well"}
        assert found.words == {"vgg16_frozen": Word.PASS}
        assert found.comparison.failed is failed
        assert [line for line in found.log if "simple_cnn" in line] == trained("simple_cnn", 2)[: 3 + (side == "B")]

    def test_is_one_whose_record_contradicts_itself(self) -> None:
        found = compare(like(), worse, seeds=3)
        assert found.comparison.failed
        assert "its confusion matrix makes it" in found.comparison.problems["simple_cnn"]
        assert found.log == trained("simple_cnn", 1)

    def test_is_a_run_that_no_baseline_can_be_made_of(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("benchmarks.baselines.measure.LARGEST_TOLERANCE", 1e-9)
        found = compare(like(), barely_other, seeds=3)
        assert "expected values so close together" in found.comparison.problems["simple_cnn"]


class TestASideThatEnds:
    def test_ends_the_comparison_and_what_was_trained_is_judged(self) -> None:
        def b(name: str, seed: int) -> Run:
            if name == "vgg16_frozen":
                raise SideError("B has ended")
            return barely_other(name, seed)

        found = compare(like(), b, "simple_cnn", "vgg16_frozen", "improved_cnn")
        assert found.words == {"simple_cnn": Word.PASS}
        assert found.comparison.stopped == "B has ended"
        assert found.comparison.problems == {
            "vgg16_frozen": "0 of 8 seeds were trained; B has ended",
            "improved_cnn": "0 of 3 seeds were trained; B has ended",
        }


class _Ticking:
    """A clock on which each training takes ten seconds: it is asked once before and once after."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def taking_ten_seconds(self, train: Train) -> Train:
        def ticking(name: str, seed: int) -> Run:
            self.seconds += 10
            return train(name, seed)

        return ticking


def bounded(b: Train, *names: str, seconds: float, **settings: Any) -> Compared:
    ticking = _Ticking()
    clock = Clock(seconds / 60, lambda: ticking.seconds)
    sides = ticking.taking_ten_seconds(like()), ticking.taking_ten_seconds(b)
    return compare(*sides, *names, clock=clock, **settings)


class TestTheTime:
    @pytest.mark.parametrize(("seconds", "pairs"), [(45, 2), (59, 2), (61, 3), (125, 6), (1000, 7)])
    def test_ends_before_a_pair_that_would_pass_it(self, seconds: float, pairs: int) -> None:
        assert bounded(barely_other, seconds=seconds).log == trained("simple_cnn", pairs)

    def test_leaves_experiments_without_three_seeds_unjudged(self) -> None:
        found = bounded(barely_other, "simple_cnn", "vgg16_frozen", seconds=185)
        assert found.words == {"simple_cnn": Word.PASS}
        assert found.comparison.problems == {
            "vgg16_frozen": "2 of 8 seeds were trained; no further training fits into --minutes 3.08333"
        }

    def test_judges_by_fewer_seeds_what_has_three(self) -> None:
        found = bounded(like("resnet50_frozen"), seconds=81)
        assert found.log == trained("simple_cnn", 4)
        assert {verdict.runs for verdict in found.comparison.verdicts["simple_cnn"]} == {4}
        assert found.words == {"simple_cnn": Word.REGRESSION}

    @pytest.mark.usefixtures("no_contradictions")
    def test_leaves_undecided_what_would_train_on(self) -> None:
        found = bounded(worse, seconds=161)
        assert found.log == trained("simple_cnn", 8)
        assert found.words == {"simple_cnn": Word.UNDECIDED}
        assert "--minutes" in found.comparison.stopped

    def test_does_not_train_b_where_only_a_fits(self) -> None:
        assert bounded(barely_other, seconds=15).log == ["A simple_cnn 0"]
