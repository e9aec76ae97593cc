"""What ends a command, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class CommandError(Exception):
    """A command that cannot go on; the message says what was found, what was expected and what to do.

    Attributes:
        status: that the process exits with: 2 where the user's input is at fault.
    """

    def __init__(self, message: object, status: int = 2) -> None:
        super().__init__(" ".join(str(message).split()))
        self.status = status


@contextmanager
def user_errors(*kinds: type[Exception]) -> Iterator[None]:
    """Report errors of these kinds as the user's, without a traceback.

    Raises:
        CommandError: in place of one of ``kinds``, with its message.
    """
    try:
        yield
    except kinds as error:
        raise CommandError(error) from None
