"""Files are written whole, to where their links point, and paths mean what a shell would make of them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import benchmarks
import cifar_models
from cifar_models.storage.files import remove_leftovers, user_path, write_whole

pytestmark = pytest.mark.unit


def test_a_symbolic_link_stays_one_and_what_it_points_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "target.json"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o640)
    (tmp_path / "between.json").symlink_to(target)
    (tmp_path / "link.json").symlink_to("between.json")
    write_whole(tmp_path / "link.json", "new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "between.json").is_symlink()
    assert target.read_text(encoding="utf-8") == "new"
    assert target.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "between.json",
        "elsewhere",
        "link.json",
        "target.json",
    ]


def test_a_link_to_a_file_that_is_not_there_yet_makes_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_links_to_each_other_are_an_error_of_the_disk(
    tmp_path: Path, python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if python == "3.13":  # whose Path.resolve raises no error
        monkeypatch.setattr(Path, "resolve", lambda path: Path(os.path.realpath(path)))
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(OSError, match="one"):
        write_whole(tmp_path / "one", "new")
    assert (tmp_path / "one").is_symlink()


def test_what_killed_processes_left_is_removed_where_the_link_points(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere/target")
    (tmp_path / "elsewhere" / ".target.abc.tmp").touch()
    remove_leftovers(tmp_path / "link")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/nights") == tmp_path / "nights"
    assert user_path("nights/~") == Path("nights/~")
    assert user_path("~nobody-of-that-name/nights") == Path("~nobody-of-that-name/nights")


@pytest.mark.parametrize("package", [benchmarks, cifar_models])
def test_every_path_that_a_user_gives_is_read_like_that(package: object) -> None:
    (folder,) = package.__path__  # type: ignore[attr-defined]
    options = [
        f"{file.name}: {line.strip()}"
        for file in Path(folder).rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.search(r"\btype=Path\b", line)
    ]
    assert options == []
