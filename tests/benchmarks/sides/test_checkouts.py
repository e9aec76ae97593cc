"""Commits and the working tree in temporary worktrees: what they hold, and that nothing else changes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

from benchmarks.sides.checkouts import WORKING_TREE, CheckoutError, Repository, Revision, cleaning_up_when_ended
from tests.benchmarks.sides.projects import Project

pytestmark = pytest.mark.unit

TRAIN = "cifar_models/training/train.py"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for worktrees, which a test can look into."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def _files(repository: Repository, revision: Revision) -> dict[str, str]:
    with repository.checked_out(revision) as folder:
        return {
            str(path.relative_to(folder)): path.read_text(encoding="utf-8")
            for path in folder.rglob("*")
            if path.is_file() and path.name != ".git"
        }


class TestACommit:
    def test_is_found_by_branch_tag_and_hash(self, project: Project) -> None:
        commit = project.git("rev-parse", "HEAD")
        project.git("tag", "-a", "v1", "-m", "a tag")
        repository = Repository(project.folder)
        assert {repository.commit(name).commit for name in ("main", "v1", "HEAD", commit, commit[:8])} == {commit}

    def test_names_itself_with_its_hash_once(self) -> None:
        assert str(Revision("main", "0123456789abcdef")) == "main, 0123456789"
        assert str(Revision("0123456", "0123456789abcdef")) == "0123456"
        assert str(Revision(WORKING_TREE, "fedcba", base="0123456789abcdef")) == (
            "the working tree, 0123456789 with changes"
        )

    def test_has_its_own_files_and_leaves_the_checkout_alone(self, project: Project, temporary: Path) -> None:
        project.replace("FIRST = 0", "FIRST = 1")
        project.commit()
        project.replace("FIRST = 1", "FIRST = 2")
        project.write("cifar_models/new.py", "")
        before = project.state
        files = _files(Repository(project.folder), Repository(project.folder).commit("main~1"))
        assert "FIRST = 0" in files[TRAIN]
        assert "cifar_models/new.py" not in files
        assert project.state == before
        assert list(temporary.iterdir()) == []

    @pytest.mark.parametrize("name", ["nothing", "--upload-pack=x", "HEAD:cifar_models", "main~1"])
    def test_that_does_not_exist_is_an_error(self, project: Project, name: str) -> None:
        with pytest.raises(CheckoutError, match=r"found no such commit in .*, expected one; give a branch"):
            Repository(project.folder).commit(name)

    def test_of_a_remote_branch_is_suggested(self, project: Project) -> None:
        project.git("update-ref", "refs/remotes/origin/other", "HEAD")
        with pytest.raises(CheckoutError, match=r"other: found no such commit .* give origin/other, which exists"):
            Repository(project.folder).commit("other")

    def test_that_a_shallow_clone_lacks_is_named_as_such(self, project: Project, tmp_path: Path) -> None:
        first = project.git("rev-parse", "HEAD")
        project.replace("FIRST = 0", "FIRST = 1")
        project.commit()
        clone = tmp_path / "clone"
        project.git("clone", "--quiet", "--depth", "1", f"file://{project.folder}", str(clone))
        repository = Repository(clone)
        with pytest.raises(CheckoutError, match="the clone is shallow: run `git fetch --unshallow`"):
            repository.commit(first)
        assert "FIRST = 1" in _files(repository, repository.commit("main"))[TRAIN]


class TestTheWorkingTree:
    def test_without_changes_is_the_commit(self, project: Project) -> None:
        revision = Repository(project.folder).working_tree()
        assert revision == Revision(WORKING_TREE, project.git("rev-parse", "HEAD"))

    def test_has_changed_staged_new_and_deleted_files(self, project: Project) -> None:
        project.write("README.md", "a file beside the package")
        project.commit()
        project.replace("FIRST = 0", "FIRST = 1")
        project.git("add", "--all")
        project.replace("FIRST = 1", "FIRST = 2")
        project.write("README.md", "changed")
        project.write("cifar_models/new.py", "new")
        project.write("staged.txt", "new and staged")
        project.git("add", "staged.txt")
        project.write("notes.txt", "new, beside the package")
        project.write("cifar_models/__pycache__/ignored.pyc", "ignored")
        (project.folder / "cifar_models" / "training" / "devices.py").unlink()
        before = project.state
        repository = Repository(project.folder)
        revision = repository.working_tree()
        files = _files(repository, revision)
        assert "FIRST = 2" in files[TRAIN]
        assert files["README.md"] == "changed"
        assert files["cifar_models/new.py"] == "new"
        assert files["staged.txt"] == "new and staged"
        assert files.keys() & {"notes.txt", "cifar_models/__pycache__/ignored.pyc"} == set()
        assert "cifar_models/training/devices.py" not in files
        assert revision.base == project.git("rev-parse", "HEAD")
        assert project.state == before
        assert project.git("stash", "list") == ""

    def test_is_the_same_commit_as_long_as_it_is_the_same(self, project: Project) -> None:
        project.replace("FIRST = 0", "FIRST = 1")
        repository = Repository(project.folder)
        assert repository.working_tree() == repository.working_tree()

    def test_in_the_middle_of_a_merge_is_as_it_lies_there(self, project: Project) -> None:
        project.git("checkout", "--quiet", "-b", "other")
        project.replace("FIRST = 0", "FIRST = 1")
        project.commit()
        project.git("checkout", "--quiet", "main")
        project.replace("FIRST = 0", "FIRST = 2")
        project.commit()
        with pytest.raises(subprocess.CalledProcessError):
            project.git("merge", "--quiet", "other")
        before = project.state
        repository = Repository(project.folder)
        assert "<<<<<<<" in _files(repository, repository.working_tree())[TRAIN]
        assert project.state == before

    def test_before_the_first_commit_is_an_error(self, tmp_path: Path) -> None:
        subprocess.run(["git", "init", "--quiet", tmp_path], check=True)  # noqa: S603, S607 - our own words
        with pytest.raises(CheckoutError, match="HEAD: found no such commit"):
            Repository(tmp_path).working_tree()

    def test_with_a_repository_in_it_that_git_cannot_add(self, project: Project) -> None:
        subprocess.run(["git", "init", "--quiet", project.folder / "data"], check=True)  # noqa: S603, S607
        assert Repository(project.folder).working_tree().base is None


class TestAWorktree:
    def test_is_removed_after_an_error(self, project: Project, temporary: Path) -> None:
        repository = Repository(project.folder)
        with pytest.raises(KeyboardInterrupt), repository.checked_out(repository.commit("main")):
            raise KeyboardInterrupt
        assert list(temporary.iterdir()) == []
        assert project.git("worktree", "list").count("\n") == 0

    def test_is_removed_whatever_was_written_into_it(self, project: Project, temporary: Path) -> None:
        repository = Repository(project.folder)
        with repository.checked_out(repository.commit("main")) as folder:
            (folder / "new").mkdir()
            (folder / TRAIN).write_text("changed", encoding="utf-8")
        assert list(temporary.iterdir()) == []

    def test_that_a_killed_process_left_is_removed_and_one_in_use_stays(
        self, project: Project, temporary: Path
    ) -> None:
        repository = Repository(project.folder)
        folders = {name: temporary / f"cifar-benchmarks-{name}" for name in ("killed", "gone", "in-use")}
        for folder in folders.values():
            folder.mkdir()
            project.git("worktree", "add", "--quiet", "--detach", str(folder / "checkout"))
        shutil.rmtree(folders["gone"])  # as when the system empties its folder of temporary files
        own = temporary / "my-own"
        project.git("worktree", "add", "--quiet", "--detach", str(own))
        with (
            FileLock(folders["in-use"] / "lock"),
            repository.checked_out(repository.commit("main")),
        ):
            listed = project.git("worktree", "list")
            assert [name for name, folder in folders.items() if str(folder) in listed] == ["in-use"]
        assert {path.name for path in temporary.iterdir()} == {"my-own", "cifar-benchmarks-in-use"}

    def test_runs_no_hook(self, project: Project) -> None:
        hook = project.write(".git/hooks/post-checkout", "#!/bin/sh\ntouch ran\n")
        hook.chmod(0o755)
        _files(Repository(project.folder), Repository(project.folder).commit("main"))
        assert list(project.folder.rglob("ran")) == []

    def test_is_of_the_folder_s_repository_within_a_hook_of_another(
        self, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
        monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
        assert TRAIN in _files(Repository(project.folder), Repository(project.folder).working_tree())

    def test_of_a_project_in_a_folder_of_its_repository_is_that_folder(self, tmp_path: Path) -> None:
        (tmp_path / "large" / "part").mkdir(parents=True)
        project = Project(tmp_path / "large" / "part")
        outer = tmp_path / "large"
        shutil.rmtree(project.folder / ".git")
        for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "all"]):
            identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
            subprocess.run(["git", *identity, *arguments], cwd=outer, check=True)  # noqa: S603, S607 - our own words
        project.write("cifar_models/new.py", "new")
        repository = Repository(project.folder)
        files = _files(repository, repository.working_tree())
        assert files["cifar_models/new.py"] == "new"
        assert TRAIN in files

    def test_of_a_linked_worktree(self, project: Project, tmp_path: Path) -> None:
        project.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
        (tmp_path / "linked" / TRAIN).write_text("changed", encoding="utf-8")
        repository = Repository(tmp_path / "linked")
        assert _files(repository, repository.working_tree())[TRAIN] == "changed"


class TestWhatCannotBeCheckedOut:
    def test_a_folder_that_is_no_repository(self, tmp_path: Path) -> None:
        with pytest.raises(CheckoutError, match=r"not a git repository.*expected a clone of the project"):
            Repository(tmp_path)

    def test_without_git(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        with pytest.raises(CheckoutError, match=r"git: .*expected git"):
            Repository(project.folder)

    def test_a_commit_without_the_package(self, project: Project) -> None:
        shutil.rmtree(project.folder / "cifar_models")
        project.commit()
        repository = Repository(project.folder)
        with (
            pytest.raises(CheckoutError, match="found no folder cifar_models, expected the package"),
            repository.checked_out(repository.commit("main")),
        ):
            pass

    @pytest.mark.parametrize(("place", "refused"), [("cifar_models/vendored", True), ("docs/theme", False)])
    def test_a_submodule_in_the_package_alone(self, project: Project, place: str, refused: bool) -> None:
        commit = project.git("rev-parse", "HEAD")
        project.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{place}")
        project.git("commit", "--quiet", "--message", "a submodule")
        repository = Repository(project.folder)
        if not refused:
            assert TRAIN in _files(repository, repository.commit("main"))
            return
        with (
            pytest.raises(CheckoutError, match=f"found a submodule at {place}, expected none in the package"),
            repository.checked_out(repository.commit("main")),
        ):
            pass

    def test_into_a_folder_that_cannot_be_written(
        self, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
        repository = Repository(project.folder)
        with (
            pytest.raises(CheckoutError, match=r"No such file or directory.*expected a folder that can be written"),
            repository.checked_out(repository.commit("main")),
        ):
            pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_is_told_to_end_cleans_up_first(number: signal.Signals) -> None:
    former = signal.getsignal(number)
    with pytest.raises(SystemExit) as ended, cleaning_up_when_ended():
        os.kill(os.getpid(), number)
    assert ended.value.code == 128 + number
    assert signal.getsignal(number) == former
