"""Errors that end a command with one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class CommandError(Exception):
    """A command cannot continue; the message says what was found, what was expected and what to do.

    Attributes:
        status: exit status of the process, 2 for errors that the user can correct.
    """

    def __init__(self, message: object, status: int = 2) -> None:
        super().__init__(" ".join(str(message).split()))
        self.status = status


@contextmanager
def user_errors(*kinds: type[Exception]) -> Iterator[None]:
    """Convert errors of these kinds to CommandError, which has no traceback; a closed output is none of them."""
    try:
        yield
    except BrokenPipeError:
        raise
    except kinds as error:
        raise CommandError(error) from None
