"""The exit status: one value for each answer, and the worst wins."""

from __future__ import annotations

import itertools

import pytest

from benchmarks.night.exit_status import exit_status
from benchmarks.statistics.word import Word

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("words", "failed_otherwise", "not_judged", "status"),
    [
        (["pass", "pass"], False, False, 0),
        (["pass", "regression"], False, False, 1),
        (["not identical", "stale"], False, True, 1),
        (["stale", "pass"], False, False, 10),
        (["undecided"], False, False, 11),
        ([], False, True, 125),
        (["pass"], False, True, 125),
        (["pass"], True, False, 1),
        (["stale", "regression", "undecided"], False, True, 1),
        (["undecided", "stale"], False, True, 10),
        (["undecided"], False, True, 11),
        (["stale"], True, True, 1),
    ],
)
def test_each_answer_has_a_status(words: list[str], failed_otherwise: bool, not_judged: bool, status: int) -> None:
    for order in itertools.permutations(words):
        assert exit_status(map(Word, order), failed_otherwise=failed_otherwise, not_judged=not_judged) == status
