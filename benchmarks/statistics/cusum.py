"""Finds a drift over several nights by a self-starting cumulative sum, even if no single night fails.

Each night's mean is compared with all earlier runs, including the baseline's. Without a change, the difference divided
by its standard error has Student's t distribution for any true mean and spread, so its normal score is standard normal
and independent of earlier scores. Two cumulative sums of the scores, upwards and downwards, raise an alarm above a
threshold. A chart of differences from only the baseline's mean would sooner or later report that mean's error as a
drift.

Sources: Page, Continuous inspection schemes, Biometrika 41 (1954); Hawkins, Self-starting cusum charts for location and
scale, The Statistician 36 (1987); the threshold by Siegmund, Sequential Analysis (1985), equation 2.57.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, special

from benchmarks.statistics.expect import expect
from benchmarks.statistics.word import Word

ALLOWANCE = 0.5
"""Subtracted from each score, in standard deviations; the sums are fastest for a shift of twice this size."""

DRIFT_ALARM_RATE = 0.0025
"""Probability per night of a first false alarm, over all charts together: one in 400 nights, in addition to the
false-alarm rate of the night's verdicts."""

LEAST_NIGHTS = 5
"""Shorter histories are not judged."""

_OVERSHOOT = 1.166  # from Siegmund: how far a sum of normal scores passes its threshold, at both ends together
_LARGEST_SCORE = 6.0  # for a night whose p-value is too small for a float


@dataclass(frozen=True)
class Drift:
    """A change of level that began some nights ago.

    Attributes:
        began: the first night of the change, counted from 0.
        rises: whether the level has risen.
        size: mean of the nights since then minus the mean of all runs before, in the metric's unit.
    """

    began: int
    rises: bool
    size: float


@dataclass(frozen=True)
class DriftVerdict:
    """A metric whose level has changed over the last nights.

    Attributes:
        metric: accuracy or loss.
        word: regression for a change for the worse, otherwise stale.
        size: mean since the change began minus the mean of all runs before, in the metric's unit.
        began: start of the first night of the change, in UTC, as YYYY-MM-DDTHH:MM:SS+00:00.
        nights: number of nights since then, including the first and the last.
    """

    experiment: str
    metric: str
    word: Word
    size: float
    began: str
    nights: int

    def __str__(self) -> str:
        day = self.began.partition("T")[0]
        return f"{self.metric} has drifted by {self.size:+.4f} since the night of {day}, over {self.nights} nights"


def find_drift(
    baseline: Sequence[float], nights: Sequence[Sequence[float]], *, false_alarm_rate: float
) -> Drift | None:
    """Return the drift that is detected as of the last night; None if there is none.

    Args:
        baseline: the baseline's values of one metric, two or more.
        nights: each night's values, the oldest first, one or more a night; no run may occur twice.
        false_alarm_rate: probability per night of a first alarm without a change; its inverse is the mean number of
            nights to a false alarm.

    Raises:
        ValueError: fewer than two baseline runs, a night without runs, a value that is not finite, or a rate that is
            not in (0, 0.1).
    """
    _check(baseline, nights)
    threshold = alarm_threshold(false_alarm_rate)
    if len(nights) < LEAST_NIGHTS:
        return None
    sums = np.zeros(2)
    since = [0, 0]
    for night, score in enumerate(normal_scores(baseline, nights)):
        sums += np.array([score, -score]) - ALLOWANCE
        for side in range(2):
            if sums[side] <= 0:
                sums[side], since[side] = 0.0, night + 1
    side = int(np.argmax(sums))
    if not sums[side] > threshold:
        return None
    began = since[side]
    level = float(np.mean([np.mean(night) for night in nights[began:]]))
    before = np.concatenate([baseline, *nights[:began]])
    return Drift(began, rises=side == 0, size=level - float(before.mean()))


def normal_scores(baseline: Sequence[float], nights: Sequence[Sequence[float]]) -> list[float]:
    """Return each night's difference from all earlier runs as a standard normal score.

    With k runs of the night and N earlier runs with standard deviation s (``ddof=1``), the score of
    t = (mean(night) - mean(before)) / (s sqrt(1/k + 1/N)) is the normal quantile of t's probability under Student's
    distribution with N - 1 degrees of freedom. Without spread it is 0 for no difference, otherwise the largest score.
    """
    before = np.array(baseline, dtype=np.float64)
    scores = []
    for night in nights:
        runs = np.array(night, dtype=np.float64)
        effect = float(runs.mean() - before.mean())
        error = float(before.std(ddof=1)) * math.sqrt(1 / len(runs) + 1 / len(before))
        if error > 0:
            probability = float(special.stdtr(len(before) - 1, -abs(effect) / error))
            size = min(_LARGEST_SCORE, -float(special.ndtri(max(probability, 1e-300))))
        else:
            size = _LARGEST_SCORE if effect else 0.0
        scores.append(math.copysign(size, effect))
        before = np.concatenate([before, runs])
    return scores


@lru_cache(maxsize=64)
def alarm_threshold(false_alarm_rate: float) -> float:
    """Return the threshold for which the mean number of nights to a false alarm of either sum is 1 / rate.

    By Siegmund's approximation for one sum with allowance a: (exp(x) - x - 1) / (2 a^2) nights, where
    x = 2 a (threshold + 1.166). Each sum has half of the rate.

    Raises:
        ValueError: the rate is not in (0, 0.1).
    """
    expect(0 < false_alarm_rate < 0.1, "false_alarm_rate", false_alarm_rate, "above 0 and below 0.1")
    wanted = 2 / false_alarm_rate * 2 * ALLOWANCE**2
    x = float(optimize.brentq(lambda x: math.expm1(x) - x - wanted, 1e-6, 100.0))
    return x / (2 * ALLOWANCE) - _OVERSHOOT


def _check(baseline: Sequence[float], nights: Sequence[Sequence[float]]) -> None:
    expect(len(baseline) >= 2, "baseline runs", len(baseline), "2 or more")
    for name, values in (("baseline", baseline), *((f"night {number}", night) for number, night in enumerate(nights))):
        expect(len(values) > 0 and bool(np.isfinite(values).all()), name, list(values), "one finite number or more")
