"""P-values and levels on arrays, with runs or checks on the last axis: the arithmetic below the verdict.

Noise between runs need not be normal, and at the levels that a night leaves to one check (about 1 in 1,000 to
1 in 10,000) that matters. With few runs and exponential noise (skewness 2), Student's t-test rejects far more
often than it says, for two reasons: baseline runs that lie close together by chance, and one long tail that
is not averaged out when today has few runs. At a stated level of 1 in 1,000 the excess is

    baseline runs   5      5      5      5      10     10     10
    today's runs    1      2      3      6      1      3      10
    times stated    9.6    3.1    1.5    0.7    15     2.7    0.4

So a p-value here is the larger one of the t-test's and of the probability of so large a statistic under
exponential noise, in either direction. Levels then hold for both, and in simulations for lognormal (sigma
0.5), gamma and Laplace noise between them. The price is power: little for three runs and more against five,
a great deal for a single run.

Not covered, and what to do about it: noise in two clusters, as the gap's where early stopping falls on one
of two epochs (all baseline runs in one and all of today's in the other: once in 128 for two even clusters,
five and three runs) needs a tolerance as wide as the clusters are apart, or many baseline runs; uniform noise
takes up to twice the stated rate with five baseline runs, and a tolerance of two standard deviations stops
that; tails heavier than exponential, as from trainings that diverge, need at least three runs today.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]

_TABLE_POINTS = 120  # tails between them within 1 %
_NODES = 32
_DRAWS = 256 * _NODES  # tails within 10 % of those from 64 times as many, for up to 30 and 10 runs
_SMALLEST_TAIL = 1e-300  # keeps the table's logarithms finite


def measure(baseline: Floats, today: Floats) -> tuple[Floats, Floats]:
    """Return the effect and the pooled standard deviation of runs on the last axis, n and k of them.

    The effect is mean(today) - mean(baseline) in the values' own unit. The variance is the sum of both
    groups' squared deviations from their own mean over n + k - 2 degrees of freedom, the estimator of
    Student's two-sample t-test; a group of one run adds nothing to it.

    Raises:
        ValueError: n + k is below 3, so that no degree of freedom is left.
    """
    n, k = baseline.shape[-1], today.shape[-1]
    freedom = degrees_of_freedom(baseline_runs=n, today_runs=k)
    # Sorted and taken from the least one: the order of runs cannot show, and equal values give exact zeros.
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
    if baseline_runs < 1 or today_runs < 1 or baseline_runs + today_runs < 3:
        raise ValueError(
            f"{baseline_runs} baseline and {today_runs} runs today have no spread to pool: "
            "each must be at least 1 and both together at least 3"
        )
    return baseline_runs + today_runs - 2


def standard_error_factor(*, baseline_runs: int, today_runs: int) -> float:
    """Return sqrt(1/n + 1/k): the standard error of the effect in standard deviations of one run."""
    return float(np.sqrt(1 / baseline_runs + 1 / today_runs))


def t_test_p_values(effect: Floats, deviation: Floats, *, baseline_runs: int, today_runs: int) -> Floats:
    """Return two-sided p-values of Student's t-test with pooled variance, those of `scipy.stats.ttest_ind`.

    Without any spread (`deviation` 0) the p-value is 1 for no effect and 0 for any other.
    """
    freedom = degrees_of_freedom(baseline_runs=baseline_runs, today_runs=today_runs)
    statistic = _statistic(effect, deviation, baseline_runs=baseline_runs, today_runs=today_runs)
    return np.asarray(2 * special.stdtr(freedom, -statistic), dtype=np.float64)


def p_values(effect: Floats, deviation: Floats, *, baseline_runs: int, today_runs: int) -> Floats:
    """Return two-sided p-values that hold for normal and for exponential noise: the larger one of the two.

    `effect` and `deviation` are those of `measure`. The module's docstring says why one is not enough.
    """
    normal = t_test_p_values(effect, deviation, baseline_runs=baseline_runs, today_runs=today_runs)
    statistic = _statistic(effect, deviation, baseline_runs=baseline_runs, today_runs=today_runs)
    points, tails = _exponential_tail(baseline_runs, today_runs)
    with np.errstate(divide="ignore"):
        skewed = np.exp(np.interp(np.log(statistic), points, tails))
    # Only ties have a deviation of 0, and no continuous noise makes them: then the t-test's 0 or 1 stands.
    return np.where(deviation > 0, np.maximum(normal, skewed), normal)


def critical_value(level: float, *, baseline_runs: int, today_runs: int) -> float:
    """Return the t statistic's size at which `p_values` falls to `level` (two-sided, in (0, 0.5))."""
    freedom = degrees_of_freedom(baseline_runs=baseline_runs, today_runs=today_runs)
    points, tails = _exponential_tail(baseline_runs, today_runs)
    skewed = np.exp(np.interp(np.log(level), tails[::-1], points[::-1]))
    return float(max(special.stdtrit(freedom, 1 - level / 2), skewed))


def holm_levels(p: Floats, weights: Floats, rate: float) -> Floats:
    """Return the level at which Holm's method judges each check: it is rejected where p is at most its level.

    Weighted and step-down: in the order of p / weight, a check is held against rate * weight / (weights from
    it on), until one stands; those after it are held against the same remainder. The chance of rejecting any
    true hypothesis is at most `rate`, whatever the dependence. Checks lie on the last axis; `weights` has one
    positive weight for each.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979),
    section 4.
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
    """Return the size of the t statistic, with 0 / 0 read as 0."""
    error = deviation * standard_error_factor(baseline_runs=baseline_runs, today_runs=today_runs)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(np.where(effect == 0, 0.0, np.abs(effect) / error), dtype=np.float64)


@lru_cache(maxsize=256)
def _exponential_tail(n: int, k: int) -> tuple[Floats, Floats]:
    """Return log |t| and log P(at least |t|) under exponential noise, for n baseline and k runs of today.

    Above its least value each group is again exponential, and the least values differ by an independent
    two-sided exponential variable; the total of the excesses is Gamma(n + k - 2), independent of their
    shares. Both are integrated in closed form. Today's part of the total is Beta(k - 1, n - 1) and integrated
    by quadrature, and only the spread of the shares within a group is averaged over draws, with a fixed seed.
    """
    freedom = n + k - 2
    before, after = _squared_shares(n, seed=0), _squared_shares(k, seed=1)
    part, weight = _todays_part(n, k)
    error = np.sqrt(((1 - part) ** 2 * before + part**2 * after) / freedom)
    error *= standard_error_factor(baseline_runs=n, today_runs=k)
    shift = part / k - (1 - part) / n

    def beyond(threshold: Floats, *, rate_up: int, rate_down: int) -> float:
        """Return P(difference of the least values > threshold), averaged over the total, part and shares."""
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
    """Return squared deviations, summed, of exponential values whose excesses over the least one sum to 1."""
    if runs == 1:
        return np.zeros(_DRAWS)
    excess = np.random.default_rng(seed).standard_exponential((_DRAWS, runs - 1))
    excess /= excess.sum(axis=1, keepdims=True)
    return np.asarray((excess**2).sum(axis=1) - 1 / runs, dtype=np.float64)


def _todays_part(n: int, k: int) -> tuple[Floats, Floats]:
    """Return for every draw today's part of the total excess and its weight, by Gauss-Legendre quadrature."""
    if n == 1 or k == 1:
        return np.full(_DRAWS, float(n == 1)), np.full(_DRAWS, 1 / _DRAWS)
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    weight = weight / 2 * stats.beta.pdf((node + 1) / 2, k - 1, n - 1)
    repeats = _DRAWS // _NODES
    return np.tile((node + 1) / 2, repeats), np.tile(weight / repeats, repeats)
