"""Where is the change? What the trainings so far say, and which candidate to test next.

Candidates are numbered in order, from GOOD to BAD. The model has one change: all runs before it come from one
distribution, all runs from it on from another with a worse mean. Every gap between two neighbours gets a probability.
A candidate is bad with the sum over the gaps up to it. This is binary search with noisy answers: Ben-Or and Hassidim,
The Bayesian learner is optimal for noisy binary search, FOCS 2008.

Runs with the same seed come out alike, which `difference` explains. The model knows what part of their variance they
share. The likelihood of a change is Student's t density of how much worse it explains the means than the best one does,
relative to the spread within candidates. The spread does not include what the model fails to explain, so that two
changes in a row do not look like noise: the search then finds one of them.

Trainings repeat to the last digit where the code is the same. So if two candidates have the same first training
steps, or the same whole trainings, a change between them is improbable but not excluded: it may not show in these.
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
"""Prior probability that the change shows neither in the first steps nor in a whole training that both have."""

_NO_SPREAD = 1e-12
_MOST_SHARED = 0.95


@dataclass
class Known:
    """What is known of one candidate.

    Attributes:
        runs: by seed, what identifies a whole training's numbers, and its metric.
        first_steps: what identifies the numbers of the first training steps; None if not computed.
    """

    runs: dict[int, tuple[str, float]] = field(default_factory=dict)
    first_steps: str | None = None


def change_probabilities(known: Mapping[int, Known], candidates: int) -> Floats:
    """Return for each candidate the probability that the change came with it, shape (candidates,); 0 for GOOD.

    Args:
        known: by candidate's number; GOOD and BAD have runs.
        candidates: how many there are, GOOD and BAD included.
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
        candidates: of each run.
        trained: the candidates that have runs, in order.
        values: of each run, in these units.
        units: what turns values into these units, a square matrix.
    """

    candidates: NDArray[np.intp]
    trained: list[int]
    values: Floats
    units: Floats

    @classmethod
    def of(cls, known: Mapping[int, Known]) -> Self:
        """Take the runs of all candidates; one that repeats another's to the last digit is no news and is left out."""
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
        """The squared deviations from each candidate's own mean."""
        return max(self._residual(self.candidates[:, None] == self.trained), _NO_SPREAD)

    @property
    def freedom(self) -> int:
        """The degrees of freedom of the spread."""
        return max(len(self.values) - len(self.trained), 1)

    def misfit(self, bad: NDArray[np.bool_]) -> float:
        """Return the squared deviations from the mean of the good runs and that of the bad ones."""
        return self._residual(np.stack([~bad, bad], axis=1))

    def _residual(self, groups: NDArray[np.bool_]) -> float:
        model = self.units @ groups
        fitted, *_ = np.linalg.lstsq(model, self.values, rcond=None)
        return float(((self.values - model @ fitted) ** 2).sum())


def _shared_variance(known: Mapping[int, Known]) -> float:
    """Return the part of a run's variance that runs with the same seed share, by those of GOOD and BAD."""
    good, bad = known[min(known)].runs, known[max(known)].runs
    common = sorted(good.keys() & bad.keys())
    if len(common) < PAIRED:
        return 0.0
    deviations = np.array([[side[seed][1] for seed in common] for side in (good, bad)])
    if not np.all(deviations.std(axis=1) > 0):
        return 0.0
    return float(np.clip(np.corrcoef(deviations)[0, 1], 0.0, _MOST_SHARED))


def _prior(known: Mapping[int, Known], candidates: int) -> Floats:
    """Return a weight for each candidate; those within a stretch that looks the same share ``UNSEEN_SHARE``."""
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
    """Return whether two candidates trained some seed alike, and none differently."""
    common = one.runs.keys() & other.runs.keys()
    return bool(common) and all(one.runs[seed][0] == other.runs[seed][0] for seed in common)


def turn_level(candidates: int, error_rate: float) -> float:
    """Return how probable a wrong turn may be: the error rate, shared by the turns of a binary search."""
    return error_rate / max(1, math.ceil(math.log2(candidates - 1)))


def next_candidate(
    probabilities: Floats, known: Mapping[int, Known], able: Sequence[int], *, level: float, most_seeds: int
) -> int | None:
    """Return the candidate whose test says most; one that has runs and is undecided comes before others.

    Args:
        probabilities: as ``change_probabilities`` returns them.
        known: likewise its argument.
        able: the candidates that can be tested, in order, GOOD first and BAD last.
        level: a candidate is decided if it is good or bad with a probability of at least 1 - level.
        most_seeds: a candidate with as many runs is not tested further.

    Returns:
        None if all that can be tested is decided or has all its runs.
    """
    bad = np.cumsum(probabilities)
    some = [number for number in able[1:-1] if level < bad[number] < 1 - level]
    some = [number for number in some if number not in known or len(known[number].runs) < most_seeds]
    begun = [number for number in some if number in known and known[number].runs]
    return min(begun or some, key=lambda number: abs(bad[number] - 0.5), default=None)


def most_probable(probabilities: Floats, able: Sequence[int]) -> tuple[int, int, float]:
    """Return the neighbours among the testable candidates that most probably have the change between them.

    Returns:
        The good one, the bad one, and the probability. Candidates between the two cannot be tested.
    """
    bad = np.cumsum(probabilities)
    return max(
        ((before, after, float(bad[after] - bad[before])) for before, after in pairwise(able)), key=lambda gap: gap[2]
    )


def first_steps_say_something(known: Mapping[int, Known], number: int) -> bool:
    """Return whether the first steps of a candidate are unknown, and differ between its neighbours of known ones."""
    started = {place: each.first_steps for place, each in known.items() if each.first_steps is not None}
    before = [place for place in started if place < number]
    after = [place for place in started if place > number]
    return bool(number not in started and before and after and started[max(before)] != started[min(after)])


def seeds_of_a_turn(effect: float, deviation: float, end_runs: int, level: float) -> int:
    """Return about how many runs of a candidate decide a turn, given how much GOOD and BAD differ.

    So many that the likelihood of the wrong side falls to ``level`` where the runs' mean is that of an end.

    Args:
        effect: difference of the ends' means, not 0.
        deviation: standard deviation of one run, same unit.
        end_runs: runs of each end, 2 or more.
        level: as ``turn_level`` returns it.
    """
    freedom = 2 * end_runs - 2
    runs = freedom * (math.pow(level, -2 / (freedom + 1)) - 1) * (deviation / effect) ** 2
    return max(1, math.ceil(runs))
