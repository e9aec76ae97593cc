"""Which commits are searched, and which requests are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.bisection.commits import commits_between
from benchmarks.bisection.record import Candidate
from benchmarks.sides.checkouts import CheckoutError, Repository
from tests.benchmarks.bisection.projects import add_commits, make_project
from tests.benchmarks.sides.projects import Project

pytestmark = pytest.mark.unit

COMMENT = ("a comment", "")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = make_project(tmp_path / "project")
    add_commits(project, COMMENT, COMMENT)
    return project


def _titles(project: Project, good: str, bad: str) -> list[str]:
    return [candidate.title for candidate in commits_between(Repository(project.folder), good, bad)[0]]


def _merge(project: Project, branch: str, title: str) -> None:
    project.git("merge", "--quiet", "--no-ff", "--message", title, branch)


def test_all_that_change_the_package_are_candidates_oldest_first(project: Project) -> None:
    project.write("README.md", "a document")
    project.commit("a document alone")
    add_commits(project, COMMENT)
    candidates, left_out = commits_between(Repository(project.folder), "commit0", "main")
    assert [candidate.title for candidate in candidates] == ["commit 0", "commit 1", "commit 2", "commit 3"]
    assert candidates[-1] == Candidate(project.git("rev-parse", "main"), "commit 3")
    assert left_out == 1


def test_a_bad_one_that_changes_nothing_stands_for_the_last_that_does(project: Project) -> None:
    project.write("README.md", "a document")
    project.commit("a document alone")
    assert _titles(project, "commit0", "main") == ["commit 0", "commit 1", "commit 2"]


def test_other_files_decide_where_they_build_the_environment(project: Project) -> None:
    project.write("pyproject.toml", "# other dependencies")
    project.commit("other dependencies")
    files = ("cifar_models", "pyproject.toml")
    candidates, _ = commits_between(Repository(project.folder), "commit0", "main", files)
    assert [candidate.title for candidate in candidates][-1] == "other dependencies"


def test_a_merge_stands_for_all_that_it_brings(project: Project) -> None:
    project.git("checkout", "--quiet", "-b", "branch", "commit1")
    for number in (1, 2):
        project.write(f"cifar_models/new{number}.py", "")
        project.commit(f"of the branch {number}")
    project.git("tag", "of-the-branch")
    project.git("checkout", "--quiet", "main")
    _merge(project, "branch", "a merge")
    add_commits(project, COMMENT)
    assert _titles(project, "commit0", "main")[1:] == ["commit 1", "commit 2", "a merge", "commit 4"]
    assert _titles(project, "of-the-branch", "main") == ["of the branch 2", "a merge", "commit 4"]


def test_a_title_may_hold_anything(project: Project) -> None:
    for title in ("a | pipe, `code` and\ta tab", ""):
        project.write("cifar_models/new.py", f"# {title}")
        project.git("add", "--all")
        project.git("commit", "--quiet", "--allow-empty-message", "--message", title)
    assert _titles(project, "commit2", "main")[1:] == ["a | pipe, `code` and\ta tab", ""]


@pytest.mark.parametrize("subject", ["a form feed \f in it", "a line separator \u2028 in it"])
def test_a_title_with_another_line_separator_is_one_title(project: Project, subject: str) -> None:
    add_commits(project, COMMENT)
    project.git("commit", "--quiet", "--amend", "--message", subject)
    assert _titles(project, "commit2", "main") == ["commit 2", subject]


def test_the_project_may_lie_in_a_folder_of_the_repository(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    project.git("rm", "-r", "--quiet", "--cached", ".")
    (tmp_path / "project" / ".git").rename(tmp_path / ".git")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", "moved")
    add_commits(project, COMMENT)
    assert _titles(project, "HEAD~1", "HEAD") == ["moved", "commit 1"]


@pytest.mark.parametrize(
    ("good", "bad", "found"),
    [
        ("main", "main", "GOOD BAD: found [0-9a-f]{10} twice"),
        ("main", "commit0", "GOOD: found main, expected an ancestor of commit0; BAD is older, so exchange the two"),
        (
            "other",
            "main",
            "GOOD: found other, expected an ancestor of main; try their common ancestor [0-9a-f]{10}",
        ),
        ("alone", "main", "GOOD: found alone, expected an ancestor of main; the two have no common ancestor"),
        ("nothing", "main", "nothing: found no such commit"),
        ("commit2", "document", "found no commit from commit2 to document that changes cifar_models, expected one"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_sentence(project: Project, good: str, bad: str, found: str) -> None:
    project.git("checkout", "--quiet", "-b", "other", "commit1")
    project.write("cifar_models/other.py", "")
    project.commit("another")
    project.git("checkout", "--quiet", "--orphan", "alone")
    project.commit("alone")
    project.git("checkout", "--quiet", "-b", "document", "main")
    project.write("README.md", "a document")
    project.commit("a document alone")
    with pytest.raises(CheckoutError, match=found) as error:
        commits_between(Repository(project.folder), good, bad)
    assert "\n" not in str(error.value)


def test_a_shallow_clone_says_how_to_get_the_rest(project: Project, tmp_path: Path) -> None:
    source = project.folder.as_uri()
    project.git("clone", "--quiet", "--depth=1", source, str(tmp_path / "clone"))
    project.git("-C", str(tmp_path / "clone"), "fetch", "--quiet", "--depth=1", "origin", "tag", "commit0")
    for good in ("commit0", project.git("rev-parse", "commit1")):
        with pytest.raises(CheckoutError, match="the clone is shallow: run `git fetch --unshallow`"):
            commits_between(Repository(tmp_path / "clone"), good, "main")
