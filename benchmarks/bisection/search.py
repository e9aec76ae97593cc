"""Computes where the change probably is, and chooses the candidate to test next.

Candidates are numbered in order, from GOOD to BAD. The model assumes one change: runs before it come from one
distribution, and runs after it come from another with a worse mean. Each gap between two neighbours has a probability.
The probability that a candidate is bad is the sum over the gaps up to it. This is binary search with noisy answers:
Ben-Or and Hassidim, The Bayesian learner is optimal for noisy binary search, FOCS 2008.

Runs with the same seed are correlated, see ``difference``. The model estimates which part of their variance they share.
The likelihood of a change is Student's t density of how much worse it explains the means than the best one does,
relative to the spread within candidates. The spread does not include what the model cannot explain, so two changes do
not look like noise, and the search finds one of them.

Trainings of the same code repeat to the last digit. So if two candidates have the same first training steps, or the
same whole trainings, a change between them is improbable. It is not excluded, because these may not show it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.bisection.difference import PAIRED
from benchmarks.statistics.significance import Floats

UNSEEN_SHARE = 0.05
"""Prior probability of a change that does not show in the first steps or in the whole trainings of two candidates."""

_NO_SPREAD = 1e-12
_MOST_SHARED = 0.95


@dataclass
class Known:
    """What is known of one candidate.

    Attributes:
        runs: by seed, the fingerprint of a whole training's numbers, and the metric.
        first_steps: the fingerprint of the numbers of the first training steps; None if they were not trained.
    """

    runs: dict[int, tuple[str, float]] = field(default_factory=dict)
    first_steps: str | None = None


def change_probabilities(known: Mapping[int, Known], candidates: int) -> Floats:
    """Return for each candidate the probability that the change came with it, shape (candidates,); 0 for GOOD.

    Args:
        known: by the candidate's number; GOOD and BAD must have runs.
        candidates: number of candidates, including GOOD and BAD.
    """
    probability = _prior(known, candidates)
    runs = _Runs.of(known)
    misfits = np.array([runs.misfit(runs.candidates >= first_bad) for first_bad in runs.trained[1:]])
    likelihoods = (1 + (misfits - misfits.min()) / runs.spread) ** (-(runs.freedom + 1) / 2)
    for (before, after), likelihood in zip(pairwise(runs.trained), likelihoods, strict=True):
        probability[before + 1 : after + 1] *= likelihood
    return np.asarray(probability / probability.sum())


@dataclass(frozen=True)
class _Runs:
    """All runs, in units in which their noise is independent and has the same variance.

    Attributes:
        candidates: the candidate of each run.
        trained: the candidates that have runs, in order.
        values: the value of each run, in these units.
        units: the square matrix that converts values into these units.
    """

    candidates: NDArray[np.intp]
    trained: list[int]
    values: Floats
    units: Floats

    @classmethod
    def of(cls, known: Mapping[int, Known]) -> Self:
        """Collect the runs of all candidates, without those that repeat another candidate's to the last digit."""
        unique: dict[str, tuple[int, int, float]] = {}
        for number in sorted(known):
            for seed, (identity, value) in known[number].runs.items():
                unique.setdefault(identity, (number, seed, value))
        candidates, seeds, values = (np.array(column) for column in zip(*unique.values(), strict=True))
        shared = _shared_variance(known)
        covariance = (1 - shared) * np.eye(len(seeds)) + shared * (seeds[:, None] == seeds)
        units = np.linalg.inv(np.linalg.cholesky(covariance))
        return cls(candidates, sorted(set(candidates.tolist())), units @ values, units)

    @property
    def spread(self) -> float:
        """The sum of squared deviations from each candidate's own mean."""
        return max(self._residual(self.candidates[:, None] == self.trained), _NO_SPREAD)

    @property
    def freedom(self) -> int:
        """The degrees of freedom of the spread."""
        return max(len(self.values) - len(self.trained), 1)

    def misfit(self, bad: NDArray[np.bool_]) -> float:
        """Return the sum of squared deviations from the mean of the good runs and the mean of the bad runs."""
        return self._residual(np.stack([~bad, bad], axis=1))

    def _residual(self, groups: NDArray[np.bool_]) -> float:
        model = self.units @ groups
        fitted, *_ = np.linalg.lstsq(model, self.values, rcond=None)
        return float(((self.values - model @ fitted) ** 2).sum())


def _shared_variance(known: Mapping[int, Known]) -> float:
    """Return the part of a run's variance that runs with the same seed share, estimated from GOOD and BAD."""
    good, bad = known[min(known)].runs, known[max(known)].runs
    common = sorted(good.keys() & bad.keys())
    if len(common) < PAIRED:
        return 0.0
    deviations = np.array([[side[seed][1] for seed in common] for side in (good, bad)])
    if not np.all(deviations.std(axis=1) > 0):
        return 0.0
    return float(np.clip(np.corrcoef(deviations)[0, 1], 0.0, _MOST_SHARED))


def _prior(known: Mapping[int, Known], candidates: int) -> Floats:
    """Return a prior weight for each candidate; ``UNSEEN_SHARE`` reduces it if no change shows there."""
    weights = np.ones(candidates)
    weights[0] = 0.0
    unseen = UNSEEN_SHARE / candidates
    started = [number for number in sorted(known) if known[number].first_steps is not None]
    for before, after in pairwise(started):
        if known[before].first_steps == known[after].first_steps:
            weights[before + 1 : after + 1] *= unseen
    trained = [number for number in sorted(known) if known[number].runs]
    for before, after in pairwise(trained):
        if same_trainings(known[before], known[after]):
            weights[before + 1 : after + 1] *= unseen
    return weights


def same_trainings(one: Known, other: Known) -> bool:
    """Return whether two candidates trained a common seed, and all their common seeds gave identical runs."""
    common = one.runs.keys() & other.runs.keys()
    return bool(common) and all(one.runs[seed][0] == other.runs[seed][0] for seed in common)


def turn_level(candidates: int, error_rate: float) -> float:
    """Return the error rate of one turn: a turn of a binary search decides whether a candidate is good or bad."""
    return error_rate / max(1, math.ceil(math.log2(candidates - 1)))


def next_candidate(
    probabilities: Floats, known: Mapping[int, Known], able: Sequence[int], *, level: float, most_seeds: int
) -> int | None:
    """Return the undecided candidate to test next; None if there is none that can have further runs.

    It is the most uncertain candidate that has runs already. If none has runs, it is the most uncertain candidate.

    Args:
        probabilities: the result of ``change_probabilities``.
        known: what is known of each candidate.
        able: the candidates that can be tested, in order, GOOD first and BAD last.
        level: a candidate is decided if it is good or bad with a probability of at least 1 - level.
        most_seeds: highest number of runs of a candidate.
    """
    bad = np.cumsum(probabilities)
    some = [number for number in able[1:-1] if level < bad[number] < 1 - level]
    some = [number for number in some if number not in known or len(known[number].runs) < most_seeds]
    begun = [number for number in some if number in known and known[number].runs]
    return min(begun or some, key=lambda number: abs(bad[number] - 0.5), default=None)


def most_probable(probabilities: Floats, able: Sequence[int]) -> tuple[int, int, float]:
    """Return the two neighbours in ``able`` between which the change most probably is.

    Returns:
        The good candidate, the bad candidate, and the probability. Candidates between the two cannot be tested.
    """
    bad = np.cumsum(probabilities)
    return max(
        ((before, after, float(bad[after] - bad[before])) for before, after in pairwise(able)), key=lambda gap: gap[2]
    )


def first_steps_say_something(known: Mapping[int, Known], number: int) -> bool:
    """Return whether a candidate's first steps are unknown, and those before and after it are known and differ."""
    started = {place: each.first_steps for place, each in known.items() if each.first_steps is not None}
    before = [place for place in started if place < number]
    after = [place for place in started if place > number]
    return bool(number not in started and before and after and started[max(before)] != started[min(after)])


def seeds_of_a_turn(effect: float, deviation: float, end_runs: int, level: float) -> int:
    """Return about how many runs of a candidate decide a turn.

    With so many runs, the likelihood of the wrong side is ``level`` if the mean of the runs is that of GOOD or BAD.

    Args:
        effect: difference between the means of GOOD and BAD, not 0.
        deviation: standard deviation of one run, in the same unit.
        end_runs: number of runs of GOOD and of BAD, 2 or more.
        level: the result of ``turn_level``.
    """
    freedom = 2 * end_runs - 2
    runs = freedom * (math.pow(level, -2 / (freedom + 1)) - 1) * (deviation / effect) ** 2
    return max(1, math.ceil(runs))
