"""Folders of shards: all of one night are read, and each that does not belong there is refused in one sentence."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.records.night_folder import NIGHT_RECORD, NightFolder, NightRecord
from benchmarks.records.selection import Selection, WithoutRun
from benchmarks.records.trainings import Outcome
from benchmarks.shards.kept_shards import ShardError, read_shards
from tests.benchmarks.shards.kept import NIGHT, STARTED, write_shard, write_shards

pytestmark = pytest.mark.unit


def _refused(folder: Path, *more: Path) -> str:
    with pytest.raises(ShardError) as caught:
        read_shards([folder, *more])
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_shards_are_found_by_their_folders_and_by_those_that_hold_them(tmp_path: Path) -> None:
    first, *others = (write_shard(tmp_path / f"machine{number}" / "shards", number) for number in (3, 1, 2))
    for folders in ([tmp_path], [first, *others], [first, tmp_path], [tmp_path / "machine1" / "..", tmp_path]):
        shards = read_shards(folders)
        assert [one.shard.number for one in shards] == [1, 2, 3]
    assert [training.key for one in shards for training in one.trainings] == [
        *(("simple_cnn", 1000), ("simple_cnn", 1001)),
        *(("improved_cnn", 1000), ("improved_cnn", 1001)),
    ]


def test_whole_nights_beside_shards_are_passed_over_and_refused_by_name(tmp_path: Path) -> None:
    night = NightFolder.start(tmp_path, NightRecord("synthetic", "sha256:data", STARTED))
    night.close()
    assert "found a whole night, expected a shard" in _refused(night.path)
    assert "found no shard in it" in _refused(tmp_path)
    write_shards(tmp_path / "shards")
    assert len(read_shards([tmp_path])) == 3


def test_a_training_without_a_run_is_what_its_shard_says_of_it(tmp_path: Path) -> None:
    write_shards(tmp_path, 1, 2)
    diverged = WithoutRun("improved_cnn", 1001, Outcome.DIVERGED, "")
    write_shard(tmp_path, 3, lacks=("improved_cnn", 1001), without_run=[diverged])
    (training,) = read_shards([tmp_path])[2].trainings
    assert (training.outcome, training.run) == (Outcome.DIVERGED, None)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    assert _refused(tmp_path / "nowhere").startswith(f"{tmp_path / 'nowhere'}: found no folder")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"first_seed": 2000}, "found first seed 2000, expected 1000; train all shards with the same --first-seed=Y"),
        ({"seeds": 3}, "found seeds 3, expected 2; train all shards with the same --seeds"),
        ({"max_seeds": 9}, "found max seeds 9, expected None; train all shards with the same --max-seeds"),
        ({"count": 4}, "found count 4, expected 3; train all shards with the same number of shards"),
        ({"repeats": True}, "found repeats True, expected False; train all shards with a day as --first-seed, or all"),
        ({"against": "published"}, "found against published, expected measured; train all shards with the same --agai"),
        ({"reason": "why"}, "found reason why, expected None; train all shards with the same --update-baselines and -"),
        ({"record": {"dataset": "cifar10"}}, "found dataset cifar10, expected synthetic; train all shards with the sa"),
        ({"record": {"data": "sha256:other"}}, "found data sha256:other, expected sha256:data; train all shards with"),
        ({"record": {"false_alarm_rate": 0.1}}, "found false alarm rate 0.1, expected 0.01; train all shards with the"),
        ({"record": {"must_be_identical": True}}, "found must be identical True, expected None; train all shards with"),
        ({"night": Selection(NIGHT.trainings, ["simple_cnn"])}, "their nights differ; train both with the same -k"),
        (
            {"night": Selection({**NIGHT.trainings, "vgg16_frozen": [1000]}, NIGHT.verdicts)},
            "their nights differ in vgg16_frozen seed 1000; train both with the same -k",
        ),
    ],
    ids=str,
)
def test_shards_of_different_nights_are_refused(tmp_path: Path, changes: dict[str, Any], found: str) -> None:
    first, _ = write_shards(tmp_path, 1, 3)
    if "dataset" in changes.get("record", {}):
        changes = changes | {"runs": {"dataset": "cifar10"}}
    other = write_shard(tmp_path, 2, **changes)
    said = _refused(tmp_path)
    assert said.startswith(
        f"shard 2 of {changes.get('count', 3)} in {other} does not belong to shard 1 of 3 in {first}"
    )
    assert found in said


def test_two_shards_of_one_number_are_refused(tmp_path: Path) -> None:
    paths = write_shards(tmp_path, 1, 2, 3, 2)
    assert f"shard 2 of 3: found it in {paths[1]} and {paths[3]}, expected it once" in _refused(tmp_path)


def test_missing_shards_are_named_with_what_they_would_train(tmp_path: Path) -> None:
    write_shards(tmp_path, 2)
    assert _refused(tmp_path) == (
        "shards: found no shard 1, 3 of 3, expected all; give the folders with improved_cnn seed 1001, simple_cnn seed "
        "1000, simple_cnn seed 1001 too, or train them"
    )
    write_shards(tmp_path, 1)
    assert "found no shard 3 of 3, expected all; give the folders with improved_cnn seed 1001 too" in _refused(tmp_path)


def test_a_training_that_no_shard_has_been_given_is_named(tmp_path: Path) -> None:
    write_shards(tmp_path, 1, 2)
    write_shard(tmp_path, 3, record={"selection": Selection({"improved_cnn": [1000]})})
    said = _refused(tmp_path)
    assert "without improved_cnn seed 1000, expected" in said  # its run is of another seed
    shutil.copy(
        next(tmp_path.glob("*/improved_cnn.synthetic.seed1000.json")),
        next(path.parent for path in tmp_path.glob("*/improved_cnn.synthetic.seed1001.json")),
    )
    assert "shards: found all 3, but none trains improved_cnn seed 1001, expected each training in one" in _refused(
        tmp_path
    )


def test_a_shard_that_was_killed_is_named_with_what_it_lacks(tmp_path: Path) -> None:
    write_shards(tmp_path, 2, 3)
    path = write_shard(tmp_path, 1, lacks=("simple_cnn", 1001), record={"ended": None})
    assert _refused(tmp_path) == (
        f"{path}: found shard 1 of 3 without simple_cnn seed 1001, expected all its trainings; if it was killed, run "
        f"the same command with --resume, or remove the folder if another one replaces it"
    )


@pytest.mark.parametrize("damage", ["", "{", '{"format": 99}', "\0\0\0"], ids=["empty", "cut", "other", "zeros"])
def test_a_damaged_record_is_named(tmp_path: Path, damage: str) -> None:
    path, *_ = write_shards(tmp_path)
    (path / NIGHT_RECORD).write_text(damage)
    said = _refused(tmp_path)
    assert said.startswith(f"{path / NIGHT_RECORD}: ")
    assert said.endswith("; train that shard again, without --resume")


def test_a_damaged_run_is_named(tmp_path: Path) -> None:
    path, *_ = write_shards(tmp_path)
    run = path / "simple_cnn.synthetic.seed1001.json"
    run.write_text(run.read_text()[:300])
    said = _refused(tmp_path)
    assert said.startswith(f"{run}: ")
    assert said.endswith("; --shard 1/3 with --resume trains it again")


@pytest.mark.parametrize(("number", "count"), [(0, 3), (4, 3), (-1, 3), (1, 0)])
def test_a_number_that_no_shard_has_is_refused(tmp_path: Path, number: int, count: int) -> None:
    path = write_shard(tmp_path, 1, count=count)
    text = (path / NIGHT_RECORD).read_text()
    (path / NIGHT_RECORD).write_text(re.sub(r'"number": \d+', f'"number": {number}', text))
    assert f"{path}: found shard {number} of {count}, expected a number from 1" in _refused(tmp_path)
