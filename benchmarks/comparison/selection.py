"""Selects the experiments of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Collection

from _pytest.mark.expression import Expression

from benchmarks.session.selection import names
from cifar_models.experiments import EXPERIMENTS

Matches = Callable[[str], bool]
"""Returns whether an experiment is selected, given its name."""


def parse_keyword(expression: str | None, left_out: Collection[str] = ()) -> Matches:
    """Parse an expression of pytest's ``-k``: parts of names with and, or, not.

    Args:
        expression: the option's value; None to select all.
        left_out: experiments that are selected only if the expression names them, as in a night.

    Raises:
        ValueError: the expression is invalid.
    """
    if expression is None:
        return lambda name: name not in left_out
    try:
        compiled = Expression.compile(expression)
    except SyntaxError as error:
        raise ValueError(f"-k: found {expression!r} ({error.msg}), expected parts of names with and, or, not") from None
    usual = [name for name in EXPERIMENTS if name not in left_out]

    def matches(name: str) -> bool:
        asked_for = name not in left_out or names(expression, name, usual)
        return asked_for and compiled.evaluate(lambda part, /, **_: part.lower() in name.lower())

    return matches


def in_both(a: Collection[str], b: Collection[str], matches: Matches) -> list[str]:
    """Return the selected experiments that both sides have, in B's order.

    Raises:
        ValueError: there is none.
    """
    if selected := [name for name in b if name in a and matches(name)]:
        return selected
    raise ValueError(
        f"-k: found no matching experiment that both sides have, expected one or more; A has {', '.join(a)}; B has "
        f"{', '.join(b)}"
    )
