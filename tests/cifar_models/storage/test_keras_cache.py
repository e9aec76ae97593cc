"""Keras's folder is where Keras itself has it, home or no home."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cifar_models.storage.keras_cache import DownloadError, download, keras_home

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def no_keras_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_HOME", raising=False)


def test_keras_home_goes_first_and_may_begin_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", "~/elsewhere")
    assert keras_home() == tmp_path / "elsewhere"


def test_it_is_in_a_home_that_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert keras_home() == tmp_path / ".keras"


def test_a_home_that_is_not_there_is_passed_over_as_keras_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    assert keras_home() == Path("/tmp/.keras")  # noqa: S108


def test_no_home_at_all_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", no_home)
    assert keras_home() == Path("/tmp/.keras")  # noqa: S108


def test_a_home_that_cannot_be_written_is_used_only_if_keras_s_folder_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).exists() and not mode & os.W_OK)
    assert keras_home() == Path("/tmp/.keras")  # noqa: S108
    (tmp_path / ".keras").mkdir()
    assert keras_home() == tmp_path / ".keras"


def test_a_keras_that_cannot_be_imported_is_a_failed_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras.utils", None)
    with pytest.raises(DownloadError, match=r"^ModuleNotFoundError: .*keras\.utils"):
        download("https://example.org/file", file_hash="0" * 64, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []
