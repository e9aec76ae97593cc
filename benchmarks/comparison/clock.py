"""The minutes that a comparison may take, and what its trainings have taken so far."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager


class TimeUp(RuntimeError):
    """A training that would end after the comparison's minutes."""


class Clock:
    """Measures trainings, and says whether further ones fit into the time that is left.

    Args:
        minutes: from now on; None for as long as it takes.
        now: returns seconds.
    """

    def __init__(self, minutes: float | None, now: Callable[[], float] = time.monotonic) -> None:
        self._minutes, self._now = minutes, now
        self._end = None if minutes is None else now() + 60 * minutes
        self._longest: defaultdict[Hashable, float] = defaultdict(float)

    def require(self, *trainings: Hashable) -> None:
        """Make sure that trainings, one after the other, can end in time.

        Args:
            trainings: what tells kinds of trainings apart. One of a kind takes as long as the longest so far; one of a
                new kind may begin as long as there is time left.

        Raises:
            TimeUp: they cannot.
        """
        if self._end is not None and self._now() + sum(self._longest[each] for each in trainings) >= self._end:
            raise TimeUp(f"no further training fits into --minutes {self._minutes:g}")

    @contextmanager
    def measuring(self, *kinds: Hashable) -> Iterator[None]:
        """Measure a training, as one of these kinds."""
        began = self._now()
        yield
        for kind in kinds:
            self._longest[kind] = max(self._longest[kind], self._now() - began)
