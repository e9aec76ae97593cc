"""The exact lane: the same seed under the same conditions gives the same digits, or something has changed.

A training on a processor is a function of its protocol, data, weights, seed, code, versions, processor and threads. A
run for which all but the code agree with a recorded one is that run again, unless the code computes something else. So
the comparison needs no statistics and no tolerance. A difference need not be a fault: a deliberate refactoring may
round differently. And a run that is identical is no new evidence of anything else: it is not a further draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from cifar_models.results.environment import Environment
from cifar_models.results.run import Curves, Fingerprints, Run


@dataclass(frozen=True)
class Exact:
    """A run of tonight against the recorded run of the same seed, to the last digit.

    Attributes:
        experiment: its name.
        seed: of both.
        epoch: the first epoch that differs, from 1; None if none does.
        what: the first value that differs, such as ``val_loss``; None if none does.
        recorded: that value in the recorded run; None where it has no such epoch or value.
        today: likewise of tonight's run.
    """

    experiment: str
    seed: int
    epoch: int | None = None
    what: str | None = None
    recorded: float | None = None
    today: float | None = None

    @property
    def identical(self) -> bool:
        """Whether no value differs."""
        return self.what is None

    @property
    def since(self) -> str:
        """From when on it differs, in words; nothing if no value does."""
        if self.identical:
            return ""
        return "after the last epoch" if self.epoch is None else f"since epoch {self.epoch}"

    def __str__(self) -> str:
        if self.identical:
            return "identical"
        if self.recorded is None or self.today is None:
            return f"differs {self.since}: {self.what} {_shown(self.recorded)} recorded, {_shown(self.today)} today"
        shift = self.today - self.recorded
        return f"differs {self.since}: {self.what} {self.today:.9g}, {shift:+.2g} from the recorded run"


def why_not_comparable(today: Run, recorded: Run) -> str:
    """Return the first condition in which two runs differ, so that other digits mean nothing; empty if none does."""
    for name in ("experiment", "seed"):
        if (now := getattr(today, name)) != (before := getattr(recorded, name)):
            return f"another {name}: {now}, recorded {before}"
    return why_not_repeatable(recorded, fingerprints=today.fingerprints, environment=today.environment)


def why_not_repeatable(recorded: Run, *, fingerprints: Fingerprints, environment: Environment) -> str:
    """Return the first condition that keeps a training of today from repeating a recorded run; empty if none does.

    Args:
        recorded: the run.
        fingerprints: of today's data, weights and protocol for its experiment.
        environment: today's.
    """
    for today, then in ((fingerprints, recorded.fingerprints), (environment, recorded.environment)):
        for field in fields(then):
            if (now := getattr(today, field.name)) != (before := getattr(then, field.name)):
                return f"another {field.name}: {now}, recorded {before}"
    return "settings not recorded" if environment.settings is None else ""


def compare_exactly(today: Run, recorded: Run) -> Exact:
    """Compare two runs epoch by epoch, then their evaluations: every digit counts.

    Raises:
        ValueError: the runs are not comparable; see ``why_not_comparable``.
    """
    if why := why_not_comparable(today, recorded):
        raise ValueError(f"{today.experiment} seed {today.seed}: found {why}, expected runs of the same conditions")
    return first_other_digit(today, recorded)


def first_other_digit(today: Run, recorded: Run) -> Exact:
    """Return the first digit in which two runs of an experiment and seed differ, whatever their conditions."""
    for epoch in range(max(today.epochs, recorded.epochs)):
        for curve in fields(Curves):
            now, before = (_value(getattr(run.curves, curve.name), epoch) for run in (today, recorded))
            if now != before:
                return Exact(today.experiment, today.seed, epoch + 1, curve.name, before, now)
    for what in ("accuracy", "loss"):
        now, before = getattr(today.evaluation, what), getattr(recorded.evaluation, what)
        if now != before and None not in (now, before):  # an old record has no loss
            return Exact(today.experiment, today.seed, None, f"evaluation {what}", before, now)
    if today.evaluation.confusion != recorded.evaluation.confusion:
        return Exact(today.experiment, today.seed, None, "confusion matrix")
    return Exact(today.experiment, today.seed)


def _value(curve: Sequence[float], epoch: int) -> float | None:
    return curve[epoch] if epoch < len(curve) else None


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.9g}"
