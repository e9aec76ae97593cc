"""Both sides together: which code and environment each has, and what keeps them from being compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.sides.checkouts import Repository
from benchmarks.sides.environments import BuildError, Wanted
from benchmarks.sides.side import Job, SideError
from benchmarks.sides.two_sides import two_parties, two_sides
from tests.benchmarks.sides.projects import Project

pytestmark = pytest.mark.unit

OTHER = Wanted(("keras==3.14.*",), (Path("more.txt"),), "3.13")


@pytest.mark.parametrize(
    ("commits", "names"),
    [
        ([], ["the working tree", "the working tree"]),
        (["v1"], ["v1", "the working tree"]),
        (["v1", "main"], ["v1", "main"]),
    ],
)
def test_the_commits_are_a_and_b_and_the_working_tree_stands_for_those_not_given(
    project: Project, commits: list[str], names: list[str]
) -> None:
    project.git("tag", "v1")
    a, b = two_parties(Repository(project.folder), commits, OTHER)
    assert [a.revision.name, b.revision.name] == names
    assert (a.wanted, b.wanted) == (Wanted(), OTHER)
    assert str(a).endswith("; the current environment")
    assert str(b).startswith("B: ")
    assert str(b).endswith("; keras==3.14.*, more.txt, Python 3.13")


def _start(project: Project, records: Path, *commits: str, wanted: Wanted = Wanted()) -> tuple[str, str]:  # noqa: B008
    repository = Repository(project.folder)
    parties = two_parties(repository, commits, wanted)
    folders = (records / "a", records / "b")
    with two_sides(repository, parties, folders, Job(dataset="synthetic"), lambda _: None) as (a, b):
        a.train("simple_cnn", 0)
        b.train("simple_cnn", 0)
        return a.name, b.name


def test_each_trains_its_own_code_into_its_own_folder(project: Project, tmp_path: Path) -> None:
    project.replace("FIRST = 0", "FIRST = 1")
    commit = project.git("rev-parse", "--short=10", "HEAD")
    assert _start(project, tmp_path, "main") == (f"A (main, {commit})", f"B (the working tree, {commit} with changes)")
    a, b = (next((tmp_path / side).iterdir()).read_text(encoding="utf-8") for side in "ab")
    assert a != b
    assert project.git("worktree", "list").count("\n") == 0


@pytest.mark.parametrize(("old", "new"), [('"sha256:data"', '"sha256:other"'), ('("cat", "dog")', '("cat", "wolf")')])
def test_other_data_are_an_error(project: Project, tmp_path: Path, old: str, new: str) -> None:
    project.replace(old, new, "cifar_models/datasets/__init__.py")
    with pytest.raises(SideError, match=r"data: found .* for B, expected the same images and classes"):
        _start(project, tmp_path, "main")
    assert project.git("worktree", "list").count("\n") == 0


def test_the_environment_is_built_for_b_before_a_process_starts(project: Project, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"missing.txt"):
        _start(project, tmp_path, wanted=Wanted(files=(tmp_path / "missing.txt",)))
    assert project.git("worktree", "list").count("\n") == 0
