"""The commits between a good one and a bad one."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.bisection.record import Candidate
from benchmarks.comparison.checkouts import PACKAGE, CheckoutError, Repository


def commits_between(
    repository: Repository, good: str, bad: str, files: Sequence[str] = (PACKAGE,)
) -> tuple[list[Candidate], int]:
    """Return GOOD and the commits after it up to BAD that can change a training, oldest first.

    They are commits of BAD's first-parent line: a merge stands for all that it brings. A commit that changes none of
    the files trains exactly as the one before it, so it is left out.

    Args:
        repository: of the commits.
        good: a name of a commit.
        bad: a name of another one, which has GOOD among its ancestors.
        files: what decides a training, relative to the repository's folder.

    Returns:
        The candidates, two or more, and how many commits were left out.

    Raises:
        CheckoutError: an unknown commit, a GOOD that is no ancestor of BAD, or no commit that changes the files.
    """
    first, last = repository.commit(good).commit, repository.commit(bad).commit
    if first == last:
        raise CheckoutError(f"GOOD and BAD: found {first[:10]} twice, expected two commits, GOOD the older one")
    _require_ancestor(repository, good, bad, first, last)
    after = set(repository.git("rev-list", "--ancestry-path", f"{first}..{last}").splitlines())
    line = repository.git("rev-list", "--first-parent", "--reverse", last).splitlines()
    commits = [name for name in line if name in after]
    changing = commits
    if first in line:  # else the first commit is a merge that brings GOOD, and differs from it by more than it says
        changed = repository.git("rev-list", "--first-parent", f"{first}..{last}", "--", *files).splitlines()
        changing = [name for name in commits if name in set(changed)]
    if not changing:
        raise CheckoutError(
            f"{good} to {bad}: found no commit that changes {' or '.join(files)}, expected one; the trainings are the "
            f"same by their code, so compare the environments: --requirement"
        )
    shown = ("log", "--no-walk=unsorted", "--no-show-signature", "--format=%H %s")
    lines = repository.git(*shown, first, *changing).splitlines()
    return [Candidate(*line.split(" ", 1)) for line in lines], len(commits) - len(changing)


def _require_ancestor(repository: Repository, good: str, bad: str, first: str, last: str) -> None:
    try:
        base = repository.git("merge-base", first, last)
    except CheckoutError:
        base = ""  # no common ancestor, or none that a shallow clone has
    if base == first:
        return
    if base == last:
        advice = "BAD is the older one: exchange the two"
    elif repository.git("rev-parse", "--is-shallow-repository") == "true":
        advice = "the clone is shallow: `git fetch --unshallow`, or `fetch-depth: 0` in a workflow, brings the rest"
    else:
        advice = f"both come from {base[:10]}: try that as GOOD" if base else "they have no common ancestor"
    raise CheckoutError(f"GOOD, {good}: found no ancestor of BAD, {bad}, expected one; {advice}")
