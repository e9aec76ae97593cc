"""Checks out commits and the working tree into temporary worktrees, and removes them after use.

The user's checkout stays as it is: files, index, stash and branches. A snapshot of the working tree is a commit that no
branch points to, made with an index of its own. Git removes such objects after some weeks.
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
"""The folder of the package that trains. A snapshot of the working tree includes its untracked files."""
SHALLOW = "the clone is shallow: run `git fetch --unshallow`, or set `fetch-depth: 0` in a workflow"
"""What to do if a shallow clone lacks a commit."""
WORKING_TREE = "the working tree"
_PREFIX = "cifar-benchmarks-"
_LOCAL = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX"),
)
"""Variables that make git commands work on another repository than the folder's. Git sets them for its hooks."""
_NOBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "benchmarks"), ("EMAIL", "benchmarks@localhost"), ("DATE", "2000-01-01T00:00:00Z"))
}
"""Author and committer of a snapshot: always the same, so that the same files give the same commit."""


class CheckoutError(ValueError):
    """A commit cannot be checked out."""


class NothingToTrain(CheckoutError):
    """A commit does not contain the package, or not all of it."""


@dataclass(frozen=True)
class Revision:
    """A commit, or a snapshot of the working tree.

    Attributes:
        name: the name that the user gave, or ``WORKING_TREE``.
        commit: the full hash.
        base: for a snapshot, the commit that it changes; otherwise None.
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
    """A git repository that contains the package.

    Args:
        folder: the folder with the package, in the repository's working tree.

    Raises:
        CheckoutError: git is not installed, or the folder is not in a working tree.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.root = Path(self.git("rev-parse", "--show-toplevel"))
        except CheckoutError as error:
            raise CheckoutError(
                f"{folder}: found no repository ({error}), expected a clone of the project; run the command in one"
            ) from None
        self._prefix = self.git("rev-parse", "--show-prefix")

    def commit(self, name: str) -> Revision:
        """Return the commit with a name: a branch, a tag or a hash.

        Raises:
            CheckoutError: there is no such commit.
        """
        found = self._commit_or_nothing(name)
        if found:
            return Revision(name, found)
        advice = "give a branch, a tag or a hash that `git log` shows"
        if self._commit_or_nothing(f"origin/{name}"):
            advice = f"give origin/{name}, which exists"
        elif self.shallow:
            advice = SHALLOW
        raise CheckoutError(f"{name}: found no such commit in {self.root}, expected one; {advice}")

    @property
    def shallow(self) -> bool:
        """Whether the clone lacks old commits."""
        return self.git("rev-parse", "--is-shallow-repository") == "true"

    def working_tree(self) -> Revision:
        """Return a snapshot of the working tree; HEAD if nothing has changed.

        It contains all changes of tracked files, and the package's untracked files unless git ignores them.

        Raises:
            CheckoutError: there is no commit yet, or git cannot read or store a file.
        """
        head = self.commit("HEAD").commit
        with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
            index = Path(folder) / "index"
            with suppress(FileNotFoundError):
                # copy2 keeps the modification time: with it git knows which files it must read again.
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
        """Check out a revision into a temporary worktree, and remove it afterwards.

        Yields:
            The folder with the package.

        Raises:
            CheckoutError: git fails, for example on a full disk.
            NothingToTrain: the revision has no package, or the package contains a submodule.
        """
        self._require_package(revision)
        self._remove_stale()
        try:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
        except OSError as error:
            raise CheckoutError(
                f"temporary checkout of {revision}: found {error}, expected a folder that can be written; set TMPDIR"
            ) from None
        worktree = folder / "checkout"
        lock = FileLock(folder / "lock")
        try:
            lock.acquire()  # tells other processes that the worktree is not stale
            try:
                self.git("worktree", "add", "--detach", str(worktree), revision.commit)
            except CheckoutError as error:
                free = shutil.disk_usage(folder).free / 1e6  # git does not say that a disk is full
                raise CheckoutError(
                    f"{revision}: found {error}, expected a checkout in {folder}, which has {free:.1f} MB free; free "
                    f"more, or set TMPDIR"
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
                    f"{revision}: found a submodule at {path}, expected none in the package; a checkout does not "
                    f"contain the files of submodules"
                )

    def _remove_stale(self) -> None:
        """Remove the worktrees of killed processes."""
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
            # This also removes git's record. The second --force is for a worktree that git locked while creating it.
            self.git("worktree", "remove", "--force", "--force", str(worktree))

    def _commit_or_nothing(self, name: str) -> str:
        with suppress(CheckoutError):
            return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return ""

    def git(self, *arguments: str, folder: Path | None = None, settings: Mapping[str, str] | None = None) -> str:
        """Run git without the repository's hooks, and return its output.

        Args:
            arguments: the command and its arguments.
            folder: the folder to run in; None for the repository's ``folder``.
            settings: further environment variables.

        Raises:
            CheckoutError: git is not installed, or the command fails.
        """
        command = ["git", "-c", f"core.hooksPath={os.devnull}", "-C", str(folder or self.folder), *arguments]
        variables = clean_environment() | {"LC_ALL": "C", **(settings or {})}
        try:
            ended = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)  # noqa: S603
        except OSError as error:
            raise CheckoutError(f"git: found {error}, expected git on the PATH; install it") from None
        if ended.returncode:
            lines = ended.stderr.strip().splitlines() or [f"status {ended.returncode}"]
            # Advice follows these lines, and an error may be the cause of the next one.
            reasons = [line for line in lines if line.startswith(("error: ", "fatal: "))] or lines[-1:]
            raise CheckoutError(f"git {arguments[0]} in {folder or self.folder}: {'; '.join(reasons)}")
        return ended.stdout.strip("\n")


def clean_environment() -> dict[str, str]:
    """Return this process's environment variables without those that make git work on another repository."""
    return {name: value for name, value in os.environ.items() if name not in _LOCAL}


@contextmanager
def cleaning_up_when_ended() -> Iterator[None]:
    """Make SIGTERM and SIGHUP raise ``SystemExit`` with 128 plus the signal, so that worktrees are removed."""

    def end(number: int, _: object) -> NoReturn:
        raise SystemExit(128 + number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    former = [(number, signal.signal(number, end)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in former:
            signal.signal(number, handler)
