"""Nights on disk: who holds one, which one is gone on with, and that nothing damaged is taken for a record."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.judging.judge import judge
from benchmarks.records.night_folder import (
    BaselineMark,
    NightError,
    NightFolder,
    NightRecord,
    damaged_nights,
    newest_first,
    nights,
    read_night,
    read_night_runs,
    remove_half_removed,
)
from benchmarks.records.selection import Selection
from benchmarks.statistics.seeds import BLOCK, first_seed_of
from cifar_models.results.run import RunError
from cifar_models.results.run_files import read_run, record_name, write_run
from cifar_models.storage.files import remove_leftovers, write_whole
from tests.factories import make_baseline, make_run, make_shard, make_verdict

pytestmark = pytest.mark.unit

FIRST = "2025-01-31T02:00:00+00:00"
SECOND = "2025-02-01T02:00:00+00:00"


def _record(started: str = FIRST, ended: str | None = None, data: str = "sha256:data") -> NightRecord:
    return NightRecord(dataset="synthetic", data=data, started=started, ended=ended)


def _night(run_dir: Path, record: NightRecord | None = None) -> Path:
    """Leave a night as an interrupted session does, or with ``ended`` as a finished one."""
    folder = NightFolder.start(run_dir, record or _record())
    folder.close()
    return folder.path


def _resume(run_dir: Path) -> NightFolder | None:
    return NightFolder.resume(run_dir, _record(), 0)


def test_a_shard_is_resumed_by_itself_alone(tmp_path: Path) -> None:
    third, fourth, tomorrow = make_shard(3), make_shard(4), make_shard(3, first_seed=2000)
    _night(tmp_path, dataclasses.replace(_record(), shard=third))
    for other in (None, fourth, tomorrow, make_shard(3, count=9)):
        assert NightFolder.resume(tmp_path, dataclasses.replace(_record(), shard=other), 0) is None
    found = NightFolder.resume(tmp_path, dataclasses.replace(_record(), shard=third), 0)
    assert found is not None
    assert read_night(found.path).shard == third
    found.close()


def test_a_night_of_other_seeds_is_not_resumed(tmp_path: Path) -> None:
    first = first_seed_of(datetime.date(2025, 1, 31))
    night = dataclasses.replace(_record(), selection=Selection({"simple_cnn": [0, first, first + 1]}))
    path = _night(tmp_path, night)
    assert NightFolder.resume(tmp_path, _record(), 0) is None
    assert NightFolder.resume(tmp_path, _record(), first + BLOCK) is None
    found = NightFolder.resume(tmp_path, _record(), first)
    assert found is not None
    assert found.path == path
    found.close()


def _folder_in_place_of(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _seen(run_dir: Path) -> list[object]:
    return [*nights(run_dir), *damaged_nights(run_dir)]


def _damage(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(content), encoding="utf-8")


def test_a_night_is_named_by_its_start_and_holds_its_record_from_then_on(tmp_path: Path) -> None:
    folder = NightFolder.start(tmp_path / "new" / "runs", _record())
    assert folder.path == tmp_path / "new" / "runs" / "2025-01-31T02-00-00Z"
    assert read_night(folder.path) == _record()


def test_nights_of_the_same_second_and_of_a_clock_set_back_have_a_folder_each(tmp_path: Path) -> None:
    paths = [_night(tmp_path, _record(started)) for started in (SECOND, SECOND, FIRST, FIRST, FIRST)]
    assert len(set(paths)) == 5
    assert [path.name for path in paths[:3]] == ["2025-02-01T02-00-00Z", "2025-02-01T02-00-00Z-2", paths[2].name]
    assert [path for path, _ in nights(tmp_path)] == sorted(paths)
    assert [record.started for _, record in newest_first(tmp_path)] == [SECOND] * 2 + [FIRST] * 3


def test_room_for_a_thousand_nights_of_one_second_is_enough(tmp_path: Path) -> None:
    for number in range(1, 1000):
        (tmp_path / ("2025-01-31T02-00-00Z" if number == 1 else f"2025-01-31T02-00-00Z-{number}")).mkdir()
    with pytest.raises(FileExistsError, match="found 999 folders with the time 2025-01-31T02-00-00Z, exp"):
        NightFolder.start(tmp_path, _record())


def test_a_start_that_cannot_write_its_record_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        NightFolder.start(tmp_path, _record())
    assert list(tmp_path.iterdir()) == []


def test_what_a_night_came_to_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    folder = NightFolder.start(tmp_path, _record())
    runs = [make_run(seed=seed, accuracy=0.69 + seed / 100) for seed in range(3)]
    verdicts = judge({"simple_cnn": runs}, {"simple_cnn": make_baseline()}, false_alarm_rate=0.01, looks=(3,))
    record = dataclasses.replace(_record(ended=SECOND), verdicts=verdicts["simple_cnn"], problems={"simple_cnn": "why"})
    folder.write_record(record)
    assert read_night(folder.path) == record


@pytest.fixture
def record(tmp_path: Path) -> str:
    """Return the text of a record with a verdict."""
    verdict = make_verdict("accuracy", "regression")
    mark = BaselineMark.of(make_baseline())
    folder = NightFolder.start(
        tmp_path / "written", dataclasses.replace(_record(), verdicts=[verdict], baselines={"simple_cnn": mark})
    )
    folder.close()
    return json.dumps(json.loads((folder.path / "night.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"regression"', '"not much"'),
        ('"tolerance"', '"chance"'),
        ('"runs": 3', '"runs": "3"'),
        ('"word"', '"verdict"'),
        ('"source": "measured"', '"source": "heard"'),
        ('"family": "headline"', '"family": "per_class"'),
        ('"format": 2', '"format": 1'),
        ('"format": 2', '"format": 3'),
        ('"format": 2', '"format": true'),
    ],
)
def test_a_record_that_is_not_as_its_format_says_is_refused(tmp_path: Path, record: str, old: str, new: str) -> None:
    assert old in record
    (tmp_path / "night.json").write_text(record.replace(old, new), encoding="utf-8")
    with pytest.raises(NightError, match=r"night\.json: .*expected"):
        read_night(tmp_path)


def test_an_interrupted_night_is_gone_on_with_and_one_that_ended_is_not(tmp_path: Path) -> None:
    _night(tmp_path, _record(SECOND, ended=SECOND))
    interrupted = _night(tmp_path)
    folder = _resume(tmp_path)
    assert folder is not None
    assert folder.path == interrupted
    folder.write_record(_record(ended=SECOND))
    folder.close()
    assert _resume(tmp_path) is None


def test_the_newest_interrupted_night_is_gone_on_with(tmp_path: Path) -> None:
    newest = _night(tmp_path, _record(SECOND))
    _night(tmp_path, _record(FIRST))  # made later, by a clock that was set back
    folder = _resume(tmp_path)
    assert folder is not None
    assert folder.path == newest


@pytest.mark.parametrize("other", [{"dataset": "cifar10"}, {"data": "sha256:other"}])
def test_a_night_on_other_data_is_not_gone_on_with(tmp_path: Path, other: dict[str, Any]) -> None:
    _night(tmp_path, dataclasses.replace(_record(), **other))
    assert _resume(tmp_path) is None


def test_where_there_is_no_folder_of_nights_there_is_none_to_go_on_with(tmp_path: Path) -> None:
    assert _resume(tmp_path / "nowhere") is None
    assert _seen(tmp_path / "nowhere") == []


def test_a_night_that_runs_is_not_gone_on_with_by_another(tmp_path: Path) -> None:
    older = _night(tmp_path)
    running = NightFolder.start(tmp_path, _record(SECOND))
    assert NightFolder.take(running.path) is None
    first, second = _resume(tmp_path), _resume(tmp_path)
    assert first is not None
    assert first.path == older
    assert second is None
    running.close()
    third = _resume(tmp_path)
    assert third is not None
    assert third.path == running.path


@pytest.mark.parametrize("meanwhile", ["ended", "removed"])
def test_a_night_that_ends_or_goes_while_it_is_taken_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    _night(tmp_path)
    take = NightFolder.take

    def late(path: Path) -> NightFolder | None:
        holder = take(path)
        assert holder is not None
        if meanwhile == "ended":
            holder.write_record(_record(ended=SECOND))
            holder.close()
        else:
            holder.remove()
        return take(path)

    monkeypatch.setattr(NightFolder, "take", late)
    assert _resume(tmp_path) is None


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut short": lambda path: path.write_text(path.read_text(encoding="utf-8")[:50], encoding="utf-8"),
    "empty": lambda path: path.write_text("", encoding="utf-8"),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "of another version": lambda path: _damage(path, format=99),
    "of a version that only equals it": lambda path: _damage(path, format=True),
    "of an unknown key": lambda path: _damage(path, extra=1),
    "of another type": lambda path: _damage(path, data=1),
    "without a time": lambda path: _damage(path, started="yesterday"),
    "a list": lambda path: path.write_text("[]", encoding="utf-8"),
    "a folder": lambda path: _folder_in_place_of(path),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_night_is_named_and_never_taken(tmp_path: Path, damage: str) -> None:
    path = _night(tmp_path)
    whole = _night(tmp_path, _record(SECOND))
    DAMAGE[damage](path / "night.json")
    with pytest.raises(NightError, match=r"night\.json: .+; this file is not the record of a night") as caught:
        read_night(path)
    assert [str(error) for error in damaged_nights(tmp_path)] == [str(caught.value)]
    assert [night for night, _ in nights(tmp_path)] == [whole]


def test_what_is_no_night_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("text", encoding="utf-8")
    (tmp_path / "a folder").mkdir()
    night = _night(tmp_path)
    assert [path for path, _ in nights(tmp_path)] == [night]
    assert list(damaged_nights(tmp_path)) == []


def test_a_night_that_is_removed_is_gone_whole_or_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _night(tmp_path)
    write_run(path, make_run())

    def broken_off(_: Path) -> None:
        raise KeyboardInterrupt

    folder = NightFolder.take(path)
    assert folder is not None
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", broken_off)
        with pytest.raises(KeyboardInterrupt):
            folder.remove()
    assert _seen(tmp_path) == []
    assert list(tmp_path.iterdir()) != []
    remove_half_removed(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_read_back_and_replaces_an_earlier_one(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    path = write_run(folder, make_run(accuracy=0.6))
    assert path == folder / "simple_cnn.synthetic.seed0.json" == folder / record_name("simple_cnn", "synthetic", 0)
    assert write_run(folder, make_run(accuracy=0.7)) == path
    assert read_run(path) == make_run(accuracy=0.7)
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize("damage", ["cut short", "empty", "no text", "of another version", "a list", "a folder"])
def test_a_damaged_run_is_named_and_left_out(tmp_path: Path, damage: str) -> None:
    paths = [write_run(tmp_path, make_run(seed=seed)) for seed in range(3)]
    DAMAGE[damage](paths[1])
    with pytest.raises(RunError, match=r"simple_cnn\.synthetic\.seed1\.json: "):
        read_run(paths[1])
    found, _ = read_night_runs(tmp_path)
    assert [run.seed for run in found] == [0, 2]


def test_what_a_killed_writer_left_is_removed_by_whoever_goes_on(tmp_path: Path) -> None:
    path = _night(tmp_path)
    write_run(path, make_run())
    (path / ".simple_cnn.synthetic.seed1.json.x1y2.tmp").write_text('{"format"', encoding="utf-8")
    assert read_night_runs(path) == ([make_run()], [])
    assert _resume(tmp_path) is not None
    assert sorted(file.name for file in path.iterdir()) == [".lock", "night.json", "simple_cnn.synthetic.seed0.json"]


def test_leftovers_are_those_of_the_file_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [tmp_path / name for name in (".baselines.json.lock", ".other.json.x.tmp", "baselines.json.tmp")]
    for file in kept:
        file.touch()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _killed)
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # who is killed has no chance to remove it
        with pytest.raises(InterruptedError):
            write_whole(tmp_path / "baselines.json", "text")
    assert len(list(tmp_path.iterdir())) == 4
    remove_leftovers(tmp_path / "baselines.json")
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def _killed(*_: Path) -> None:
    raise InterruptedError


def test_a_run_that_is_there_twice_is_read_once(tmp_path: Path) -> None:
    run = make_run()
    file = write_run(tmp_path, run)
    shutil.copy(file, tmp_path / "simple_cnn.synthetic.seed0 (copy).json")
    assert read_night_runs(tmp_path) == ([run], [])


def test_two_different_runs_of_one_seed_are_an_error_that_names_both_and_neither_is_read(tmp_path: Path) -> None:
    other = write_run(tmp_path, make_run(accuracy=0.6)).rename(tmp_path / "simple_cnn.synthetic.seed00.json")
    file = write_run(tmp_path, make_run())
    kept = make_run(seed=1)
    write_run(tmp_path, kept)
    runs, (error,) = read_night_runs(tmp_path)
    assert runs == [kept]
    assert str(error) == (
        f"{file} and {other.name}: found two different runs of simple_cnn seed 0, expected one; remove the wrong one"
    )
