"""Shards that are killed, that train on several workers, or whose judge runs out of disk space: nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.inputs.settings import SHARDS
from benchmarks.records.night_folder import nights, read_night_runs
from tests.faults.disks import disk
from tests.faults.nights import ROOT, TRAININGS, Ended, House

pytestmark = pytest.mark.faults


def _shards(house: House) -> list[Path]:
    return [path for path, _ in nights(house.run_dir / SHARDS)]


def _judge(house: House, *options: str) -> Ended:
    """Judge all shards of a house, in a process of its own."""
    arguments = ["judge", str(house.run_dir / SHARDS), f"--run-dir={house.run_dir}", f"--baselines={house.baselines}"]
    ended = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "benchmarks", *arguments, *options],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Ended(ended.returncode, ended.stdout + ended.stderr, [])


def _kept(paths: Sequence[Path]) -> list[str]:
    runs = [run for path in paths for run in read_night_runs(path)[0]]
    return sorted((f"{run.experiment} {run.seed}" for run in runs), key=TRAININGS.index)


@pytest.fixture(scope="module")
def judged_alone(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    ended = House(tmp_path_factory.mktemp("alone")).run()
    assert ended.status == 0, ended.output
    return ended


def test_shards_of_one_process_and_of_two_workers_are_judged_as_one_process_judges_itself(
    house: House, judged_alone: Ended
) -> None:
    trained = []
    for options in (["--shard=1/2"], ["--shard=2/2", "-p", "xdist", "-n", "2"]):
        ended = house.run(*options)
        assert ended.status == 0, ended.output
        assert "this session judged nothing: python -m benchmarks judge DIR... judges the folders of all 2 shards" in (
            ended.lines
        )
        trained += ended.trained
    assert sorted(trained) == sorted(TRAININGS)
    judged = _judge(house)
    assert judged.status == 0, judged.output
    assert judged.verdicts == judged_alone.verdicts
    assert judged.outcomes == judged_alone.outcomes
    assert house.kept() == TRAININGS


def test_a_shard_that_is_killed_is_not_judged_until_it_has_gone_on(house: House) -> None:
    first = house.run("--shard=1/2")
    ended = house.start("--shard=2/2", trainings=dict.fromkeys(TRAININGS, "pause"))
    (second,) = [name for name in TRAININGS if name not in first.trained][:1]
    ended.paused(second).kill().wait()
    judged = _judge(house)
    assert judged.status == 2
    (line,) = judged.lines
    assert "found shard 2 of 2 without " in line
    assert "run the same command with --resume" in line
    assert [path.name for path in house.run_dir.iterdir()] == [SHARDS], "nothing was written"
    resumed = house.run("--shard=2/2", "--resume")
    assert resumed.status == 0, resumed.output
    assert sorted(first.trained + resumed.trained) == sorted(TRAININGS)
    assert len(_shards(house)) == 2, "the other shard's folder is not gone on with"
    assert _judge(house).status == 0


def test_a_shard_whose_worker_dies_is_not_judged_as_a_pass(house: House) -> None:
    first = house.run("--shard=1/2")
    victim = [name for name in TRAININGS if name not in first.trained][1]
    ended = house.run("--shard=2/2", "-p", "xdist", "-n", "1", trainings={victim: "die"})
    assert ended.status == 125, ended.output
    judged = _judge(house)
    assert judged.status == 125, judged.output
    assert judged.outcomes[victim] == "its worker died"
    assert "pass" in judged.words


def test_a_disk_that_is_full_while_shards_are_judged(house: House) -> None:
    for number in (1, 2):
        house.run(f"--shard={number}/2")
    before = _kept(_shards(house))
    full = house.path / "full"
    with disk(full, "32k") as small:
        refused = _judge(house, f"--run-dir={full}")
        assert refused.status == 2, refused.output
        (line,) = refused.lines
        assert line.startswith("python -m benchmarks: --run-dir: found [Errno 28] No space left on device")
        assert line.endswith("the shards have not changed")
        assert list(full.iterdir()) == [], "half a night would be taken for one"
        small.resize("4m")
        judged = _judge(house, f"--run-dir={full}")
        assert judged.status == 0, judged.output
    assert _kept(_shards(house)) == before == TRAININGS
