"""Which code trained: any change of a file changes its fingerprint, and a commit is named only where it is known."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cifar_models.results import source_code as code
from cifar_models.results.source_code import describe_code, fingerprint_source

pytestmark = pytest.mark.unit


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    (folder / "inner").mkdir(parents=True)
    (folder / "results").mkdir()
    (folder / "results" / "source_code.py").write_text("a = 1\n", encoding="utf-8")
    (folder / "inner" / "b.py").write_text("b = 2\n", encoding="utf-8")
    return folder


def test_the_fingerprint_is_of_paths_and_contents_of_python_files_alone(package: Path) -> None:
    before = fingerprint_source(package)
    (package / "notes.txt").write_text("not code", encoding="utf-8")
    assert fingerprint_source(package) == before
    (package / "inner" / "b.py").write_text("b = 3\n", encoding="utf-8")
    changed = fingerprint_source(package)
    assert changed != before
    (package / "inner" / "b.py").rename(package / "inner" / "c.py")
    assert fingerprint_source(package) not in {before, changed}


def test_the_fingerprint_does_not_depend_on_where_the_package_lies(package: Path, tmp_path: Path) -> None:
    before = fingerprint_source(package)
    assert fingerprint_source(package.rename(tmp_path / "elsewhere")) == before


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)  # noqa: S603, S607


def test_the_commit_is_that_of_a_repository_that_knows_the_package(package: Path) -> None:
    assert code._commit(package) is None
    _git(package.parent, "init")
    assert code._commit(package) is None, "somebody else's repository, in which the package is no file of its own"
    _git(package.parent, "add", "package/results/source_code.py")
    assert code._commit(package) is None, "no commit yet"
    _git(package.parent, "commit", "-m", "first")
    commit = code._commit(package)
    assert commit is not None
    assert len(commit) == 40


def test_without_git_there_is_no_commit(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert code._commit(package) is None


def test_the_code_described_is_the_package_s_own() -> None:
    assert describe_code().source == fingerprint_source(Path(code.__file__).parents[1])
