"""A bisection from its settings to its report: its folder, its lock, its candidates, its steps."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from filelock import FileLock, Timeout
from packaging.requirements import Requirement

from benchmarks.bisection.candidates import Candidates, Code
from benchmarks.bisection.commits import commits_between
from benchmarks.bisection.decide import Answer, Limits
from benchmarks.bisection.loop import search
from benchmarks.bisection.record import (
    REPORT,
    Bisection,
    Candidate,
    Settings,
    read_or_start,
    write_record,
)
from benchmarks.bisection.report import markdown, step_text
from benchmarks.bisection.versions import pinned, two_versions, versions_between
from benchmarks.comparison.checkouts import PACKAGE, Repository, Revision
from benchmarks.comparison.clock import Clock
from benchmarks.comparison.environments import Wanted
from benchmarks.comparison.side import Job
from cifar_models.results.environment import PACKAGES
from cifar_models.storage.files import write_whole
from cifar_models.training.progress import FeatureProgress, Progress


class InUse(RuntimeError):
    """Another process goes on with the same search."""


def commit_search(
    repository: Repository, good: str, bad: str, wanted: Wanted, say: Callable[[str], None]
) -> tuple[list[Candidate], Code]:
    """Return the commits to search, and the code and environment of each.

    Args:
        repository: of the commits.
        good: a name of a commit.
        bad: of a later one.
        wanted: the environment of all.
        say: is told what is left out.

    Raises:
        CheckoutError: as ``commits_between``.
    """
    files = (PACKAGE,) if wanted.current else (PACKAGE, "pyproject.toml")  # an environment has its dependencies
    candidates, left_out = commits_between(repository, good, bad, files)
    if left_out:
        say(f"{left_out} of {len(candidates) - 1 + left_out} commits do not change {' or '.join(files)}: left out")

    def code(number: int) -> tuple[Revision, Wanted]:
        name = candidates[number].name
        return Revision(name[:10], name), wanted

    return candidates, code


def version_search(revision: Revision, wanted: Wanted) -> tuple[str, list[Candidate], Code]:
    """Return the package and the versions to search, and the code and environment of each.

    Args:
        revision: the code, the same for all versions.
        wanted: the environment, with two requirements of one package.

    Raises:
        VersionsError: no such requirements, or no such versions.
    """
    good, bad, others = two_versions(wanted.requirements)
    candidates = versions_between(good, bad, wanted.python)

    def code(number: int) -> tuple[Revision, Wanted]:
        return revision, Wanted((*others, _pinned(good, candidates[number])), wanted.files, wanted.python)

    return good.name, candidates, code


def _pinned(requirement: Requirement, candidate: Candidate) -> str:
    return pinned(requirement, candidate.name)


def environment_of(wanted: Wanted) -> dict[str, object]:
    """Return what fixes the numbers beside the candidate: what is asked for, and what this machine has."""
    return {
        "requirements": list(wanted.requirements),
        "files": [file.read_text(encoding="utf-8") for file in wanted.files],
        "python": wanted.python or platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "machine": f"{platform.node()} {platform.machine()}",
    }


@contextmanager
def search_folder(output: Path, settings: Settings) -> Iterator[tuple[Path, Bisection]]:
    """Take the folder of a search, and read how far it has come.

    Raises:
        InUse: another process has it.
        RecordError: its record cannot be used.
        OSError: it cannot be made, read or written.
    """
    folder = output / settings.folder_name
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise InUse(f"{folder}: found another process that goes on with this search, expected none") from None
    try:
        yield folder, read_or_start(folder, settings)
    finally:
        lock.release()


def bisect(
    repository: Repository,
    folder: Path,
    bisection: Bisection,
    limits: Limits,
    code: Code,
    clock: Clock,
    *,
    say: Callable[[str], None],
    show: Callable[[str, Progress | FeatureProgress], None],
) -> tuple[Answer, str]:
    """Go on with a search, and keep its record and its report after each step.

    Args:
        repository: that candidates are checked out of.
        folder: of the search.
        bisection: as read from the folder.
        limits: how long to search.
        code: of a candidate.
        clock: says when to stop.
        say: is told of each step, and of what takes long.
        show: shows the progress of the training that it names.

    Returns:
        The answer, and why there is no better one if the time is up.

    Raises:
        EndCannotBeTested: GOOD or BAD cannot be tested.
        MachineError: a process was killed, ran out of memory, or could not write.
        CheckoutError: git fails.
        OSError: the folder cannot be written.
    """
    settings = bisection.settings
    job = Job(
        dataset=settings.dataset,
        data_dir=Path(settings.data_dir) if settings.data_dir else None,
        weights_dir=Path(settings.weights_dir) if settings.weights_dir else None,
        gpu=settings.gpu,
    )

    def keep(answer: Answer | None = None, note: str = "") -> None:
        write_record(folder, bisection)
        write_whole(folder / REPORT, markdown(bisection, limits, answer, note))

    def keep_step() -> None:
        say(step_text(bisection, bisection.steps[-1]))
        keep()

    with Candidates(repository, bisection, code, job, folder / "runs", say=say, show=show) as candidates:
        answer, note = search(bisection, limits, clock, take=candidates.take, keep=keep_step)
    keep(answer, note)
    return answer, note
