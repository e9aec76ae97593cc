"""Chooses the seeds of a night: a new block each day, separate from the baselines' seeds.

A training repeats to the last digit if nothing changes, so a night with the seeds of the baseline or of an earlier
night would give the same result every time. With new seeds, nights are independent: a night can find a change that an
earlier one missed, and evidence of a drift accumulates. Two nights of one day train the same seeds and can be compared
exactly.
"""

from __future__ import annotations

import datetime

BLOCK = 1000
"""Number of seeds in a day's block, and before the first block, where they are for baselines."""
_FIRST_DAY = datetime.date(2000, 1, 1)


def first_seed_of(day: datetime.date) -> int:
    """Return the first of the ``BLOCK`` seeds of the nights that start on a day, in UTC; ``BLOCK`` or more.

    Raises:
        ValueError: the day is before the year 2000.
    """
    number = (day - _FIRST_DAY).days
    if number < 0:
        raise ValueError(f"day: found {day}, expected {_FIRST_DAY} or later")
    return (number + 1) * BLOCK


def day_of(first_seed: int) -> datetime.date:
    """Return the day whose night begins with a seed, as ``first_seed_of`` gives it."""
    return _FIRST_DAY + datetime.timedelta(days=first_seed // BLOCK - 1)
