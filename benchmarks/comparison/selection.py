"""Which experiments two sides are compared in."""

from __future__ import annotations

from collections.abc import Callable, Collection

from _pytest.mark.expression import Expression

Matches = Callable[[str], bool]
"""Says whether the experiment of a name is selected."""


def parse_keyword(expression: str | None) -> Matches:
    """Return what pytest's ``-k`` means by an expression: parts of names with and, or, not.

    Args:
        expression: the option's value; None to select all.

    Raises:
        ValueError: no such expression.
    """
    if expression is None:
        return lambda _: True
    try:
        compiled = Expression.compile(expression)
    except SyntaxError as error:
        raise ValueError(f"-k: found {expression!r} ({error.msg}), expected parts of names with and, or, not") from None
    return lambda name: compiled.evaluate(lambda part, /, **_: part.lower() in name.lower())


def in_both(a: Collection[str], b: Collection[str], matches: Matches) -> list[str]:
    """Return the experiments that both sides have and that are selected, in B's order.

    Raises:
        ValueError: there is none.
    """
    if names := [name for name in b if name in a and matches(name)]:
        return names
    raise ValueError(
        f"-k: found no experiment that it selects and that both sides have, expected one; A has {', '.join(a)}; "
        f"B has {', '.join(b)}"
    )
