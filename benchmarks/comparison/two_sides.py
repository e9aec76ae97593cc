"""Both sides of a comparison: which code and environment they have, and their processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.comparison.checkouts import Repository, Revision
from benchmarks.comparison.environments import Wanted, interpreter
from benchmarks.comparison.side import Job, Side, SideError, running_side


@dataclass(frozen=True)
class Party:
    """A side as the user asked for it.

    Attributes:
        letter: ``A`` or ``B``.
        revision: its code.
        wanted: its environment.
    """

    letter: str
    revision: Revision
    wanted: Wanted

    def __str__(self) -> str:
        """Return the side in a few words."""
        return f"{self.letter}: {self.revision}; {self.wanted}"


def two_parties(repository: Repository, commits: Sequence[str], wanted: Wanted) -> tuple[Party, Party]:
    """Return A and B: the commits, or the working tree for each that is not given, the environment being B's.

    Args:
        repository: of the commits.
        commits: names, two at most.
        wanted: B's environment.

    Raises:
        CheckoutError: there is no such commit, or the working tree cannot be read.
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
    """Check both sides out, build their environments and start their processes; end and remove all in the end.

    Args:
        repository: of the commits.
        parties: A and B.
        records: the folder for the runs of each.
        job: what all trainings have in common.
        say: is told what takes long.

    Raises:
        CheckoutError: a side cannot be checked out.
        BuildError: an environment cannot be built.
        SideError: a side cannot train, or they have other data, so that their numbers say nothing of each other.
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
                f"the sides have other data, {a.ready.data} and {b.ready.data}: found a change in what reads or draws "
                f"the images, expected the same images on both sides, without which accuracies cannot be compared"
            )
        yield a, b
