"""What trainings say of where a change is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.bisection.search import (
    Known,
    change_probabilities,
    first_steps_say_something,
    most_probable,
    next_candidate,
    same_trainings,
    seeds_of_a_turn,
    turn_level,
)

pytestmark = pytest.mark.unit

GOOD, BAD = (0.92, 0.91, 0.93), (0.82, 0.81, 0.83)


def _known(*values: float, code: object = None, first_steps: str | None = None) -> Known:
    """Return a candidate with runs; those of the same code and seed are the same."""
    return Known({seed: (f"{code or values} {seed}", value) for seed, value in enumerate(values)}, first_steps)


def _ends(last: int = 10, **others: Known) -> dict[int, Known]:
    return {0: _known(*GOOD), last: _known(*BAD)} | {int(number.strip("_")): each for number, each in others.items()}


def test_without_other_trainings_each_candidate_is_as_probable() -> None:
    assert change_probabilities(_ends(), 11) == pytest.approx([0.0] + [0.1] * 10)


@pytest.mark.parametrize(("values", "bad"), [((0.915, 0.925), False), ((0.815, 0.825), True)])
def test_a_candidate_is_as_the_end_that_it_trains_like(values: tuple[float, ...], bad: bool) -> None:
    cumulated = change_probabilities(_ends(_5=_known(*values)), 11).cumsum()
    assert cumulated[5] == pytest.approx(float(bad), abs=0.01)
    assert cumulated[-1] == pytest.approx(1)


def test_a_candidate_between_both_is_undecided() -> None:
    assert change_probabilities(_ends(_5=_known(0.87)), 11).cumsum()[5] == pytest.approx(0.5, abs=0.01)


def test_more_runs_leave_less_doubt() -> None:
    runs = [_known(*values) for values in ((0.9,), (0.9, 0.89), (0.9, 0.89, 0.91, 0.9))]
    doubts = [change_probabilities(_ends(_5=each), 11).cumsum()[5] for each in runs]
    assert doubts == sorted(doubts, reverse=True)
    assert doubts[0] > 2 * doubts[2]


def test_a_run_that_is_only_repeated_leaves_as_much_doubt() -> None:
    once = change_probabilities(_ends(_5=_known(0.9, code="new")), 11).cumsum()
    known = _ends(_5=_known(0.9, code="new"), _6=_known(0.9, code="new"))
    # The change is not between the two, which leaves 4 candidates after them instead of 5.
    assert change_probabilities(known, 11).cumsum()[5] == pytest.approx(once[5] * 5 / 4, rel=0.02)


def test_candidates_that_look_the_same_most_probably_have_no_change_between_them() -> None:
    for same in ({"first_steps": "same"}, {"code": "same"}):
        known = _ends(_3=_known(0.87, **same), _7=_known(0.87, **same))
        probabilities = change_probabilities(known, 11)
        assert 0 < probabilities[4:8].sum() < 0.03, same
    known = _ends(_3=_known(0.92, first_steps="same"), _7=_known(0.82, first_steps="same"))
    assert change_probabilities(known, 11)[4:8].sum() > 0.7, "whole trainings count for more"


def test_a_seed_that_differs_tells_candidates_apart() -> None:
    one, other = _known(0.87, 0.86, code="same"), _known(0.87, 0.86, code="same")
    assert same_trainings(one, other)
    other.runs[1] = ("another", 0.86)
    assert not same_trainings(one, other)
    assert not same_trainings(one, Known({5: ("same 5", 0.9)})), "no seed in common says nothing"


def test_runs_without_any_spread_leave_no_doubt() -> None:
    known = {0: _known(0.0, 0.0, 0.0), 10: _known(1.0, 1.0, 1.0), 5: _known(1.0)}
    assert change_probabilities(known, 11).cumsum()[5] == pytest.approx(1)


def test_two_levels_below_good_do_not_look_like_noise() -> None:
    middle = _known(0.88, 0.87, 0.89)
    assert change_probabilities(_ends(_5=middle), 11).cumsum()[5] == pytest.approx(0, abs=0.05)


def test_the_candidate_that_halves_what_is_open_is_next() -> None:
    known = _ends()
    probabilities = change_probabilities(known, 11)
    able = list(range(11))
    assert next_candidate(probabilities, known, able, level=0.01, most_seeds=9) == 5
    assert next_candidate(probabilities, known, [0, 1, 2, 8, 10], level=0.01, most_seeds=9) in (2, 8)
    assert next_candidate(probabilities, known, [0, 10], level=0.01, most_seeds=9) is None


def test_an_undecided_candidate_comes_first_until_it_has_all_its_seeds() -> None:
    known = _ends(_2=_known(0.873))
    probabilities = change_probabilities(known, 11)
    assert 0.02 < probabilities.cumsum()[2] < 0.4
    able = list(range(11))
    assert next_candidate(probabilities, known, able, level=0.01, most_seeds=9) == 2
    assert next_candidate(probabilities, known, able, level=0.01, most_seeds=1) != 2


def test_neighbours_of_those_that_cannot_be_tested_share_their_probability() -> None:
    probabilities = change_probabilities(_ends(_4=_known(*GOOD), _8=_known(*BAD)), 11)
    good, bad, probability = most_probable(probabilities, [0, 4, 8, 10])
    assert (good, bad) == (4, 8)
    assert probability > 0.95


def test_first_steps_are_worth_computing_between_others_that_differ() -> None:
    known = {0: Known(first_steps="a"), 4: Known(first_steps="a"), 10: Known(first_steps="b")}
    assert [first_steps_say_something(known, number) for number in (2, 4, 6, 10)] == [False, False, True, False]
    assert not first_steps_say_something({0: Known(), 10: Known()}, 5)


def test_the_turns_of_a_search_share_its_error_rate() -> None:
    assert turn_level(2, 0.05) == turn_level(3, 0.05) == 0.05
    assert turn_level(1025, 0.05) == pytest.approx(0.005)


def test_a_small_effect_needs_more_seeds() -> None:
    seeds = [seeds_of_a_turn(effect, 1.0, 6, 0.0125) for effect in (8, -3, 2, 1)]
    assert seeds == sorted(seeds)
    assert seeds[0] == 1
    assert 5 < seeds[-1] < 50


def test_what_runs_of_the_same_seed_share_is_not_held_against_a_candidate() -> None:
    shared = 0.02 * np.random.default_rng(0).normal(size=12)
    noise = 0.002 * np.random.default_rng(1).normal(size=(3, 12))
    seed = int(shared.argmin())
    known = {0: _known(*(0.92 + shared + noise[0])), 10: _known(*(0.90 + shared + noise[1]))}
    # The seed is a bad one for every candidate: this value would be one of BAD's with any other seed.
    known[5] = Known({seed: ("another", 0.92 + shared[seed] + noise[2][0])})
    assert change_probabilities(known, 11).cumsum()[5] < 0.05
    known[5] = Known({99: ("another", 0.92 + shared[seed] + noise[2][0])})
    assert change_probabilities(known, 11).cumsum()[5] > 0.5


@given(
    st.lists(st.tuples(st.integers(1, 19), st.floats(0, 1, width=32)), max_size=15),
    st.sampled_from([None, "a", "b"]),
)
def test_probabilities_are_probabilities(runs: list[tuple[int, float]], first_steps: str | None) -> None:
    known = _ends(20)
    known[0].first_steps, known[20].first_steps = "a", first_steps
    for seed, (number, value) in enumerate(runs):
        known.setdefault(number, Known(first_steps=first_steps)).runs[seed] = (str(value), value)
    found = change_probabilities(known, 21)
    assert found[0] == 0
    assert found.sum() == pytest.approx(1)
    assert np.all(found >= 0)
