from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import pytest

from benchmarks.baselines.baseline import Baseline, Baselines
from benchmarks.baselines.baselines_file import write_baselines
from benchmarks.judging.judge import best_sight, by_experiment, checks_of
from benchmarks.night import plan
from benchmarks.statistics.power import seeds_needed
from benchmarks.statistics.verdict import judge_night
from tests.cifar_models.command_line.conftest import Command
from tests.factories import make_baseline, make_published, make_run

pytestmark = pytest.mark.unit

NARROW = dataclasses.replace(
    make_baseline(accuracy=(0.699, 0.700, 0.701)), seconds=[60.0, 90.0, 120.0], feature_seconds=0.0
)
WIDE = dataclasses.replace(make_baseline(accuracy=(0.69, 0.70, 0.71)), feature_seconds=0.0)


def _baselines(**measured: Baseline) -> Baselines:
    return {name: {"synthetic": {"measured": baseline}} for name, baseline in measured.items()}


def _render(baselines: Baselines, *, points: float = 6.0) -> tuple[dict[str, list[str]], str]:
    """Return the cells of each experiment's line that are not empty, and the last line."""
    _, _, *lines, empty, last = plan.render(baselines, dataset="synthetic", points=points).splitlines()
    assert not empty
    return {name: cells for name, *cells in (re.split(r" {2,}", line.rstrip()) for line in lines)}, last


def _needed(baseline: Baseline, *, experiments: int, runs: int = 3, drop: float = 0.06) -> int | None:
    return seeds_needed(
        drop=drop,
        deviation=stdev(baseline.metrics["accuracy"].values),
        baseline_runs=runs,
        tolerance=0.04,
        checks=2 * experiments,
        secondary_checks=2 * experiments,
    )


def test_each_experiment_gets_the_seeds_that_the_night_s_checks_leave_it_and_their_cost() -> None:
    lines, last = _render(_baselines(a=NARROW, b=WIDE))
    few, more = _needed(NARROW, experiments=2), _needed(WIDE, experiments=2)
    assert few is not None
    assert more is not None
    assert 1 < few < more
    assert more != _needed(WIDE, experiments=1), "the checks of the other experiment count"
    assert lines["a"] == ["3", "0.0010", "3 to 9", lines["a"][3], str(few), f"{1.5 * few:.1f}"]
    assert lines["b"] == ["3", "0.0100", "3 to 9", lines["b"][3], str(more), f"{more:.1f}"]
    expected = f"A night that catches a drop of 6 points with probability 0.95: {1.5 * few + more:.1f} minutes"
    assert last == expected


@pytest.mark.parametrize("by_loss", [True, False])
def test_what_a_default_night_catches_is_what_its_table_says(by_loss: bool) -> None:
    looks = {"a": (3, 9), "simple_cnn": (7, 21)}
    loss = (0.99, 1.0, 1.01) if by_loss else (0.9, 1.0, 1.1)
    baselines = {
        name: make_baseline(accuracy=(0.68, 0.70, 0.72), loss=loss, nats_per_point=0.02, f1={"cat": (0.6, 0.7, 0.8)})
        for name in looks
    }
    lines, _ = _render(_baselines(**baselines))
    # Runs that are as far apart as the baseline's, so that the night's own standard deviation is the baseline's.
    checks = [
        dataclasses.replace(check, today=_as_wide_as(check.baseline, looks[name][0]))
        for name, baseline in baselines.items()
        for check in checks_of([make_run(name, seed) for seed in range(looks[name][0])], baseline)
    ]
    verdicts = by_experiment(judge_night(checks, looks=looks))
    for name, (least, most) in looks.items():
        best = best_sight(verdicts[name])
        assert best is not None
        assert best.points is not None
        assert best.metric == ("loss" if by_loss else "accuracy")
        assert lines[name][2:4] == [f"{least} to {most}", f"{best.points:.1f} points"]


def _as_wide_as(values: Sequence[float], runs: int) -> tuple[float, ...]:
    """Return a number of values with the mean and the standard deviation of others."""
    steps = np.linspace(-1, 1, runs)
    return tuple((fmean(values) + stdev(values) * steps / np.std(steps, ddof=1)).tolist())


def test_the_loss_is_planned_by_where_it_sees_more() -> None:
    baseline = make_baseline(accuracy=(0.69, 0.70, 0.71), loss=(0.999, 1.0, 1.001), nats_per_point=0.02)
    lines, _ = _render(_baselines(a=baseline))
    assert lines["a"][1] == "0.0005 by loss"
    lines, _ = _render(_baselines(a=dataclasses.replace(baseline, nats_per_point=0.0005)))
    assert lines["a"][1] == "0.0100"


@pytest.mark.parametrize(("points", "always_passes"), [(1.0, True), (1.1, True), (2.0, False)])
def test_a_drop_within_the_tolerance_cannot_be_planned(points: float, always_passes: bool) -> None:
    assert 1.1 / 100 > 0.011, "by rounding alone"
    baseline = make_baseline(accuracy=(0.6999, 0.7, 0.7001), tolerance=0.011)
    lines, last = _render(_baselines(a=baseline), points=points)
    assert (lines["a"][4:] == ["within the tolerance, always passes"]) == always_passes
    assert last.endswith("0.0 minutes, for 0 of 1 experiments") == always_passes


def test_where_no_number_of_seeds_does_the_line_says_with_how_many_baseline_runs_it_would() -> None:
    lines, last = _render(_baselines(a=WIDE, b=NARROW), points=4.7)
    seeds = _needed(WIDE, experiments=2, runs=12, drop=0.047)
    assert _needed(WIDE, experiments=2, runs=6, drop=0.047) is None
    assert lines["a"][4:] == [f"more than 20; with 12 baseline runs: {seeds}"]
    assert last.endswith(f"{lines['b'][-1]} minutes, for 1 of 2 experiments")


def test_where_many_more_baseline_runs_would_not_do_either_the_line_says_so() -> None:
    lines, _ = _render(_baselines(a=WIDE), points=4.1)
    assert lines["a"][4:] == ["more than 20, even with 24 baseline runs"]


def test_a_published_number_alone_has_no_spread_to_plan_from() -> None:
    both = {"published": make_published(), "measured": NARROW}
    lines, _ = _render({"a": {"synthetic": {"published": make_published()}}, "b": {"synthetic": both}})
    assert lines["a"] == ["published, without a spread"]
    seeds = _needed(NARROW, experiments=1)
    assert lines["b"][4] == str(seeds), "it takes no part of the false-alarm rate, and a measured one goes first"


def test_an_experiment_without_a_baseline_on_the_data_set_is_left_out() -> None:
    lines, _ = _render(_baselines(a=NARROW) | {"b": {"cifar10": {"measured": NARROW}}})
    assert lines.keys() == {"a"}


def test_variants_are_left_out_which_a_night_trains_instead() -> None:
    baselines = _baselines(a=NARROW)
    assert _render(baselines | _baselines(**{"a+xla": NARROW})) == _render(baselines)


def test_the_features_of_a_frozen_part_are_counted_once_for_all_seeds() -> None:
    frozen = dataclasses.replace(NARROW, feature_seconds=150.0)
    lines, _ = _render(_baselines(a=frozen), points=5)
    seeds = int(lines["a"][4])
    assert seeds > 1
    assert lines["a"][5] == f"{1.5 * seeds + 2.5:.1f}"


def test_the_command_prints_the_plan_for_its_options(tmp_path: Path, command: Command) -> None:
    path = tmp_path / "baselines.json"
    baselines = _baselines(simple_cnn=WIDE)
    write_baselines(path, baselines)
    where = ("plan", f"--baselines={path}", "--dataset=synthetic", "--drop=8")
    usual = command(*where).output
    assert usual == plan.render(baselines, dataset="synthetic", points=8) + "\n"
    chosen: dict[str, float]
    for option, chosen in (
        ("--power=0.6", {"power": 0.6}),
        ("--false-alarm-rate=0.2", {"false_alarm_rate": 0.2}),
    ):
        found = command(*where, option).output
        assert found == plan.render(baselines, dataset="synthetic", points=8, **chosen) + "\n"
        assert found.splitlines()[2] != usual.splitlines()[2], "it takes other seeds"


def test_a_data_set_without_baselines_is_an_error_that_names_those_with_some() -> None:
    baselines = _baselines(a=NARROW) | {"b": {"cifar10": {"published": make_published()}}}
    with pytest.raises(ValueError, match=r"found no baselines for 'x', .* with baselines: cifar10, synthetic"):
        plan.render(baselines, dataset="x", points=6)
