"""Lists the commits between a good one and a bad one."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.bisection.record import Candidate
from benchmarks.sides.checkouts import PACKAGE, SHALLOW, CheckoutError, Repository


def commits_between(
    repository: Repository, good: str, bad: str, files: Sequence[str] = (PACKAGE,)
) -> tuple[list[Candidate], int]:
    """Return GOOD and the later commits up to BAD that can change a training, oldest first.

    They are commits of BAD's first-parent line, so a merge stands for all commits that it merges. A commit that changes
    none of the files trains like the one before it, so it is left out.

    Args:
        repository: the repository with the commits.
        good: the name of a commit, an ancestor of BAD.
        bad: the name of a commit.
        files: files and folders that a training depends on, relative to the repository's folder.

    Returns:
        The candidates, two or more, and the number of commits that were left out.

    Raises:
        CheckoutError: a commit is unknown, GOOD is not an ancestor of BAD, or no commit changes the files.
    """
    first, last = repository.commit(good).commit, repository.commit(bad).commit
    if first == last:
        raise CheckoutError(f"GOOD BAD: found {first[:10]} twice, expected two commits, the older one first")
    _require_ancestor(repository, good, bad, first, last)
    after = set(repository.git("rev-list", "--ancestry-path", f"{first}..{last}").splitlines())
    line = repository.git("rev-list", "--first-parent", "--reverse", last).splitlines()
    commits = [name for name in line if name in after]
    changing = commits
    if first in line:  # otherwise the first commit merges GOOD into BAD's line, whose earlier changes GOOD lacks
        changed = repository.git("rev-list", "--first-parent", f"{first}..{last}", "--", *files).splitlines()
        changing = [name for name in commits if name in set(changed)]
    if not changing:
        raise CheckoutError(
            f"GOOD BAD: found no commit from {good} to {bad} that changes {' or '.join(files)}, expected one or more; "
            f"to search the versions of a package, give --requirement"
        )
    shown = ("log", "--no-walk=unsorted", "--no-show-signature", "--format=%H %s")
    lines = repository.git(*shown, first, *changing).split("\n")  # a subject may contain other line separators
    return [Candidate(*line.split(" ", 1)) for line in lines], len(commits) - len(changing)


def _require_ancestor(repository: Repository, good: str, bad: str, first: str, last: str) -> None:
    try:
        base = repository.git("merge-base", first, last)
    except CheckoutError:
        base = ""  # no common ancestor, or the shallow clone lacks it
    if base == first:
        return
    if base == last:
        advice = "BAD is older, so exchange the two"
    elif repository.shallow:
        advice = SHALLOW
    else:
        advice = f"try their common ancestor {base[:10]} as GOOD" if base else "the two have no common ancestor"
    raise CheckoutError(f"GOOD: found {good}, expected an ancestor of {bad}; {advice}")
