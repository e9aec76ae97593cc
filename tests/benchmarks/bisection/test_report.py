"""What a search came to, in words and tables."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from benchmarks.bisection.decide import Answer, Word
from benchmarks.bisection.record import Bisection
from benchmarks.bisection.report import answer_text, markdown, step_text, terminal
from tests.benchmarks.bisection.machine import LIMITS, Machine

pytestmark = pytest.mark.unit


def _searched(**others: Any) -> tuple[Answer, Bisection]:
    return Machine(np.random.default_rng(1), 13, 7, 6, **others).search()


def _rows(text: str) -> list[list[str]]:
    """Return the cells of the table of steps."""
    lines = text.partition("== Steps")[2].split("\n\n")[0].splitlines()[3:]
    return [re.split(r"\s{2,}", line.strip()) for line in lines]


def test_each_step_is_in_one_row_of_the_table() -> None:
    answer, bisection = _searched(unable=(9,), repeatable=False)
    rows = _rows(terminal(bisection, LIMITS, answer))
    assert [row[-1] for row in rows[:2]] == ["GOOD", "BAD"]
    assert rows[0][2] == "0 to 2"
    outcomes = {row[0].split()[-1]: row[-1] for row in rows}
    assert outcomes["9"] == "skipped: found no cifar_models, expected one"
    assert outcomes["6"] == "fresh seeds before it: confirmed"
    assert outcomes["7"] == "fresh seeds with it: confirmed"
    listed = sum(len(_seeds(row[2])) for row in rows if "training" in row[1])
    assert listed == sum(step.kind == "training" for step in bisection.steps)


def _seeds(cell: str) -> list[int]:
    first, _, last = cell.partition(" to ")
    return list(range(int(first), int(last or first) + 1))


def test_a_turn_says_what_it_decided_and_how_probable_that_is() -> None:
    answer, bisection = _searched(repeatable=False)
    outcomes = [row[-1] for row in _rows(terminal(bisection, LIMITS, answer))]
    assert any(re.fullmatch(r"good, (more than )?9\d(\.\d+)? %", outcome) for outcome in outcomes), outcomes
    assert any(re.fullmatch(r"bad, (more than )?9\d(\.\d+)? %", outcome) for outcome in outcomes), outcomes


def test_a_search_that_stepped_back_says_so() -> None:
    answer, bisection = _searched(rounding=(3,), seen=False)
    text = terminal(bisection, LIMITS, answer)
    assert "fresh seeds with it: contradicted, the search steps back" in text
    assert "fresh seeds with it: confirmed" in text


def test_first_steps_say_whose_they_are() -> None:
    answer, bisection = _searched(rounding=(3,))
    text = terminal(bisection, LIMITS, answer)
    assert "first steps  0" in re.sub(r" {3,}", "  ", text)
    assert "identical to those of GOOD" in text
    assert "identical to those of BAD" in text


def test_the_answer_names_the_commit_what_it_changed_and_the_error_rate() -> None:
    answer, bisection = _searched()
    assert re.fullmatch(
        r"0000000000 commit 7 made the (accuracy|loss) of simple_cnn worse: 0\.\d{4} before it and 0\.\d{4} with it, "
        r"on \d+ fresh seeds each \(p = [\d.e-]+\)\. A commit that changes nothing is named with a probability of at "
        r"most 5 %\.",
        answer_text(bisection, LIMITS, answer),
    )


def test_an_answer_among_candidates_that_cannot_be_tested_names_them() -> None:
    answer, bisection = _searched(unable=(6, 7))
    assert answer_text(bisection, LIMITS, answer).startswith(
        "one of the 3 commits after 0000000000 commit 5 up to 0000000000 commit 8, of which 2 commits cannot be tested,"
        " made the "
    )


def test_other_data_on_both_sides_are_said() -> None:
    answer, bisection = _searched()
    for step in bisection.steps:
        step.data = "sha256:one" if step.candidate < 7 else "sha256:other"
    assert answer_text(bisection, LIMITS, answer).endswith("The data before and after it differ.")


def test_what_is_not_found_is_said_with_what_would_have_been() -> None:
    answer, bisection = Machine(np.random.default_rng(0), 13, 7, 0).search()
    text = answer_text(bisection, LIMITS, answer)
    assert re.search(r"accuracy of simple_cnn: 0\.0\d+; loss of simple_cnn: 0\.0\d+", text)
    assert "divergence" not in text


def test_an_undecided_search_says_what_is_most_probable() -> None:
    answer, bisection = _searched()
    undecided = Answer(Word.UNDECIDED, answer.followed, 6, 7, 0.87)
    text = answer_text(bisection, LIMITS, undecided, "no further training fits into --minutes 5")
    assert text.startswith("no further training fits into --minutes 5. Undecided: ")
    assert "0000000000 commit 7 most probably made the " in text
    assert "worse, with a probability of 87 %. This is not confirmed." in text


def test_packages_that_differ_are_listed() -> None:
    answer, bisection = _searched()
    names = [bisection.settings.candidates[number].name for number in (6, 7)]
    bisection.packages = {
        names[0]: {"keras": "3.14.1", "numpy": "2.0"},
        names[1]: {"keras": "3.15.0", "numpy": "2.0", "new": "1"},
    }
    text = terminal(bisection, LIMITS, answer)
    assert re.search(r"^keras +3\.14\.1 +3\.15\.0$", text, re.MULTILINE)
    assert re.search(r"^new +none +1$", text, re.MULTILINE)
    assert not re.search(r"^numpy ", text, re.MULTILINE)


def test_markdown_shows_the_same_rows_and_what_a_title_may_hold() -> None:
    answer, bisection = _searched()
    bisection.settings.candidates[7] = type(bisection.settings.candidates[7])("f" * 40, "Break | the `table`")
    text = markdown(bisection, LIMITS, answer)
    assert "ffffffffff Break \\| the \\`table\\`" in text
    rows = [line for line in text.partition("## Steps")[2].splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(_rows(terminal(bisection, LIMITS, answer)))
    assert "The search has not ended." in markdown(bisection, LIMITS, None)


def test_each_step_has_a_line_when_it_is_taken() -> None:
    _, bisection = _searched(unable=(5, 6), rounding=(3,))
    lines = [step_text(bisection, step) for step in bisection.steps]
    assert re.fullmatch(r"0000000000 commit 0: simple_cnn seed 0: accuracy 0\.\d{4}, loss 0\.\d{4}", lines[0])
    assert any(line.endswith("skipped: found no cifar_models, expected one") for line in lines)
    assert any("first steps identical to those of GOOD" in line for line in lines)
    assert any("; bad with a probability of " in line for line in lines)


def test_a_training_that_diverged_says_so() -> None:
    answer, bisection = _searched(diverge=7)
    assert any("its loss is NaN" in step_text(bisection, step) for step in bisection.steps)
    assert "made the divergence of simple_cnn worse: 0.0000 before it and 1.0000 with it" in answer_text(
        bisection, LIMITS, answer
    )
