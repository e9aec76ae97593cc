"""Trains two sides in turn with the same seeds, and judges B against A until nothing is undecided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.baselines.baseline import LEAST_RUNS
from benchmarks.inputs.settings import default_looks
from benchmarks.judging.judge import by_experiment, checks_of_sides, identical_verdicts
from benchmarks.records.exact import Exact, compare_digits
from benchmarks.sides.clock import Clock, TimeUp
from benchmarks.sides.side import Show, Side, SideError, TrainingEnded
from benchmarks.statistics.sequential import looks_between
from benchmarks.statistics.verdict import Check, Verdict, judge_night
from cifar_models.results.agreement import disagreements
from cifar_models.results.run import Run

LEAST_SEEDS = LEAST_RUNS
"""Fewer runs of A do not show their spread."""
IDENTICAL_SEEDS = 2
"""If both sides give the same digits with so many seeds, the experiment trains no further ones: a training depends only
on its seed, so further seeds would agree too."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The seeds and the false-alarm rate of a comparison.

    Attributes:
        dataset: the data set's name.
        first_seed: the first seed of each experiment.
        seeds: number of seeds at the first look, ``LEAST_SEEDS`` or more; None for as many as at a night's first look.
        max_seeds: highest number of seeds of an undecided experiment; None for twice as many as at the first look.
        false_alarm_rate: probability that equal sides do not pass, over all looks.
    """

    dataset: str
    first_seed: int
    seeds: int | None = None
    max_seeds: int | None = None
    false_alarm_rate: float

    def looks_of(self, experiment: str) -> tuple[int, ...]:
        """Return the numbers of seeds at which an experiment is judged."""
        count = self.seeds or max(LEAST_SEEDS, default_looks(self.dataset, experiment)[0])
        return looks_between(count, self.max_seeds or 2 * count)


@dataclass(frozen=True)
class Pair:
    """A run of each side with the same seed, and the first difference between their digits."""

    a: Run
    b: Run
    exact: Exact


class Comparison:
    """The trainings and verdicts of two sides.

    Args:
        a: the side that serves as the baseline.
        b: the side to judge.
        names: the experiments; both sides must have them.
        settings: seeds and false-alarm rate.
        clock: the time limit.
        show: shows the progress of a training.

    Attributes:
        settings: as given.
        pairs: each experiment's pairs of runs, in the order of training.
        verdicts: the verdicts of each experiment that was judged.
        problems: for each other experiment, why it was not judged.
        failed: whether a training of B diverged or failed with a seed that A trained.
        stopped: why the comparison ended early; empty if it did not.
    """

    def __init__(
        self, a: Side, b: Side, names: Sequence[str], settings: Settings, clock: Clock, show: Show | None = None
    ) -> None:
        self._a, self._b, self.settings, self._clock, self._show = a, b, settings, clock, show
        self.pairs: dict[str, list[Pair]] = {name: [] for name in names}
        self.verdicts: dict[str, list[Verdict]] = {}
        self.problems: dict[str, str] = {}
        self.failed = False
        self.stopped = ""
        self._looks = {name: settings.looks_of(name) for name in names}
        self._ended: dict[str, str] = {}  # why an experiment gives no further runs

    def run(self) -> None:
        """Train and judge until nothing is undecided, the time is up, or a side has ended."""
        try:
            for name, (first, *_) in self._looks.items():
                self._train(name, IDENTICAL_SEEDS)
                if not self.identical(name):
                    self._train(name, first)
            self._judge()
            while wanted := self._wanted():
                for name, count in wanted.items():
                    self._train(name, count)
                self._judge()
        except (SideError, TimeUp) as error:
            self.stopped = str(error)
            self._judge()

    def identical(self, name: str) -> bool:
        """Return whether both sides gave the same digits with all seeds of an experiment, two or more."""
        pairs = self.pairs[name]
        return len(pairs) >= IDENTICAL_SEEDS and all(pair.exact.identical for pair in pairs)

    def _train(self, name: str, count: int) -> None:
        """Train both sides until there are ``count`` pairs, or until a training gives no run."""
        while name not in self._ended and len(self.pairs[name]) < count:
            seed = self.settings.first_seed + len(self.pairs[name])
            self._clock.require((name, "A"), (name, "B"))
            try:
                with self._clock.measuring((name, "A"), (name, "B")):  # B's time is unknown before its first run
                    a = self._run(self._a, name, seed)
            except TrainingEnded as error:
                self._ended[name] = str(error)
                return
            self._clock.require((name, "B"))
            try:
                with self._clock.measuring((name, "B")):
                    b = self._run(self._b, name, seed)
            except TrainingEnded as error:
                self._ended[name] = str(error)
                self.failed |= error.outcome != "memory"
                return
            self.pairs[name].append(Pair(a, b, compare_digits(b, a)))

    def _run(self, side: Side, name: str, seed: int) -> Run:
        title = f"{side.name[0]} {name} seed {seed}"
        run = side.train(name, seed, None if self._show is None else lambda state: self._show(title, state))  # type: ignore[misc]
        if found := disagreements(run):
            raise TrainingEnded(f"{side.name}: {'; '.join(found)}", outcome="failed")
        return run

    def _judge(self) -> None:
        """Judge each experiment at the last look for which it has enough runs."""
        self.verdicts, self.problems = {}, dict(self._ended)
        checks: list[Check] = []
        for name, pairs in self.pairs.items():
            if name in self._ended:
                continue
            if self.identical(name):
                self.verdicts[name] = identical_verdicts([pair.a for pair in pairs])
                continue
            if self.stopped and LEAST_SEEDS <= len(pairs) < self._looks[name][0]:
                # The first look may come early, because the time limit does not depend on the results.
                self._looks[name] = (len(pairs), *self._looks[name][1:])
            seen = [pairs[:runs] for runs in self._looks[name] if runs <= len(pairs)]
            if not seen:
                self.problems[name] = f"{len(pairs)} of {self._looks[name][0]} seeds were trained; {self.stopped}"
                continue
            try:
                a, b = [pair.a for pair in seen[-1]], [pair.b for pair in seen[-1]]
                checks += checks_of_sides(a, b, self._looks[name])
            except ValueError as error:
                self.problems[name] = str(error)
        if checks:
            looks = {check.experiment: self._looks[check.experiment] for check in checks}
            found = judge_night(checks, false_alarm_rate=self.settings.false_alarm_rate, looks=looks)
            self.verdicts |= by_experiment(found)

    def _wanted(self) -> dict[str, int]:
        """Return the number of seeds at the next look of each undecided experiment."""
        wanted = {name: max(verdict.seeds_wanted or 0 for verdict in some) for name, some in self.verdicts.items()}
        return {name: count for name, count in wanted.items() if count > len(self.pairs[name])}
