"""Which seeds a night trains: a block of its own, of which the baseline has none.

A training repeats itself to the last digit where nothing has changed. A night on seeds of the baseline, or on last
night's, would hold runs against themselves: it would find what it found before, for all nights to come, and its
false-alarm rate would be that of one draw. A new block each night makes nights independent of the baseline and of each
other: a change that one night misses is the next night's to find, and a drift adds up over nights. The block follows
from the day, so that a second night of the same day trains the same seeds, and can be held against the first one
exactly.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Collection

BLOCK = 1000
"""Seeds of a day's block: more than a night trains of one experiment."""
_FIRST_DAY = datetime.date(2000, 1, 1)


def fresh_seeds(count: int, *, day: datetime.date, taken: Collection[int] = ()) -> list[int]:
    """Return the seeds that a night of that day trains, in order, without any that the baseline holds.

    Args:
        count: how many, 1 to ``BLOCK`` less the number of those taken.
        day: on which the night began, in UTC; from 2000 on.
        taken: the baseline's seeds.

    Raises:
        ValueError: a count or a day outside these limits.
    """
    number = (day - _FIRST_DAY).days
    if number < 0:
        raise ValueError(f"day: found {day}, expected {_FIRST_DAY} or later")
    if not 1 <= count <= BLOCK - len(taken):
        raise ValueError(f"count: found {count}, expected 1 to {BLOCK - len(taken)}")
    block = range((number + 1) * BLOCK, (number + 2) * BLOCK)
    return list(itertools.islice((seed for seed in block if seed not in taken), count))
