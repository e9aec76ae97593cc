"""The exact lane: compares runs with the same seed and conditions to the last digit.

A training on a CPU is determined by its protocol, data, weights, seed, code, versions, processor and threads. If all of
these but the code agree, two runs are identical unless the code computes something else, so the comparison needs no
statistics and no tolerance. A difference need not be a fault: an intended change may round differently. An identical
run is not new evidence for the statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from cifar_models.results.environment import Environment
from cifar_models.results.run import Curves, Fingerprints, Run


@dataclass(frozen=True)
class Exact:
    """The comparison of a run with the recorded run of the same experiment and seed.

    Attributes:
        epoch: the first epoch that differs, from 1; None if no epoch differs.
        what: the first value that differs, such as ``val_loss``; None if no value differs.
        recorded, today: the first value that differs, in both runs; None if a run does not have it.
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
        """Since when the run differs, in words; empty if it is identical."""
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
    """Return the first difference in the conditions of two runs, which can change their digits; empty if none."""
    for name in ("experiment", "seed"):
        if (now := getattr(today, name)) != (before := getattr(recorded, name)):
            return f"another {name}: {now}, recorded {before}"
    return why_not_repeatable(recorded, fingerprints=today.fingerprints, environment=today.environment)


def why_not_repeatable(recorded: Run, *, fingerprints: Fingerprints, environment: Environment) -> str:
    """Return why a training with these conditions does not repeat a recorded run; empty if it does.

    Args:
        recorded: the recorded run.
        fingerprints: fingerprints of the training.
        environment: environment of the training.
    """
    for today, then in (
        (fingerprints, recorded.fingerprints),
        (environment.conditions, recorded.environment.conditions),
    ):
        for field in fields(then):
            if (now := getattr(today, field.name)) != (before := getattr(then, field.name)):
                return f"another {field.name}: {now}, recorded {before}"
    return "settings not recorded" if environment.settings is None else ""


def compare_exactly(today: Run, recorded: Run) -> Exact:
    """Compare two runs of the same conditions to the last digit.

    Raises:
        ValueError: the conditions differ; see ``why_not_comparable``.
    """
    if why := why_not_comparable(today, recorded):
        raise ValueError(f"{today.experiment} seed {today.seed}: found {why}, expected runs of the same conditions")
    return compare_digits(today, recorded)


def compare_digits(today: Run, recorded: Run) -> Exact:
    """Compare two runs of any conditions epoch by epoch, then their evaluations."""
    for epoch in range(max(today.epochs, recorded.epochs)):
        for curve in fields(Curves):
            now, before = (_value(getattr(run.curves, curve.name), epoch) for run in (today, recorded))
            if now != before:
                return Exact(today.experiment, today.seed, epoch + 1, curve.name, before, now)
    for what in ("accuracy", "loss"):
        now, before = getattr(today.evaluation, what), getattr(recorded.evaluation, what)
        if now != before and None not in (now, before):  # old records have no loss
            return Exact(today.experiment, today.seed, None, f"evaluation {what}", before, now)
    if today.evaluation.confusion != recorded.evaluation.confusion:
        return Exact(today.experiment, today.seed, None, "confusion matrix")
    return Exact(today.experiment, today.seed)


def _value(curve: Sequence[float], epoch: int) -> float | None:
    return curve[epoch] if epoch < len(curve) else None


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.9g}"
