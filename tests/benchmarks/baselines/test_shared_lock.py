"""Locks in folders that several users write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from benchmarks.baselines.baseline import BaselineError
from benchmarks.baselines.baselines_file import updating
from benchmarks.baselines.shared_lock import shared_lock
from benchmarks.records.night_folder import NightFolder, NightRecord

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def usual_umask() -> object:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize(("folder", "lock"), [(0o777, 0o666), (0o2775, 0o664), (0o755, 0o644), (0o700, 0o600)])
def test_a_lock_can_be_opened_by_everyone_who_may_write_its_folder(tmp_path: Path, folder: int, lock: int) -> None:
    tmp_path.chmod(folder)
    with shared_lock(tmp_path / ".lock"):
        assert (tmp_path / ".lock").stat().st_mode & 0o777 == lock


def _refuse(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied", ".lock")


def test_a_lock_file_that_another_user_keeps_to_themselves_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".baselines.json.lock").touch()
    monkeypatch.setattr(FileLock, "acquire", _refuse)
    with pytest.raises(BaselineError) as caught, updating(tmp_path / "baselines.json"):
        pass
    assert f"found the lock file {tmp_path / '.baselines.json.lock'} of another user" in str(caught.value)
    assert "run `chmod a+rw` on it" in str(caught.value)


def test_another_user_s_interrupted_night_is_left_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = NightRecord("synthetic", "sha256:d", "2025-01-31T02:00:00+00:00")
    night = NightFolder.start(tmp_path, record)
    night.close()
    monkeypatch.setattr(FileLock, "acquire", _refuse)
    (night.path / ".lock").touch()
    with pytest.raises(PermissionError):  # one's own is not passed over in silence
        NightFolder.resume(tmp_path, record, 0)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert NightFolder.resume(tmp_path, record, 0) is None
    with pytest.raises(PermissionError, match=r"found the lock file .* of another user"):
        NightFolder.take(night.path)
