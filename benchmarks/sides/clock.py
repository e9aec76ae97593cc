"""The time limit of a comparison."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager


class TimeUp(RuntimeError):
    """A training would end after the time limit."""


class Clock:
    """Measures trainings, and checks whether further ones fit into the remaining time.

    Args:
        minutes: the limit, counted from now; None for no limit.
        now: returns the time in seconds.
    """

    def __init__(self, minutes: float | None, now: Callable[[], float] = time.monotonic) -> None:
        self._minutes, self._now = minutes, now
        self._end = None if minutes is None else now() + 60 * minutes
        self._longest: defaultdict[Hashable, float] = defaultdict(float)

    def require(self, *trainings: Hashable) -> None:
        """Check that trainings, one after the other, can end in time.

        Args:
            trainings: the kind of each. A training is expected to take as long as the longest of its kind so far. One
                of a new kind may start while any time is left.

        Raises:
            TimeUp: they cannot.
        """
        if self._end is not None and self._now() + sum(self._longest[each] for each in trainings) >= self._end:
            raise TimeUp(f"no further training fits into --minutes {self._minutes:g}")

    @contextmanager
    def measuring(self, *kinds: Hashable) -> Iterator[None]:
        """Measure a training that counts for each of these kinds."""
        began = self._now()
        try:
            yield
        finally:
            for kind in kinds:
                self._longest[kind] = max(self._longest[kind], self._now() - began)
