"""Both sides of a comparison: their code, their environments and their processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sides.checkouts import Repository, Revision
from benchmarks.sides.environments import Wanted, interpreter
from benchmarks.sides.side import Job, Side, SideError, running_side


@dataclass(frozen=True)
class Party:
    """A side that the user wants to compare.

    Attributes:
        letter: ``A`` or ``B``.
        revision: its code.
        wanted: its environment.
    """

    letter: str
    revision: Revision
    wanted: Wanted

    def __str__(self) -> str:
        return f"{self.letter}: {self.revision}; {self.wanted}"


def two_parties(repository: Repository, commits: Sequence[str], wanted: Wanted) -> tuple[Party, Party]:
    """Return sides A and B. The working tree stands for a commit that is not given.

    Args:
        repository: the repository with the commits.
        commits: names of two commits at most.
        wanted: B's environment; A has the current one.

    Raises:
        CheckoutError: a commit is unknown, or the working tree cannot be read.
    """
    revisions = [repository.commit(name) for name in commits]
    if len(revisions) < 2:
        revisions += [repository.working_tree()] * (2 - len(revisions))
    return Party("A", revisions[0], Wanted()), Party("B", revisions[1], wanted)


@contextmanager
def two_sides(
    repository: Repository,
    parties: Sequence[Party],
    records: Sequence[Path],
    job: Job,
    say: Callable[[str], None],
) -> Iterator[tuple[Side, Side]]:
    """Check out both sides, build their environments and start their processes; clean up afterwards.

    Args:
        repository: the repository with the commits.
        parties: A and B.
        records: the folders for A's and B's records.
        job: the settings of all trainings.
        say: called with a message before a step that takes long.

    Raises:
        CheckoutError: a side cannot be checked out.
        BuildError: an environment cannot be built.
        SideError: a side cannot train, or the sides have different data.
    """
    with ExitStack() as stack:
        sides = []
        checkouts = [stack.enter_context(repository.checked_out(party.revision)) for party in parties]
        pythons = [
            interpreter(party.wanted, checkout, say=say) for party, checkout in zip(parties, checkouts, strict=True)
        ]
        for party, checkout, python, folder in zip(parties, checkouts, pythons, records, strict=True):
            name = f"{party.letter} ({party.revision})"
            running = running_side(name, python=python, checkout=checkout, records=folder, job=job)
            sides.append(stack.enter_context(running))
        a, b = sides
        if (a.ready.data, a.ready.classes) != (b.ready.data, b.ready.classes):
            raise SideError(
                f"data: found {a.ready.data} for A and {b.ready.data} for B, expected the same images and classes; "
                f"accuracies on different images cannot be compared"
            )
        yield a, b
