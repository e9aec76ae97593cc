"""Which seeds a night trains: a block of its own, of which the baseline has none.

A training repeats itself to the last digit where nothing has changed. A night on seeds of the baseline, or on last
night's, would hold runs against themselves: it would find what it found before, for all nights to come. A new block
each night makes nights independent of the baseline and of each other: a change that one night misses is the next
night's to find, and a drift adds up over nights. The block follows from the day, so that a second night of the same day
trains the same seeds, and can be held against the first one exactly.
"""

from __future__ import annotations

import datetime

BLOCK = 1000
"""Seeds of a day's block, and those below the first block, which are for baselines: more than either trains."""
_FIRST_DAY = datetime.date(2000, 1, 1)


def first_seed_of(day: datetime.date) -> int:
    """Return the first of the ``BLOCK`` seeds of a day's night; the seeds from 0 to ``BLOCK`` - 1 are no night's.

    Args:
        day: on which the night began, in UTC; from 2000 on.

    Raises:
        ValueError: an earlier day.
    """
    number = (day - _FIRST_DAY).days
    if number < 0:
        raise ValueError(f"day: found {day}, expected {_FIRST_DAY} or later")
    return (number + 1) * BLOCK


def day_of(first_seed: int) -> datetime.date:
    """Return the day whose night begins with a seed, as ``first_seed_of`` gives it."""
    return _FIRST_DAY + datetime.timedelta(days=first_seed // BLOCK - 1)
