"""When a night judges: at one look or two, with how many seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.inputs.settings import SEEDS, Settings, keyword_for
from cifar_models.experiments import trained_by_nights

pytestmark = pytest.mark.unit


def make(**values: Any) -> Settings:
    return Settings(
        **{"baselines_path": Path("baselines.json"), "run_dir": Path("runs"), "dataset": "synthetic", **values}
    )


def test_a_night_has_two_looks_by_default_and_trains_for_the_first() -> None:
    looks = {name: make(first_seed=7).looks_of(name) for name in trained_by_nights("synthetic")}
    assert looks == SEEDS["synthetic"]
    assert make(first_seed=7).seeds_of("improved_cnn") == range(7, 9)


def test_a_variant_has_the_looks_of_its_experiment_and_what_is_not_listed_has_three_seeds() -> None:
    assert make().looks_of("simple_cnn+xla") == make().looks_of("simple_cnn") == (7, 21)
    assert make().looks_of("reference_cnn") == make(dataset="cifar10").looks_of("simple_cnn") == (3, 9)


def test_unofficial_images_have_the_looks_of_the_official_ones() -> None:
    official, other = (make(dataset=dataset) for dataset in ("cifar10", "cifar10-unofficial"))
    assert other.looks_of("resnet50_frozen") == official.looks_of("resnet50_frozen") == (12, 24)


def test_each_baselines_file_has_a_folder_of_records() -> None:
    assert make(baselines_path=Path("a/baselines.json")).records == Path("a/baseline_runs")
    assert make(baselines_path=Path("a/trial.json")).records == Path("a/trial_runs")


def test_a_number_of_seeds_leaves_one_look_unless_it_may_grow() -> None:
    assert make(seeds=3).looks_of("simple_cnn") == (3,)
    assert make(seeds=3, max_seeds=9).looks_of("simple_cnn") == (3, 6, 9)


@pytest.mark.parametrize("parts", [{"shard": (1, 8)}, {"joined": True}])
def test_shards_have_one_look_unless_told_because_their_judge_trains_nothing(parts: dict[str, Any]) -> None:
    assert make(**parts).looks_of("simple_cnn") == (7,)
    assert make(seeds=3, max_seeds=9, **parts).looks_of("simple_cnn") == (3, 6, 9)


@pytest.mark.parametrize(
    ("names", "keyword"),
    [
        (["simple_cnn"], "simple_cnn"),
        (["simple_cnn+xla", "vgg16_frozen+xla"], "'simple_cnn+xla or vgg16_frozen+xla'"),
        (["vgg16_matched"], "'(vgg16_matched) and not (vgg16_matched_finetuned)'"),
        (["vgg16_matched_finetuned"], "vgg16_matched_finetuned"),
    ],
)
def test_a_command_selects_the_experiments_alone(names: list[str], keyword: str) -> None:
    assert keyword_for(names) == keyword
    assert f"-k {keyword} --seeds" in make().update_command(names[0]) or len(names) > 1
