"""The verdict's words, numbers, further seeds and refusals, and the laws it keeps."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.statistics.significance import critical_value, measure
from benchmarks.statistics.verdict import Check, Verdict, judge_night

pytestmark = pytest.mark.unit

BASELINE = (0.671, 0.676, 0.679, 0.673, 0.682)
TODAY = (0.670, 0.678, 0.675)


def check(**changes: Any) -> Check:
    fields: dict[str, Any] = {
        "experiment": "simple_cnn",
        "metric": "accuracy",
        "baseline": BASELINE,
        "today": TODAY,
        "tolerance": 0.0,
        "higher_is_better": True,
    }
    return Check(**(fields | changes))


def judge(*checks: Check, **options: Any) -> list[Verdict]:
    return judge_night(checks, **options)


def shifted(values: tuple[float, ...], by: float) -> tuple[float, ...]:
    return tuple(value + by for value in values)


# --- words ---


@pytest.mark.parametrize(
    ("by", "higher_is_better", "word"),
    [
        (0.0, True, "pass"),
        (-0.2, True, "regression"),
        (0.2, True, "stale"),
        (0.2, False, "regression"),
        (-0.2, False, "stale"),
    ],
)
@pytest.mark.parametrize("source", ["measured", "published"])
def test_the_word_names_the_side_of_the_effect(by: float, higher_is_better: bool, word: str, source: str) -> None:
    baseline = BASELINE if source == "measured" else (0.676,)
    (verdict,) = judge(
        check(
            baseline=baseline,
            today=shifted(TODAY, by),
            higher_is_better=higher_is_better,
            source=source,
            tolerance=0.01,
        )
    )
    assert verdict.word == word


def test_a_published_baseline_is_judged_by_its_tolerance_alone_and_says_so() -> None:
    published = check(baseline=(0.65,), today=(0.63,), source="published", tolerance=0.02)
    (verdict,) = judge(published)
    assert (verdict.word, verdict.rule, verdict.allowance) == ("pass", "tolerance", 0.02)
    assert (verdict.p_value, verdict.level, verdict.deviation, verdict.smallest_drop) == (None,) * 4
    (outside,) = judge(dataclasses.replace(published, today=(0.6299,)))
    assert outside.word == "regression"


def test_a_published_baseline_takes_no_part_of_the_false_alarm_rate() -> None:
    published = check(experiment="b", baseline=(0.65,), source="published", tolerance=0.1)
    assert judge(published, check())[1] == judge(check())[0]


def test_the_allowance_is_the_larger_one_of_tolerance_and_critical_value() -> None:
    (verdict,) = judge(check())
    effect, deviation = measure(np.array(BASELINE), np.array(TODAY))
    expected = critical_value(0.01, baseline_runs=5, today_runs=3) * deviation * np.sqrt(1 / 5 + 1 / 3)
    assert verdict.effect == pytest.approx(float(effect))
    assert verdict.allowance == pytest.approx(float(expected))
    assert (verdict.rule, verdict.degrees_of_freedom, verdict.level, verdict.runs) == ("t-test", 6, 0.01, 3)
    (wide,) = judge(check(tolerance=0.3))
    assert (wide.rule, wide.allowance) == ("tolerance", 0.3)


@pytest.mark.parametrize("tolerance", [0.0, 0.01, 0.3])
@pytest.mark.parametrize("factor", [0.999, 1.001])
def test_a_check_fails_just_beyond_its_allowance(tolerance: float, factor: float) -> None:
    (first,) = judge(check(tolerance=tolerance))
    moved = shifted(TODAY, -first.effect - factor * first.allowance)
    (verdict,) = judge(check(tolerance=tolerance, today=moved))
    assert verdict.word == ("regression" if factor > 1 else "pass")


def test_holms_method_gives_the_rest_more_once_a_check_has_failed() -> None:
    quiet, broken = check(), check(metric="gap", today=shifted(TODAY, 0.5))
    assert judge(quiet, check(metric="gap"))[0].level == pytest.approx(0.005)
    first, second = judge(quiet, broken)
    assert [first.word, second.word] == ["pass", "stale"]
    assert [first.level, second.level] == pytest.approx([0.01, 0.005])


def test_the_smallest_drop_does_not_depend_on_other_checks_outcomes() -> None:
    broken = check(metric="gap", today=shifted(TODAY, 0.5))
    assert judge(check(), broken)[0].smallest_drop == judge(check(), check(metric="gap"))[0].smallest_drop


def test_runs_without_any_spread_are_judged_by_the_tolerance() -> None:
    same = check(baseline=(0.1,) * 3, today=(0.1,) * 3, tolerance=0.02)
    (verdict,) = judge(same)
    assert (verdict.word, verdict.effect, verdict.deviation, verdict.p_value) == ("pass", 0.0, 0.0, 1.0)
    assert verdict.smallest_drop == 0.02
    assert judge(dataclasses.replace(same, tolerance=0.0))[0].word == "pass"
    assert judge(dataclasses.replace(same, today=(0.07,)))[0].word == "regression"
    # 0.1 - 0.08 is above 0.02 by rounding alone.
    assert judge(dataclasses.replace(same, today=(0.08,)))[0].word == "pass"


# --- further seeds ---

LOOKS = (3, 6, 9)


def at_look(effect: float, *, runs: int, tolerance: float = 0.0) -> Verdict:
    """Judge runs of today that, at each look, lie `effect` above the baseline and spread as usual."""
    today = tuple(0.6762 + effect + 0.004 * step for step in (-1.0, 0.0, 1.0)) * (runs // 3)
    return judge(check(today=today, tolerance=tolerance), looks=LOOKS)[0]


def test_a_check_between_its_allowances_is_undecided_and_wants_the_next_look() -> None:
    first = at_look(0.0, runs=3)
    assert (first.word, first.seeds_wanted) == ("pass", None)
    assert first.inner_allowance is not None
    assert first.inner_allowance < 0.015 < first.allowance
    second = at_look(-0.015, runs=3)
    assert (second.word, second.runs, second.seeds_wanted) == ("undecided", 3, 6)
    third = at_look(-0.1, runs=3)
    assert (third.word, third.seeds_wanted) == ("regression", None)


def test_a_decided_check_stays_decided_when_its_experiment_trains_on() -> None:
    early = at_look(0.0, runs=3)
    later = judge(check(today=(*early.today_values, *(0.1,) * 3)), looks=LOOKS)[0]
    assert (later.word, later.runs, later.allowance) == ("pass", 3, early.allowance)


def test_a_narrow_miss_at_the_last_look_stays_undecided_and_wants_nothing() -> None:
    for size in np.linspace(0.008, 0.02, 200):
        verdict = at_look(-float(size), runs=9)
        if verdict.runs == 9 and verdict.word == "undecided":
            assert verdict.inner_allowance is not None
            assert verdict.inner_allowance < abs(verdict.effect) < verdict.allowance
            assert verdict.seeds_wanted is None
            break
    else:
        pytest.fail("no effect is undecided at the last look")


def test_the_last_look_alone_decides_everything_when_there_is_one_look() -> None:
    for size in np.linspace(0.0, 0.05, 20):
        today = shifted(TODAY, -float(size))
        single, plain = judge(check(today=today), looks=(3,)), judge(check(today=today))
        assert single == plain
        assert single[0].word in ("pass", "regression")
        assert single[0].inner_allowance == single[0].allowance


def test_an_effect_within_the_tolerance_trains_no_further_seeds() -> None:
    assert at_look(-0.015, runs=3, tolerance=0.02).word == "pass"


# --- refusals ---


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"today": (0.6, float("nan"))}, "today: found (0.6, nan), expected finite numbers"),
        ({"baseline": (0.6, 0.6, float("inf"))}, "baseline: found (0.6, 0.6, inf), expected finite numbers"),
        ({"tolerance": float("nan")}, "tolerance: found nan, expected a finite number, 0 or more"),
        ({"tolerance": float("inf")}, "tolerance: found inf, expected a finite number, 0 or more"),
        ({"tolerance": -0.1}, "tolerance: found -0.1, expected a finite number, 0 or more"),
        ({"today": ()}, "runs today: found 0, expected 1 or more"),
        ({"baseline": (0.6, 0.7)}, "baseline runs: found 2, expected 3 or more"),
        ({"source": "published"}, "published values: found 5, expected 1"),
        ({"source": "guessed"}, "source: found 'guessed', expected one of ('measured', 'published')"),
        ({"family": "other"}, "family: found 'other', expected one of ('headline', 'secondary')"),
    ],
)
def test_a_bad_check_is_refused_with_its_name_value_and_rule(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"simple_cnn accuracy, {message}")):
        check(**changes)


def test_a_night_without_checks_is_no_pass() -> None:
    with pytest.raises(ValueError, match=r"checks of a night: found \[\], expected one or more"):
        judge()


def test_a_metric_checked_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="simple_cnn accuracy, checks: found 2, expected 1"):
        judge(check(), check())


@pytest.mark.parametrize("rate", [0.0, 0.5, -1.0, float("nan")])
def test_a_bad_false_alarm_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="false_alarm_rate"):
        judge(check(), false_alarm_rate=rate)


@pytest.mark.parametrize("looks", [(), (0, 3), (3, 3), (6, 3)])
def test_looks_that_do_not_increase_are_refused(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected positive and increasing"):
        judge(check(), looks=looks)


def test_a_number_of_runs_between_looks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"runs today: found 3, expected one of the looks \(2, 4\)"):
        judge(check(), looks=(2, 4))


# --- laws ---

BAD = ("regression", "stale", "undecided")
FRACTIONS = st.integers(0, 10_000).map(lambda count: count / 10_000)
TOLERANCES = st.sampled_from([0.0, 0.003, 0.02, 0.1])
RATES = st.sampled_from([0.001, 0.01, 0.05, 0.2])


@st.composite
def nights(draw: st.DrawFn) -> list[Check]:
    """Draw one to four checks, of clustered values so that failures are as likely as passes."""

    def runs(least: int, most: int) -> tuple[float, ...]:
        centre, spread = draw(FRACTIONS), draw(st.sampled_from([0.0, 0.001, 0.01, 0.1]))
        # One draw for all steps, a byte each: hypothesis takes its time for every single draw.
        steps = draw(st.binary(min_size=least, max_size=most))
        return tuple(centre + spread * (step - 128) / 128 for step in steps)

    return [
        check(
            metric=f"metric {number}",
            baseline=runs(3, 5),
            today=runs(1, 3),
            tolerance=draw(TOLERANCES),
            higher_is_better=draw(st.booleans()),
            family=draw(st.sampled_from(["headline", "secondary"])),
        )
        for number in range(draw(st.integers(1, 4)))
    ]


def words(checks: list[Check], **options: Any) -> list[str]:
    return [verdict.word for verdict in judge_night(checks, **options)]


def assume_clear(checks: list[Check], **options: Any) -> None:
    """Leave out nights in which rounding may decide."""
    for verdict in judge_night(checks, **options):
        scale = max(map(abs, verdict.baseline_values + verdict.today_values))
        assume(abs(abs(verdict.effect) - verdict.allowance) > 1e-6 * verdict.allowance + 1e-12 * scale)
        assume(verdict.deviation == 0 or (verdict.deviation or 0.0) > 1e-9 * scale)


@pytest.mark.property
@settings(deadline=None, max_examples=50)
@given(checks=nights(), random=st.randoms(use_true_random=False))
def test_the_order_of_runs_is_irrelevant(checks: list[Check], random: Any) -> None:
    def mixed(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(random.sample(values, len(values)))

    other = [dataclasses.replace(c, baseline=mixed(c.baseline), today=mixed(c.today)) for c in checks]
    for before, after in zip(judge_night(checks), judge_night(other), strict=True):
        same = {"baseline_values": before.baseline_values, "today_values": before.today_values}
        assert dataclasses.replace(after, **same) == before  # type: ignore[arg-type]


@pytest.mark.property
@settings(deadline=None, max_examples=50)
@given(checks=nights(), random=st.randoms(use_true_random=False))
def test_the_order_of_checks_is_irrelevant(checks: list[Check], random: Any) -> None:
    order = random.sample(range(len(checks)), len(checks))
    found = judge_night([checks[index] for index in order])
    expected = judge_night(checks)
    for index, verdict in zip(order, found, strict=True):
        assert verdict.word == expected[index].word
        assert verdict.allowance == pytest.approx(expected[index].allowance)


@pytest.mark.property
@settings(deadline=None, max_examples=50)
@given(checks=nights(), by=st.sampled_from([0.001, 0.05, 3.0]), data=st.data())
def test_a_worse_mean_never_rescues_a_failure(checks: list[Check], by: float, data: st.DataObject) -> None:
    assume_clear(checks)
    index = data.draw(st.integers(0, len(checks) - 1))
    chosen = checks[index]
    worse = shifted(chosen.today, -by if chosen.higher_is_better else by)
    other = [*checks[:index], dataclasses.replace(chosen, today=worse), *checks[index + 1 :]]
    before, after = words(checks), words(other)
    if before[index] == "regression":
        assert after[index] == "regression"
        assert [word for word in before if word in BAD] == [word for word in after if word in BAD]


@pytest.mark.property
@settings(deadline=None, max_examples=50)
@given(checks=nights())
def test_mirrored_values_are_judged_alike_with_the_sides_swapped(checks: list[Check]) -> None:
    assume_clear(checks)

    def mirrored(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(-value for value in values)

    other = [dataclasses.replace(c, baseline=mirrored(c.baseline), today=mirrored(c.today)) for c in checks]
    swapped = {"pass": "pass", "regression": "stale", "stale": "regression"}
    assert words(other) == [swapped[word] for word in words(checks)]
    flipped = [dataclasses.replace(c, higher_is_better=not c.higher_is_better) for c in other]
    assert words(flipped) == words(checks)


@pytest.mark.property
@settings(deadline=None, max_examples=50)
@given(checks=nights(), factor=st.sampled_from([1e-3, 0.37, 100.0]))
def test_scaling_values_and_tolerances_together_changes_nothing(checks: list[Check], factor: float) -> None:
    assume_clear(checks)

    def scaled(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(factor * value for value in values)

    other = [
        dataclasses.replace(c, baseline=scaled(c.baseline), today=scaled(c.today), tolerance=factor * c.tolerance)
        for c in checks
    ]
    for before, after in zip(judge_night(checks), judge_night(other), strict=True):
        assert after.word == before.word
        assert after.allowance == pytest.approx(factor * before.allowance, rel=1e-6)
        assert after.smallest_drop == pytest.approx(factor * (before.smallest_drop or 0.0), rel=1e-6)


@pytest.mark.property
@settings(deadline=None, max_examples=50)
@given(checks=nights(), more=TOLERANCES, data=st.data())
def test_more_tolerance_never_turns_a_pass_into_a_failure(
    checks: list[Check], more: float, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(checks) - 1))
    wider = dataclasses.replace(checks[index], tolerance=checks[index].tolerance + more)
    before, after = words(checks), words([*checks[:index], wider, *checks[index + 1 :]])
    assert all(later == "pass" for earlier, later in zip(before, after, strict=True) if earlier == "pass")
    assert before[:index] + before[index + 1 :] == after[:index] + after[index + 1 :]


@pytest.mark.property
@settings(deadline=None, max_examples=50)
@given(checks=nights(), rates=st.tuples(RATES, RATES).map(sorted))
def test_a_larger_false_alarm_rate_never_turns_a_failure_into_a_pass(checks: list[Check], rates: list[float]) -> None:
    strict, loose = (words(checks, false_alarm_rate=rate) for rate in rates)
    assert all(after in BAD for before, after in zip(strict, loose, strict=True) if before in BAD)


@pytest.mark.property
@settings(deadline=None, max_examples=50)
@given(checks=nights())
def test_the_word_is_told_by_effect_and_allowance(checks: list[Check]) -> None:
    assume_clear(checks)
    for verdict in judge_night(checks):
        assert (verdict.word == "pass") == (abs(verdict.effect) < verdict.allowance)
        assert (verdict.smallest_drop or 0.0) >= (verdict.tolerance or 0.0)
