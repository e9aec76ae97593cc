"""A drift over nights that no single night fails on, found by a self-starting cumulative sum.

Each night's mean is held against all runs before it, the baseline's among them. The difference over its standard error
has Student's t distribution if nothing has changed, whatever the true mean and spread are, so its normal score is
standard normal and independent of the scores before. Two cumulative sums of the scores, one upwards and one downwards,
raise an alarm where they pass a threshold. A chart that compared each night with the baseline's mean alone would take
that mean's own error for a drift sooner or later.

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

from benchmarks.statistics.word import Word

ALLOWANCE = 0.5
"""What each score gives up, in standard deviations: the sums are quickest to find a shift of twice this size."""

DRIFT_ALARM_RATE = 0.0025
"""Chance a night that a history without any change raises its first alarm, over all charts together: once in 400
nights. It comes on top of the false-alarm rate of the night's own verdicts."""

LEAST_NIGHTS = 5
"""Nights below which there is no history to judge."""

_OVERSHOOT = 1.166  # Siegmund's: by how much a sum of normal scores passes its threshold, at both ends together
_LARGEST_SCORE = 6.0  # of a night whose p-value is too small for a float


@dataclass(frozen=True)
class Drift:
    """A change of level that began some nights ago.

    Attributes:
        began: the first night of the change, counted from 0.
        size: the mean since then less the baseline's mean, each night with equal weight, in the metric's unit.
        statistic: the sum, in standard deviations of a night's mean.
        threshold: beyond which it is an alarm.
    """

    began: int
    size: float
    statistic: float
    threshold: float


@dataclass(frozen=True)
class DriftVerdict:
    """A metric whose level has changed over the last nights.

    Attributes:
        experiment: its name.
        metric: accuracy or loss.
        word: regression where it changed for the worse, else stale.
        size: the mean since it began less the baseline's, in the metric's unit.
        began: the start of the first night of the change, in UTC, as YYYY-MM-DDTHH:MM:SS+00:00.
        nights: how many nights ago that was, the last one included.
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
    """Return the drift that the last night shows, of tonight or of an earlier night; None if there is none.

    Args:
        baseline: the baseline's runs of one metric, two or more.
        nights: tonight's and earlier nights' runs of the metric, the oldest first, each one run or more and none that
            another night or the baseline holds too: the same run twice is no new evidence.
        false_alarm_rate: chance a night of a first alarm without any change; one over it is the mean number of
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
    return Drift(began, level - float(np.mean(baseline)), float(sums[side]), threshold)


def normal_scores(baseline: Sequence[float], nights: Sequence[Sequence[float]]) -> list[float]:
    """Return each night's difference from all runs before it as a standard normal score, in the order of the nights.

    The score of t = (mean(night) - mean(before)) / (s sqrt(1/k + 1/N)), for k runs of the night and N runs before it
    with sample standard deviation s (``ddof=1``), is the normal quantile of t's probability under Student's
    distribution with N - 1 degrees of freedom. Without any spread it is 0 for no difference, else the largest score.
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
    """Return the threshold of both sums at which the mean number of nights to a false alarm is 1 / rate.

    Siegmund's approximation for one sum of normal scores with allowance a: (exp(x) - x - 1) / (2 a^2) nights with
    x = 2 a (threshold + 1.166). The two sums take half of the rate each.

    Raises:
        ValueError: the rate is not in (0, 0.1).
    """
    if not 0 < false_alarm_rate < 0.1:
        raise ValueError(f"false_alarm_rate {false_alarm_rate} must lie between 0 and 0.1")
    wanted = 2 / false_alarm_rate * 2 * ALLOWANCE**2
    x = float(optimize.brentq(lambda x: math.expm1(x) - x - wanted, 1e-6, 100.0))
    return x / (2 * ALLOWANCE) - _OVERSHOOT


def _check(baseline: Sequence[float], nights: Sequence[Sequence[float]]) -> None:
    if len(baseline) < 2:
        raise ValueError(f"baseline: found {len(baseline)} runs, expected two or more")
    for name, values in (("baseline", baseline), *((f"night {number}", night) for number, night in enumerate(nights))):
        if not len(values):
            raise ValueError(f"{name}: found no run, expected one or more")
        if not np.isfinite(values).all():
            raise ValueError(f"{name}: found {list(values)}, expected finite numbers")
