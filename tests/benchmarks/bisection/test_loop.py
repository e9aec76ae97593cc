"""Whole searches on a machine that trains in no time."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.bisection.decide import Action, Limits, Word
from benchmarks.bisection.loop import EndCannotBeTested
from benchmarks.bisection.record import Bisection, Step
from tests.benchmarks.bisection.machine import LIMITS, Machine, settings

pytestmark = pytest.mark.unit


def _machine(culprit: int = 7, effect: float = 6, candidates: int = 13, **others: object) -> Machine:
    return Machine(np.random.default_rng(0), candidates, culprit, effect, **others)  # type: ignore[arg-type]


@pytest.mark.parametrize("culprit", range(1, 13))
def test_the_candidate_that_made_it_worse_is_found_and_confirmed(culprit: int) -> None:
    machine = _machine(culprit)
    answer, bisection = machine.search()
    assert (answer.word, answer.good, answer.bad) == (Word.FOUND, culprit - 1, culprit)
    assert answer.confirmed
    assert answer.confirmed.significant
    (pair,) = bisection.confirmations
    fresh = [step for step in bisection.steps if step.confirmation]
    assert {step.candidate for step in fresh} == {pair.good, pair.bad}
    earlier = {step.seed for step in bisection.steps if not step.confirmation}
    assert earlier.isdisjoint(step.seed for step in fresh)


@pytest.mark.parametrize("candidates", [2, 3])
def test_few_candidates_are_searched_too(candidates: int) -> None:
    answer, bisection = _machine(candidates - 1, candidates=candidates).search()
    assert (answer.word, answer.good, answer.bad) == (Word.FOUND, candidates - 2, candidates - 1)
    assert bisection.confirmations


def test_what_trains_alike_in_its_first_steps_is_not_trained_whole() -> None:
    machine = _machine(700, candidates=1000, rounding=(300,))
    answer, _ = machine.search()
    assert (answer.word, answer.bad) == (Word.FOUND, 700)
    whole = {action.candidate for action in machine.taken if not action.first_steps}
    assert len(whole - {0, 999}) <= 4, whole
    assert sum(action.first_steps for action in machine.taken) <= 3 + 2 * 10


@pytest.mark.parametrize("rounding", [(), (3,), (3, 10)])
def test_a_change_that_the_first_steps_do_not_show_is_found_by_whole_trainings(rounding: tuple[int, ...]) -> None:
    answer, _ = _machine(rounding=rounding, seen=False).search()
    assert (answer.word, answer.bad) == (Word.FOUND, 7)


def test_a_change_of_digits_alone_is_contradicted_by_fresh_seeds() -> None:
    answer, bisection = _machine(rounding=(3,), seen=False).search()
    first, *_, last = bisection.confirmations
    assert (first.good, first.bad) == (2, 3)
    assert (last.good, last.bad) == (answer.good, answer.bad) == (6, 7)


def test_a_machine_that_repeats_no_training_is_searched_by_values_alone() -> None:
    machine = _machine(repeatable=False)
    answer, _ = machine.search()
    assert (answer.word, answer.bad) == (Word.FOUND, 7)
    assert {action.candidate for action in machine.taken if action.first_steps} == {0, 12}


@pytest.mark.parametrize("unable", [(5, 6), (7,), (6, 7, 8), tuple(range(1, 12))])
def test_candidates_that_cannot_be_tested_are_skipped_and_named_where_they_hide_the_answer(
    unable: tuple[int, ...],
) -> None:
    machine = _machine(unable=unable)
    answer, bisection = machine.search()
    able = [number for number in range(13) if number not in unable]
    assert answer.word is Word.FOUND
    assert answer.good == max(number for number in able if number < 7)
    assert answer.bad == min(number for number in able if number >= 7)
    skipped = [step for step in bisection.steps if step.kind == "skipped"]
    assert {step.candidate for step in skipped} <= set(unable)
    assert len(skipped) == len({step.candidate for step in skipped}), "one attempt each"


def test_a_search_that_goes_on_tries_skipped_candidates_again() -> None:
    machine = _machine(unable=(6, 7))
    answer, bisection = machine.search()
    assert (answer.good, answer.bad) == (5, 8)
    machine.unable = ()
    answer, _ = machine.search(bisection=bisection)
    assert (answer.word, answer.good, answer.bad) == (Word.FOUND, 6, 7)


@pytest.mark.parametrize("end", [0, 12])
def test_an_end_that_cannot_be_tested_ends_the_search(end: int) -> None:
    with pytest.raises(EndCannotBeTested, match=rf"^{'BAD' if end else 'GOOD'}, .*: found no cifar_models"):
        _machine(unable=(end,)).search()


def test_ends_that_do_not_differ_are_trained_with_all_seeds_and_nothing_else_is() -> None:
    answer, bisection = _machine(effect=0).search()
    assert answer.word is Word.NO_DIFFERENCE
    assert {step.candidate for step in bisection.steps} == {0, 12}
    assert len(bisection.steps) == 2 * LIMITS.max_seeds


def test_identical_ends_are_not_trained_beyond_the_first_look() -> None:
    answer, bisection = _machine(culprit=99).search()
    assert answer.word is Word.NO_DIFFERENCE
    assert len(bisection.steps) == 2 * 3


def test_a_better_end_is_said_to_be_better() -> None:
    answer, bisection = _machine(effect=-6).search()
    assert answer.word is Word.BETTER
    assert {step.candidate for step in bisection.steps} == {0, 12}


def test_the_candidate_from_which_trainings_diverge_is_found() -> None:
    answer, _ = _machine(culprit=99, diverge=5).search()
    assert (answer.word, answer.good, answer.bad) == (Word.FOUND, 4, 5)
    assert answer.followed
    assert answer.followed.metric == "divergence"


def test_a_candidate_that_diverges_between_ends_that_do_not_is_passed_over() -> None:
    class DivergesOnce(Machine):
        def take(self, action: Action) -> Step:
            self.diverge = action.candidate if action.candidate in (6, 7) and not action.first_steps else None
            return super().take(action)

    answer, _ = DivergesOnce(np.random.default_rng(0), 13, 7, 6).search()
    assert (answer.word, answer.good, answer.bad) == (Word.FOUND, 5, 8)


def test_two_changes_in_a_row_give_one_of_them() -> None:
    class Twice(Machine):
        def take(self, action: Action) -> Step:
            self.culprit, self.effect = (9, 12) if action.candidate >= 9 else (4, 6)
            return super().take(action)

    for seed in range(20):
        answer, _ = Twice(np.random.default_rng(seed), 13, 4, 6).search()
        assert (answer.word, answer.good in (3, 8), answer.bad - answer.good) == (Word.FOUND, True, 1)


def test_too_little_time_gives_what_is_known_and_the_search_goes_on_where_it_stopped() -> None:
    clock = iter(range(0, 10**6, 20))
    machine = _machine(effect=3)
    answer, bisection = machine.search(minutes=12, now=lambda: float(next(clock)))
    assert answer.word is Word.UNDECIDED
    steps = len(bisection.steps)
    assert steps > 10
    answer, _ = machine.search(bisection=bisection)
    assert (answer.word, answer.bad) == (Word.FOUND, 7)
    assert len(machine.taken) == len(bisection.steps), "nothing was trained twice"
    straight, whole = _machine(effect=3).search()
    assert straight == answer
    assert [step.candidate for step in whole.steps] == [step.candidate for step in bisection.steps]


def test_no_time_at_all_trains_nothing() -> None:
    clock = iter([0.0, 100.0])
    answer, bisection = _machine().search(minutes=1, now=lambda: next(clock))
    assert (answer.word, answer.followed, bisection.steps) == (Word.UNDECIDED, None, [])


def test_few_seeds_leave_a_small_change_undecided_and_more_find_it() -> None:
    machine = _machine(effect=1.5)
    answer, bisection = machine.search(Limits(0.05, 3))
    assert answer.word is Word.NO_DIFFERENCE
    answer, _ = machine.search(Limits(0.05, 48), bisection=bisection)
    assert (answer.word, answer.bad) == (Word.FOUND, 7)


def test_a_candidate_keeps_the_probability_that_it_was_given() -> None:
    _, bisection = _machine().search()
    turns = [step for step in bisection.steps if step.kind == "training" and step.candidate not in (0, 12)]
    assert turns
    for step in turns:
        assert step.bad is not None
        assert (step.bad > 0.5) == (step.candidate >= 7)


def test_no_experiment_but_the_one_that_differs_is_searched() -> None:
    class Two(Machine):
        def take(self, action: Action) -> Step:
            self.effect = 6 if action.experiment == "other" else 0
            return super().take(action)

    machine = Two(np.random.default_rng(0), 13, 7, 6)
    answer, _ = machine.search(bisection=Bisection(settings(13, ["simple_cnn", "other"])))
    assert answer.followed
    assert (answer.bad, answer.followed.experiment) == (7, "other")
    assert {action.experiment for action in machine.taken if action.candidate not in (0, 12)} == {"other"}
