"""How a night's false-alarm rate is shared out, and which checks are decided at which look."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.statistics.sequential import FAMILY_SHARES, decide, looks_between, make_plan

pytestmark = pytest.mark.unit

LOOKS = (3, 6, 9)


def test_the_night_shares_its_rate_between_families_and_checks() -> None:
    plan = make_plan(
        ["a", "a", "b", "a", "a"],
        ["headline", "headline", "headline", "secondary", "secondary"],
        looks=(3, 6, 9),
        false_alarm_rate=0.06,
    )
    np.testing.assert_allclose(plan.weights, [0.8 / 3] * 3 + [0.2 / 2] * 2)
    assert plan.rates == pytest.approx((0.01, 0.02, 0.03))
    # One experiment may go on with probability 0.2 * 3 / 6, and its checks share that by weight.
    assert plan.open_levels[[0, 1, 3, 4]].sum() == pytest.approx(0.1)
    assert plan.open_levels[2] == pytest.approx(0.1)


def test_a_family_alone_has_the_whole_rate() -> None:
    plan = make_plan(["a", "b"], ["secondary", "secondary"], looks=(3,), false_alarm_rate=0.01)
    np.testing.assert_allclose(plan.weights, [0.5, 0.5])
    assert sum(FAMILY_SHARES.values()) == pytest.approx(1.0)


def test_decide_leaves_checks_without_runs_of_a_look_undecided() -> None:
    plan = make_plan(["a", "b"], ["headline", "headline"], looks=LOOKS, false_alarm_rate=0.01)
    p = np.array([[0.02, 0.9], [0.9, np.nan], [np.nan, np.nan]])
    decisions = decide(p, np.ones_like(p, dtype=bool), plan)
    assert decisions.passed.tolist() == [True, True]
    assert decisions.look.tolist() == [1, 0]
    waiting = decide(p[[0, 2, 2]], np.ones_like(p, dtype=bool), plan)
    assert waiting.passed.tolist() == [False, True]
    assert waiting.failed.tolist() == [False, False]


def test_a_failed_check_leaves_its_part_of_the_rate_to_the_others_at_later_looks() -> None:
    plan = make_plan(["a", "b"], ["headline", "headline"], looks=(3, 6), false_alarm_rate=0.03)
    # The last look has 0.02, of which 0.01 names failures: 0.005 for each of two checks, 0.01 for one.
    p = np.array([[1e-9, 0.02], [0.9, 0.007]])
    assert decide(p, np.ones_like(p, dtype=bool), plan).failed.tolist() == [True, True]
    p[0, 0] = 0.9
    assert decide(p, np.ones_like(p, dtype=bool), plan).failed.tolist() == [False, False]


def test_a_check_within_its_tolerance_never_fails_whatever_its_p_value() -> None:
    plan = make_plan(["a"], ["headline"], looks=(3,), false_alarm_rate=0.01)
    decisions = decide(np.array([[0.0]]), np.array([[False]]), plan)
    assert decisions.passed.tolist() == [True]
    assert decisions.failed.tolist() == [False]


@pytest.mark.parametrize(
    ("least", "most", "looks"),
    [
        (3, 3, (3,)),
        (3, 4, (3, 4)),
        (3, 6, (3, 6)),
        (3, 9, (3, 6, 9)),
        (1, 9, (1, 2, 4, 9)),
        (2, 20, (2, 4, 8, 20)),
    ],
)
def test_looks_double_from_the_least_to_the_most_seeds(least: int, most: int, looks: tuple[int, ...]) -> None:
    assert looks_between(least, most) == looks


@pytest.mark.parametrize(("least", "most"), [(0, 3), (4, 3)])
def test_looks_between_bad_limits_are_refused(least: int, most: int) -> None:
    with pytest.raises(ValueError, match=rf"least and most seeds: found \({least}, {most}\), expected 1 or more"):
        looks_between(least, most)
