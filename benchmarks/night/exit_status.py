"""The exit status of a session that trains, for schedulers, CI and ``git bisect run``.

pytest's own values are unchanged: 2 interrupted, 3 internal error, 4 usage error, 5 no test selected.
"""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.statistics.word import Word

PASSED = 0
REGRESSION = 1
"""A regression, a run that is not identical with ``--exact``, a training that diverged, or another failure, such as an
error in the code."""
STALE = 10
UNDECIDED = 11
NOT_JUDGED = 125
"""Something was not judged or could not be written, and nothing failed; ``git bisect run`` skips such a commit."""

_OF_WORD = {
    Word.REGRESSION: REGRESSION,
    Word.NOT_IDENTICAL: REGRESSION,
    Word.STALE: STALE,
    Word.UNDECIDED: UNDECIDED,
    Word.NOT_JUDGED: NOT_JUDGED,
    Word.PASS: PASSED,
}


def exit_status(words: Iterable[Word], *, failed_otherwise: bool, not_judged: bool) -> int:
    """Return the status of the most severe result.

    Args:
        words: the experiments' words.
        failed_otherwise: a training diverged, or a test failed for another reason than a verdict.
        not_judged: an experiment that was trained or selected has no verdict, or something could not be written.
    """
    found = {_OF_WORD[word] for word in words}
    if failed_otherwise:
        found.add(REGRESSION)
    if not_judged:
        found.add(NOT_JUDGED)
    return next((status for status in (REGRESSION, STALE, UNDECIDED, NOT_JUDGED) if status in found), PASSED)
