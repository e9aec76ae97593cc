"""Which experiments two sides are compared in."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from _pytest.mark.expression import Expression


def select(names: Iterable[str], expression: str | None) -> list[str]:
    """Return the names that pytest's ``-k`` would select: an expression of parts of names with and, or, not.

    Args:
        names: of experiments.
        expression: the value of ``-k``; None for all of them.

    Raises:
        ValueError: no expression of this kind, or one that selects nothing.
    """
    names = list(names)
    if expression is None:
        return names
    try:
        compiled = Expression.compile(expression)
    except SyntaxError as error:
        raise ValueError(f"-k: found {expression!r} ({error.msg}), expected parts of names with and, or, not") from None

    def matches(name: str) -> bool:
        return compiled.evaluate(lambda part, /, **_: part.lower() in name.lower())

    if selected := [name for name in names if matches(name)]:
        return selected
    raise ValueError(f"-k: found {expression!r}, which selects none of {', '.join(names)}; expected one or more")


def in_both(a: Collection[str], b: Collection[str]) -> list[str]:
    """Return the experiments that both sides have, in B's order.

    Raises:
        ValueError: there is none.
    """
    if names := [name for name in b if name in a]:
        return names
    raise ValueError(f"found the experiments {', '.join(a)} and {', '.join(b)}, expected one that both sides have")
