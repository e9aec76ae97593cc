"""Old nights go when they are asked to, and nothing else goes with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.records import prune
from benchmarks.records.night_folder import NightFolder, NightRecord, nights
from cifar_models.results.run_files import write_run
from tests.cifar_models.command_line.conftest import Command
from tests.factories import make_run

pytestmark = pytest.mark.unit


def _nights(run_dir: Path, days: int, *, ended: bool = True) -> list[Path]:
    """Leave a night of two runs for each day, the oldest first."""
    paths = []
    for day in range(1, days + 1):
        started = f"2025-01-{day:02}T02:00:00+00:00"
        folder = NightFolder.start(
            run_dir, NightRecord("synthetic", "sha256:data", started, started if ended else None)
        )
        for seed in range(2):
            write_run(folder.path, make_run(seed=seed))
        folder.close()
        paths.append(folder.path)
    return paths


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_is_removed_until_that_is_asked_for(tmp_path: Path, command: Command) -> None:
    oldest, *rest = _nights(tmp_path, 3)
    before = _files(tmp_path)
    arguments = ["--keep", "2", f"--run-dir={tmp_path}"]
    assert command("prune", *arguments).output.splitlines() == [
        f"would be removed: {oldest} (synthetic, 2 runs)",
        "1 of 3 nights would be removed; add --remove to remove them",
    ]
    assert _files(tmp_path) == before
    assert command("prune", *arguments, "--remove").output.splitlines() == [
        f"removed: {oldest} (synthetic, 2 runs)",
        "1 of 3 nights removed",
    ]
    assert sorted(tmp_path.iterdir()) == rest
    assert _files(tmp_path) == {path: content for path, content in before.items() if path.parent != oldest}


def test_the_newest_by_their_start_are_kept_whatever_their_folders_are_called(tmp_path: Path) -> None:
    first, second, third = _nights(tmp_path, 3)
    kept = first.rename(tmp_path / "zzz")
    assert f"removed: {kept} (synthetic, 2 runs)" in list(prune.prune(tmp_path, keep=2, remove=True))
    assert [path for path, _ in nights(tmp_path)] == [second, third]


def test_fewer_nights_than_are_kept_are_all_kept(tmp_path: Path) -> None:
    paths = _nights(tmp_path, 2)
    assert list(prune.prune(tmp_path, keep=5, remove=True)) == ["0 of 2 nights removed"]
    assert list(prune.prune(tmp_path, keep=2, remove=False)) == ["0 of 2 nights would be removed"]
    assert sorted(tmp_path.iterdir()) == paths


def test_a_night_that_runs_is_kept_however_old_it_is_and_one_that_was_interrupted_is_named_so(tmp_path: Path) -> None:
    oldest, older, newest = _nights(tmp_path, 3, ended=False)
    running = NightFolder.take(oldest)
    assert running is not None
    assert list(prune.prune(tmp_path, keep=1, remove=True)) == [
        f"left alone: {oldest}: it is running",
        f"removed: {older} (synthetic, 2 runs, interrupted)",
        "1 of 3 nights removed",
    ]
    assert sorted(tmp_path.iterdir()) == [oldest, newest]


def test_what_is_no_whole_night_is_left_alone(tmp_path: Path) -> None:
    damaged, removed, newest = _nights(tmp_path, 3)
    (damaged / "night.json").write_text("{", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / ".git").mkdir()
    lines = list(prune.prune(tmp_path, keep=1, remove=True))
    assert lines[0].startswith(f"left alone: {damaged}/night.json: ")
    assert lines[1:] == [f"removed: {removed} (synthetic, 2 runs)", "1 of 2 nights removed"]
    assert sorted(tmp_path.iterdir()) == sorted([damaged, newest, tmp_path / "notes.txt", tmp_path / ".git"])


def test_what_an_earlier_removal_left_goes_too(tmp_path: Path) -> None:
    path, _ = _nights(tmp_path, 2)
    left = path.rename(tmp_path / f".{path.name}.removed")
    assert list(prune.prune(tmp_path, keep=5, remove=False)) == ["0 of 1 nights would be removed"]
    assert left.exists()
    list(prune.prune(tmp_path, keep=5, remove=True))
    assert not left.exists()


def test_a_night_that_cannot_be_removed_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    def refuse(*_: Path) -> None:
        raise PermissionError(13, "Permission denied", "a night")

    _nights(tmp_path, 2)
    monkeypatch.setattr(Path, "rename", refuse)
    ended = command("prune", "--keep", "1", f"--run-dir={tmp_path}", "--remove")
    assert ended.status == 2
    assert ended.error == (
        "python -m benchmarks: [Errno 13] Permission denied: 'a night'; expected nights that can be removed\n"
    )
    assert len(list(nights(tmp_path))) == 2
