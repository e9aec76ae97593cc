"""Runs a search, from its settings to its report."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from filelock import FileLock, Timeout

from benchmarks.bisection.candidates import Candidates, Code
from benchmarks.bisection.commits import commits_between
from benchmarks.bisection.decide import Answer, Limits
from benchmarks.bisection.loop import search
from benchmarks.bisection.record import REPORT, Bisection, Candidate, Settings, read_or_start, write_record
from benchmarks.bisection.report import markdown, step_text
from benchmarks.bisection.versions import pinned, two_versions, versions_between
from benchmarks.sides.checkouts import PACKAGE, Repository, Revision
from benchmarks.sides.clock import Clock
from benchmarks.sides.environments import Wanted, requirements_in
from benchmarks.sides.side import Job, Show
from cifar_models.results.environment import PACKAGES
from cifar_models.storage.files import write_whole


class InUse(RuntimeError):
    """Another process runs the same search."""


def commit_search(
    repository: Repository, good: str, bad: str, wanted: Wanted, say: Callable[[str], None]
) -> tuple[list[Candidate], Code]:
    """Return the commits to search, and a function that returns their code and environment.

    Args:
        repository: the repository with the commits.
        good: the name of the good commit.
        bad: the name of the bad commit.
        wanted: the environment of all commits.
        say: called with a message if commits are left out.

    Raises:
        CheckoutError: see ``commits_between``.
    """
    files = (PACKAGE,) if wanted.current else (PACKAGE, "pyproject.toml")  # it lists the packages to install
    candidates, left_out = commits_between(repository, good, bad, files)
    if left_out:
        say(f"{left_out} of {len(candidates) - 1 + left_out} commits do not change {' or '.join(files)}: left out")

    def code(number: int) -> tuple[Revision, Wanted]:
        name = candidates[number].name
        return Revision(name[:10], name), wanted

    return candidates, code


def version_search(revision: Revision, wanted: Wanted) -> tuple[str, list[Candidate], Code]:
    """Return the package, the versions to search, and a function that returns their code and environment.

    Args:
        revision: the code of all versions.
        wanted: the environment, with two requirements of one package.

    Raises:
        VersionsError: see ``two_versions`` and ``versions_between``.
    """
    good, bad, others = two_versions(wanted.requirements)
    candidates = versions_between(good, bad, wanted.python)

    def code(number: int) -> tuple[Revision, Wanted]:
        return revision, Wanted((*others, pinned(good, candidates[number].name)), wanted.files, wanted.python)

    return good.name, candidates, code


def environment_of(wanted: Wanted) -> dict[str, object]:
    """Return what can change the numbers besides the candidate: the wanted environment, and this machine's versions."""
    return {
        "requirements": list(wanted.requirements),
        "files": [requirements_in(file) for file in wanted.files],
        "python": wanted.python or platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "machine": f"{platform.node()} {platform.machine()}",
    }


@contextmanager
def search_folder(output: Path, settings: Settings) -> Iterator[tuple[Path, Bisection]]:
    """Lock the folder of a search, and read its record.

    Raises:
        InUse: another process uses the folder.
        RecordError: the record cannot be used.
        OSError: the folder cannot be created, read or written.
    """
    folder = output / settings.folder_name
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise InUse(f"{folder}: found another process that runs this search, expected none; wait for it") from None
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
    show: Show,
) -> tuple[Answer, str]:
    """Continue a search, and write its record and report after each step.

    Args:
        repository: the repository with the code.
        folder: the folder of the search.
        bisection: the search as read from the folder.
        limits: the error rate and the number of seeds.
        code: returns the code and environment of a candidate.
        clock: the time limit.
        say: called with a message after each step, and before a step that takes long.
        show: shows the progress of a training.

    Returns:
        The answer, and why the search ended early; empty if it did not.

    Raises:
        EndCannotBeTested: GOOD or BAD cannot be tested.
        MachineError: a process was killed, ran out of memory, or could not write.
        CheckoutError: git fails.
        OSError: the folder cannot be written.
    """
    settings = bisection.settings
    job = Job(dataset=settings.dataset, data_dir=settings.data_dir, weights_dir=settings.weights_dir, gpu=settings.gpu)

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
