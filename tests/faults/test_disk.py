"""A disk that is full or read-only: a night ends with all that it could keep, and says what it could not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.baselines.baselines_file import read_baselines
from benchmarks.records.night_folder import read_night
from tests.faults.disks import disk, give_up_root, limit_file_size
from tests.faults.nights import NAMES, ROOT, TRAININGS, Ended, House

pytestmark = pytest.mark.faults

UPDATE = ("--update-baselines", "--reason=because")
FULL = "[Errno 28] No space left on device"
PNG_END = b"IEND\xaeB`\x82"
REMEDY = "fix this, then run with --resume, which trains it again and keeps the other runs"


def _losses(lines: list[str]) -> list[str]:
    return [line for line in lines if "its record could not be written" in line]


def test_a_disk_that_fills_during_a_night(house: House) -> None:
    with disk(house.run_dir, "48k") as small:
        ended = house.run()
        assert ended.status == 125
        assert ended.words == {"pass"}, "all of it was trained and judged"
        kept = house.kept()
        assert 0 < len(kept) < len(TRAININGS)
        lost = TRAININGS[len(kept) :]
        assert kept == TRAININGS[: len(kept)]
        assert list(house.run_dir.rglob(".*.tmp")) == [], "no half file takes what room there is"
        assert len(_losses(ended.lines)) == len(lost)
        for training, line in zip(lost, _losses(ended.lines), strict=True):
            name = training.replace(" ", " seed ")
            assert line.startswith(f"{name}: trained, but its record could not be written ({FULL}")
            assert line.endswith(REMEDY)
        assert f"{house.night}: unfinished, --resume continues it" in ended.lines
        small.resize("1m")
        house.resume(anew=lost)


def test_a_disk_that_is_full_for_a_while(house: House) -> None:
    with disk(house.run_dir, "256k"):
        pauses = {"simple_cnn 0": "pause", "improved_cnn 0": "pause"}
        session = house.start(trainings=pauses).paused("simple_cnn 0")
        filler = house.run_dir / "filler"
        with pytest.raises(OSError, match="No space left"):
            filler.write_bytes(bytes(2**20))
        session.go("simple_cnn 0").paused("improved_cnn 0")
        assert house.kept() == []
        filler.unlink()
        ended = session.go("improved_cnn 0").wait()
        assert ended.status == 0, ended.output
        assert house.kept() == TRAININGS
        assert read_night(house.night).ended is not None


def test_a_disk_that_is_full_before_a_night(house: House) -> None:
    with disk(house.run_dir, "64k"):
        with pytest.raises(OSError, match="No space left"):
            (house.run_dir / "filler").write_bytes(bytes(2**20))
        ended = house.run()
        assert ended.status == pytest.ExitCode.USAGE_ERROR
        (line,) = [line for line in ended.lines if line.startswith("ERROR")]
        assert line.startswith(f"ERROR: --run-dir: found {FULL}")
        assert line.endswith("expected a folder that can be written")
        assert ended.trained == []
        assert [path.name for path in house.run_dir.iterdir()] == ["filler"]


def test_a_limit_to_the_size_of_files(house: House) -> None:
    ended = house.run(prepare=limit_file_size)
    assert ended.status == 125, ended.output
    assert ended.words == {"pass"}
    assert len(_losses(ended.lines)) == len(TRAININGS)
    assert "[Errno 27] File too large" in _losses(ended.lines)[0]
    assert house.kept() == []
    house.resume(anew=TRAININGS)


def test_a_disk_too_full_for_the_page(house: House) -> None:
    pages = house.path / "pages"
    with disk(pages, "64k"):
        ended = house.run(f"--report-dir={pages}", page=True)
        assert ended.status == 125, ended.output
        assert ended.words == {"pass"}
        (line,) = [line for line in ended.lines if line.startswith("report: ")]
        command = f"python -m benchmarks page {house.night} --baselines {house.baselines} --report-dir {pages}"
        assert line == f"report: could not be written: {FULL}; fix this, then run {command}"
        for picture in pages.iterdir():
            assert picture.read_bytes().endswith(PNG_END), picture
    assert house.kept() == TRAININGS
    assert read_night(house.night).ended is not None


def test_a_disk_too_full_for_the_baselines(house: House) -> None:
    folder, baselines = house.path / "elsewhere", ROOT / "baselines.json"
    pages = baselines.stat().st_size // 4096 + 2  # the file's own, and not enough for it twice
    with disk(folder, f"{4 * pages}k") as small:
        house.baselines = Path(shutil.copy(baselines, folder))
        before = house.baselines.read_bytes()
        ended = house.run(*UPDATE)
        assert ended.status == 125
        (line,) = [line for line in ended.lines if "could not write" in line]
        assert line.startswith(f"{house.baselines}: this run judged nothing and could not write: {FULL}")
        assert "fix this, then repeat the command with --resume, which reuses tonight's runs" in ended.lines
        assert house.baselines.read_bytes() == before
        assert house.kept() == TRAININGS
        small.resize("1m")
        again = house.run("--resume", *UPDATE)
        assert again.trained == []
        for name in NAMES:
            assert read_baselines(house.baselines)[name]["synthetic"]["measured"].reason == "because"


def _assert_refused(ended: Ended, reason: str) -> None:
    """Hold a night to have begun with nothing for want of a folder."""
    assert ended.status == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in ended.lines if line.startswith("ERROR")]
    assert line.startswith(f"ERROR: --run-dir: found {reason}")
    assert line.endswith("expected a folder that can be written")
    assert ended.trained == []


def test_a_disk_that_is_read_only(house: House) -> None:
    with disk(house.run_dir, "1m") as small:
        small.make_read_only()
        ended = house.run()
        _assert_refused(ended, "[Errno 30] Read-only file system")


def test_a_folder_of_nights_that_is_read_only(house: House) -> None:
    house.run_dir.mkdir()
    house.run_dir.chmod(0o555)
    ended = house.run(prepare=give_up_root)
    _assert_refused(ended, "[Errno 13] Permission denied")


def test_a_folder_that_becomes_read_only_during_a_night(house: House) -> None:
    session = house.start(prepare=give_up_root, trainings={"simple_cnn 2": "pause"}).paused("simple_cnn 2")
    house.night.chmod(0o555)
    ended = session.go("simple_cnn 2").wait()
    assert ended.status == 125, ended.output
    assert ended.words == {"pass"}
    assert len(_losses(ended.lines)) == 4
    (line,) = [line for line in ended.lines if "the night's record could not be written" in line]
    assert line.endswith("fix this, then run with --resume, which keeps the runs and judges them again")
    assert house.kept() == TRAININGS[:2]
    house.night.chmod(0o755)
    house.resume(anew=TRAININGS[2:])


def test_an_interrupted_night_in_a_read_only_folder(interrupted: House) -> None:
    interrupted.night.chmod(0o555)
    (interrupted.night / ".lock").chmod(0o444)
    ended = interrupted.run("--resume", prepare=give_up_root)
    assert ended.status == pytest.ExitCode.USAGE_ERROR, ended.output
    (line,) = [line for line in ended.lines if line.startswith("ERROR")]
    assert line.startswith("ERROR: --run-dir: found [Errno 13] Permission denied")
    assert ended.trained == []
    assert interrupted.kept() == TRAININGS[:2]
    interrupted.night.chmod(0o755)
    interrupted.resume(anew=TRAININGS[2:])


def test_a_folder_of_baselines_that_is_read_only(house: House) -> None:
    folder = house.path / "elsewhere"
    folder.mkdir()
    house.baselines = Path(shutil.copy(ROOT / "baselines.json", folder))
    folder.chmod(0o555)
    ended = house.run(*UPDATE, prepare=give_up_root)
    assert ended.status == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in ended.lines if line.startswith("ERROR")]
    assert "[Errno 13] Permission denied" in line
    assert line.endswith("expected a folder that can be written")
    assert ended.trained == []
    assert house.run(prepare=give_up_root).status == 0, "a night that only judges them needs no more than to read them"


def test_a_folder_of_nights_that_is_removed_during_a_night(house: House) -> None:
    session = house.start(trainings={"simple_cnn 2": "pause"}).paused("simple_cnn 2")
    shutil.rmtree(house.run_dir)
    ended = session.go("simple_cnn 2").wait()
    assert ended.status == 0, ended.output
    assert house.kept() == TRAININGS[2:]
