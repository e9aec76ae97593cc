"""Commits and the working tree, checked out into temporary worktrees that do not outlive their use.

Nothing of the user's checkout changes: not its files, index, stash or branches. A snapshot of the working tree is a
commit that no branch points to, made with an index of its own; git removes such objects after some weeks.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from filelock import FileLock, Timeout

PACKAGE = "cifar_models"
"""The folder that a side is trained with; files of it that git does not know yet belong to the working tree too."""
WORKING_TREE = "the working tree"
_PREFIX = "cifar-benchmarks-"
_LOCAL = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX"),
)
"""Variables by which git, as within a hook, has its commands work on another repository than the folder's."""
_NOBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "benchmarks"), ("EMAIL", "benchmarks@localhost"), ("DATE", "2000-01-01T00:00:00Z"))
}
"""Who a snapshot is by: always the same, so that the same files are the same commit."""


class CheckoutError(ValueError):
    """A commit that cannot be checked out: what was found, what was expected, and what to do."""


class NothingToTrain(CheckoutError):
    """A commit without the package, or with a part of it only."""


@dataclass(frozen=True)
class Revision:
    """What is checked out.

    Attributes:
        name: in the user's words, or ``WORKING_TREE``.
        commit: its full hash; of a working tree with changes, that of the snapshot.
        base: the commit that such a snapshot changes; None for what is a commit itself.
    """

    name: str
    commit: str
    base: str | None = None

    def __str__(self) -> str:
        """Return the name with a short hash."""
        if self.base:
            return f"{self.name}, {self.base[:10]} with changes"
        return self.name if self.commit.startswith(self.name) else f"{self.name}, {self.commit[:10]}"


class Repository:
    """A git repository, seen from a folder of it that holds the package.

    Args:
        folder: such as the folder that a command runs in.

    Raises:
        CheckoutError: git is not installed, or the folder is in no working tree of a repository.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.root = Path(self.git("rev-parse", "--show-toplevel"))
        except CheckoutError as error:
            raise CheckoutError(f"{error}; expected to run in a clone of the project") from None
        self._prefix = self.git("rev-parse", "--show-prefix")

    def commit(self, name: str) -> Revision:
        """Return the commit that a branch, a tag or a hash stands for.

        Raises:
            CheckoutError: there is no such commit.
        """
        found = self._commit_or_nothing(name)
        if found:
            return Revision(name, found)
        advice = "give a branch, a tag or a hash that `git log` shows"
        if self._commit_or_nothing(f"origin/{name}"):
            advice = f"there is origin/{name}: give that"
        elif self.git("rev-parse", "--is-shallow-repository") == "true":
            advice = "the clone is shallow: `git fetch --unshallow`, or `fetch-depth: 0` in a workflow, brings the rest"
        raise CheckoutError(f"{name}: found no such commit in {self.root}, expected one; {advice}")

    def working_tree(self) -> Revision:
        """Return a snapshot of the working tree: HEAD if nothing has changed, else a commit that no branch points to.

        It has all changes of files that git knows, and the package's new files unless git ignores them.

        Raises:
            CheckoutError: there is no commit yet, or files that git cannot read or store.
        """
        head = self.commit("HEAD").commit
        with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
            index = Path(folder) / "index"
            with suppress(FileNotFoundError):
                # With its time, by which git knows which files it must read again.
                shutil.copy2(self.root / self.git("rev-parse", "--git-path", "index", folder=self.root), index)
            settings = {"GIT_INDEX_FILE": str(index)}
            self.git("add", "--update", folder=self.root, settings=settings)
            if (self.folder / PACKAGE).is_dir():
                self.git("add", "--all", "--", PACKAGE, settings=settings)
            tree = self.git("write-tree", settings=settings)
        if tree == self.git("rev-parse", f"{head}^{{tree}}"):
            return Revision(WORKING_TREE, head)
        commit = self.git("commit-tree", tree, "-p", head, "-m", WORKING_TREE, settings=_NOBODY)
        return Revision(WORKING_TREE, commit, base=head)

    @contextmanager
    def checked_out(self, revision: Revision) -> Iterator[Path]:
        """Check a revision out into a temporary worktree, and remove that in the end.

        Yields:
            The folder with the package.

        Raises:
            CheckoutError: git fails, as on a full disk; or the revision has no package, or submodules within it, whose
                files a worktree does not have.
        """
        self._require_package(revision)
        self._remove_stale()
        try:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
        except OSError as error:
            raise CheckoutError(f"{revision}: {error}; expected room for a temporary checkout") from None
        worktree = folder / "checkout"
        lock = FileLock(folder / "lock")
        try:
            lock.acquire()  # while this process lives, nobody takes the worktree for a stale one
            try:
                self.git("worktree", "add", "--detach", str(worktree), revision.commit)
            except CheckoutError as error:
                free = shutil.disk_usage(folder).free / 1e6  # git does not say that a disk is full
                raise CheckoutError(
                    f"{revision}: {error}; expected to check it out into {folder}, where {free:.1f} MB are free"
                ) from None
            yield worktree / self._prefix
        finally:
            self._remove(worktree)
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)

    def _require_package(self, revision: Revision) -> None:
        entries = self.git("ls-tree", "-r", revision.commit, "--", PACKAGE).splitlines()
        if not entries:
            raise NothingToTrain(f"{revision}: found no folder {self._prefix}{PACKAGE}, expected the package to train")
        for entry in entries:
            what, _, path = entry.partition("\t")
            if what.split()[1] == "commit":
                raise NothingToTrain(
                    f"{revision}: found a submodule at {path}, expected none in the package: its files are not part of "
                    f"the commit, so it cannot be trained from a checkout of its own"
                )

    def _remove_stale(self) -> None:
        """Remove worktrees that killed processes have left."""
        for line in self.git("worktree", "list", "--porcelain").splitlines():
            worktree = Path(line.removeprefix("worktree "))
            if not (line.startswith("worktree ") and worktree.parent.name.startswith(_PREFIX)):
                continue
            lock = FileLock(worktree.parent / "lock")
            try:
                if worktree.parent.is_dir():
                    lock.acquire(blocking=False)
            except (OSError, Timeout):  # another user's, or in use
                continue
            self._remove(worktree)
            lock.release()
            shutil.rmtree(worktree.parent, ignore_errors=True)

    def _remove(self, worktree: Path) -> None:
        shutil.rmtree(worktree, ignore_errors=True)
        with suppress(CheckoutError):
            # With both its files and git's record of it; twice --force as git locks a worktree that it is making.
            self.git("worktree", "remove", "--force", "--force", str(worktree))

    def _commit_or_nothing(self, name: str) -> str:
        with suppress(CheckoutError):
            return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return ""

    def git(self, *arguments: str, folder: Path | None = None, settings: Mapping[str, str] | None = None) -> str:
        """Run git, without the repository's hooks, and return what it writes.

        Args:
            arguments: of git.
            folder: that it runs in; None for the repository's ``folder``.
            settings: variables to set besides.

        Raises:
            CheckoutError: git is not installed, or fails for the reason that it gives.
        """
        command = ["git", "-c", f"core.hooksPath={os.devnull}", "-C", str(folder or self.folder), *arguments]
        variables = clean_environment() | {"LC_ALL": "C", **(settings or {})}
        try:
            ended = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)  # noqa: S603
        except OSError as error:
            raise CheckoutError(f"git: {error}; expected git, with which commits are checked out") from None
        if ended.returncode:
            lines = ended.stderr.strip().splitlines() or [f"status {ended.returncode}"]
            # Git's advice comes after its reason, and the reason of a reason before it.
            reasons = [line for line in lines if line.startswith(("error: ", "fatal: "))] or lines[-1:]
            raise CheckoutError(f"git {arguments[0]} in {folder or self.folder}: {'; '.join(reasons)}")
        return ended.stdout.strip("\n")


def clean_environment() -> dict[str, str]:
    """Return this process's variables without those by which git works on another repository than a folder's own."""
    return {name: value for name, value in os.environ.items() if name not in _LOCAL}


@contextmanager
def cleaning_up_when_ended() -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise ``SystemExit``, so that worktrees are removed; the status is 128 and the signal."""

    def end(number: int, _: object) -> NoReturn:
        raise SystemExit(128 + number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    former = [(number, signal.signal(number, end)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in former:
            signal.signal(number, handler)
