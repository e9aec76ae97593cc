"""The exit status of a session that trains, for schedulers, CI and ``git bisect run``.

pytest's own values are unchanged: 2 interrupted, 3 internal error, 4 usage error, 5 no test selected.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from benchmarks.records.trainings import Outcome
from benchmarks.statistics.word import Word

if TYPE_CHECKING:
    from benchmarks.night.night import Night

PASSED = 0
REGRESSION = 1
"""A regression, a training that diverged, a run that contradicts itself, an error in the code, or, with ``--exact``, a
run that is not identical."""
STALE = 10
UNDECIDED = 11
NOT_JUDGED = 125
"""Something was not judged or not written, and nothing failed; ``git bisect run`` skips such a commit."""

_OF_WORD = {
    Word.REGRESSION: REGRESSION,
    Word.NOT_IDENTICAL: REGRESSION,
    Word.STALE: STALE,
    Word.UNDECIDED: UNDECIDED,
    Word.NOT_JUDGED: NOT_JUDGED,
    Word.PASS: PASSED,
}


def status_of(night: Night, *, failed_otherwise: bool = False) -> int:
    """Return the exit status of a night that has ended. A shard passes if each of its trainings gave a run.

    Args:
        night: the night; it is judged, unless it updates baselines or is a shard.
        failed_otherwise: whether a test failed for another reason than a result of the night.
    """
    outcomes = [training.outcome for training in night.trainings]
    failed_otherwise |= any(one in outcomes for one in (Outcome.DIVERGED, Outcome.FAILED, Outcome.CONTRADICTS))
    if night.settings.shard:
        without_run = any(one.run is None and one.outcome != Outcome.NOTHING_TO_REPEAT for one in night.trainings)
        return exit_status([], failed_otherwise=failed_otherwise, not_judged=without_run or night.unfinished)
    selected = {*night.selection.verdicts, *night.trained}
    return exit_status(
        [result.word for result in night.results().experiments],
        failed_otherwise=failed_otherwise,
        not_judged=bool(selected - night.verdicts.keys() or night.losses or night.not_repeated),
    )


def exit_status(words: Iterable[Word], *, failed_otherwise: bool, not_judged: bool) -> int:
    """Return the status of the most severe result.

    Args:
        words: the experiments' words.
        failed_otherwise: whether a training diverged, or a test failed for another reason than a result of the night.
        not_judged: whether an experiment that was trained or selected has no verdict, or a file was not written.
    """
    found = {_OF_WORD[word] for word in words}
    if failed_otherwise:
        found.add(REGRESSION)
    if not_judged:
        found.add(NOT_JUDGED)
    return next((status for status in (REGRESSION, STALE, UNDECIDED, NOT_JUDGED) if status in found), PASSED)
