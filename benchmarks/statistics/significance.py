"""P-values and levels on arrays, with runs or checks on the last axis.

Noise between runs need not be normal, which matters at the level of one check in a night, about 1 in 1,000 to 1 in
10,000. With few runs and exponential noise (skewness 2), Student's t-test rejects more often than stated, because
baseline runs can be close together by chance and few runs today do not average out a long tail. At a stated level of
1 in 1,000 the excess is

    baseline runs   5      5      5      5      10     10     10
    today's runs    1      2      3      6      1      3      10
    times stated    9.6    3.1    1.5    0.7    15     2.7    0.4

So p-values here are the larger of the t-test's and the probability of the statistic under exponential noise, in either
direction. Then levels hold for both kinds of noise and, in simulations, for lognormal (sigma 0.5), gamma and Laplace
noise. This costs power: little for three or more runs against five, much for a single run.

Three kinds of noise are not covered. Noise in two clusters, such as the gap's when early stopping ends runs at one of
two epochs (all baseline runs in one cluster and all of today's in the other: one in 128 for even clusters with five and
three runs), needs a tolerance as wide as the distance between the clusters, or many baseline runs. Uniform noise has up
to twice the stated rate with five baseline runs, unless the tolerance is two standard deviations. Tails heavier than
exponential, for example from diverging trainings, need at least three runs today.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from benchmarks.statistics.expect import expect

Floats = NDArray[np.float64]

_TABLE_POINTS = 120  # tails between them within 1 %
_NODES = 32
_DRAWS = 256 * _NODES  # tails within 10 % of those with 64 times as many draws, for up to 30 and 10 runs
_SMALLEST_TAIL = 1e-300  # keeps the table's logarithms finite


def measure(baseline: Floats, today: Floats) -> tuple[Floats, Floats]:
    """Return the effect and the pooled standard deviation of n and k runs on the last axis.

    The effect is mean(today) - mean(baseline). The variance is that of Student's two-sample t-test: the sum of squared
    deviations from each group's mean, divided by n + k - 2 degrees of freedom.

    Raises:
        ValueError: n + k is below 3.
    """
    n, k = baseline.shape[-1], today.shape[-1]
    freedom = degrees_of_freedom(baseline_runs=n, today_runs=k)
    # Sorted and relative to the smallest value, so that the order has no effect and equal values give exact zeros.
    origin = np.minimum(baseline.min(axis=-1), today.min(axis=-1))[..., None]
    before, after = np.sort(baseline, axis=-1) - origin, np.sort(today, axis=-1) - origin
    mean_before, mean_after = before.mean(axis=-1), after.mean(axis=-1)
    squares = ((before - mean_before[..., None]) ** 2).sum(axis=-1)
    squares += ((after - mean_after[..., None]) ** 2).sum(axis=-1)
    return mean_after - mean_before, np.sqrt(squares / freedom)


def degrees_of_freedom(*, baseline_runs: int, today_runs: int) -> int:
    """Return n + k - 2, the degrees of freedom of the pooled variance.

    Raises:
        ValueError: a group is empty, or both together have fewer than three runs.
    """
    enough = baseline_runs >= 1 and today_runs >= 1 and baseline_runs + today_runs >= 3
    expect(enough, "runs of the baseline and of today", (baseline_runs, today_runs), "1 or more each, 3 or more in all")
    return baseline_runs + today_runs - 2


def standard_error_factor(*, baseline_runs: int, today_runs: int) -> float:
    """Return sqrt(1/n + 1/k), the standard error of the effect in standard deviations of one run."""
    return float(np.sqrt(1 / baseline_runs + 1 / today_runs))


def t_test_p_values(effect: Floats, deviation: Floats, *, baseline_runs: int, today_runs: int) -> Floats:
    """Return two-sided p-values of Student's t-test with pooled variance, as ``scipy.stats.ttest_ind``.

    For a deviation of 0 the p-value is 1 for no effect, otherwise 0.
    """
    freedom = degrees_of_freedom(baseline_runs=baseline_runs, today_runs=today_runs)
    statistic = _statistic(effect, deviation, baseline_runs=baseline_runs, today_runs=today_runs)
    return np.asarray(2 * special.stdtr(freedom, -statistic), dtype=np.float64)


def p_values(effect: Floats, deviation: Floats, *, baseline_runs: int, today_runs: int) -> Floats:
    """Return the larger of the two-sided p-values for normal and for exponential noise.

    ``effect`` and ``deviation`` are as ``measure`` returns them.
    """
    normal = t_test_p_values(effect, deviation, baseline_runs=baseline_runs, today_runs=today_runs)
    statistic = _statistic(effect, deviation, baseline_runs=baseline_runs, today_runs=today_runs)
    points, tails = _exponential_tail(baseline_runs, today_runs)
    with np.errstate(divide="ignore"):
        skewed = np.exp(np.interp(np.log(statistic), points, tails))
    # Only equal values have a deviation of 0, which continuous noise does not produce: use the t-test's 0 or 1.
    return np.where(deviation > 0, np.maximum(normal, skewed), normal)


def critical_value(level: float, *, baseline_runs: int, today_runs: int) -> float:
    """Return the absolute t statistic at which ``p_values`` falls to ``level`` (two-sided, in (0, 0.5))."""
    freedom = degrees_of_freedom(baseline_runs=baseline_runs, today_runs=today_runs)
    points, tails = _exponential_tail(baseline_runs, today_runs)
    skewed = np.exp(np.interp(np.log(level), tails[::-1], points[::-1]))
    return float(max(-special.stdtrit(freedom, level / 2), skewed))  # 1 - level / 2 can round to 1


def holm_levels(p: Floats, weights: Floats, rate: float) -> Floats:
    """Return each check's level in Holm's method: it is rejected if its p-value is at most its level.

    Weighted and step-down: in the order of p / weight, a check has the level rate * weight / (sum of the weights from
    it on), until one is not rejected; later checks use the same sum. The probability of rejecting any true hypothesis
    is at most ``rate`` for any dependence. Checks are on the last axis, each with a positive weight.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979), section 4.
    """
    weights = np.broadcast_to(weights, p.shape)
    order = np.argsort(p / weights, axis=-1, kind="stable")
    ordered = np.take_along_axis(weights, order, axis=-1)
    remaining = np.cumsum(ordered[..., ::-1], axis=-1)[..., ::-1]
    stands = np.take_along_axis(p, order, axis=-1) > rate * ordered / remaining
    first = np.argmax(stands, axis=-1)[..., None]
    stop = np.where(stands.any(axis=-1, keepdims=True), np.take_along_axis(remaining, first, axis=-1), 0.0)
    levels = np.empty_like(p)
    np.put_along_axis(levels, order, rate * ordered / np.maximum(remaining, stop), axis=-1)
    return levels


def _statistic(effect: Floats, deviation: Floats, *, baseline_runs: int, today_runs: int) -> Floats:
    """Return the absolute t statistic, with 0 / 0 = 0."""
    error = deviation * standard_error_factor(baseline_runs=baseline_runs, today_runs=today_runs)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(np.where(effect == 0, 0.0, np.abs(effect) / error), dtype=np.float64)


@lru_cache(maxsize=256)
def _exponential_tail(n: int, k: int) -> tuple[Floats, Floats]:
    """Return log |t| and log P(at least |t|) under exponential noise, for n baseline runs and k runs today.

    The excesses over each group's smallest value are again exponential, and the smallest values differ by an
    independent two-sided exponential variable. The total of the excesses is Gamma(n + k - 2), independent of their
    shares. Both are integrated in closed form. Today's part of the total is Beta(k - 1, n - 1), integrated by
    quadrature. Only the spread of the shares within a group is averaged over draws, with a fixed seed.
    """
    freedom = n + k - 2
    before, after = _squared_shares(n, seed=0), _squared_shares(k, seed=1)
    part, weight = _todays_part(n, k)
    error = np.sqrt(((1 - part) ** 2 * before + part**2 * after) / freedom)
    error *= standard_error_factor(baseline_runs=n, today_runs=k)
    shift = part / k - (1 - part) / n

    def beyond(threshold: Floats, *, rate_up: int, rate_down: int) -> float:
        """Return P(difference of the smallest values > threshold), averaged over the total, part and shares."""
        decay = (1 + np.maximum(rate_up * threshold, -rate_down * threshold)) ** -float(freedom)
        tail = np.where(threshold > 0, rate_down / (n + k) * decay, 1 - rate_up / (n + k) * decay)
        return float(tail @ weight)

    points = np.linspace(np.log(0.3), np.log(10 * stats.t.isf(1e-14, freedom)), _TABLE_POINTS)
    tail = [
        beyond(limit - shift, rate_up=k, rate_down=n) + beyond(limit + shift, rate_up=n, rate_down=k)
        for limit in np.exp(points)[:, None] * error
    ]
    return points, np.log(np.maximum(tail, _SMALLEST_TAIL))


def _squared_shares(runs: int, *, seed: int) -> Floats:
    """Return sums of squared deviations of exponential values whose excesses over the smallest sum to 1."""
    if runs == 1:
        return np.zeros(_DRAWS)
    excess = np.random.default_rng(seed).standard_exponential((_DRAWS, runs - 1))
    excess /= excess.sum(axis=1, keepdims=True)
    return np.asarray((excess**2).sum(axis=1) - 1 / runs, dtype=np.float64)


def _todays_part(n: int, k: int) -> tuple[Floats, Floats]:
    """Return for each draw today's part of the total excess and its weight, by Gauss-Legendre quadrature."""
    if n == 1 or k == 1:
        return np.full(_DRAWS, float(n == 1)), np.full(_DRAWS, 1 / _DRAWS)
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    weight = weight / 2 * stats.beta.pdf((node + 1) / 2, k - 1, n - 1)
    repeats = _DRAWS // _NODES
    return np.tile((node + 1) / 2, repeats), np.tile(weight / repeats, repeats)
