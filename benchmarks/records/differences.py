"""What differs between the baseline's runs and today's in all that a training depends on, first things first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.baselines.baseline import Baseline
from cifar_models.results.environment import Environment
from cifar_models.results.run import Run

_BEFORE_OTHER_PACKAGES = ("tensorflow", "keras", "device", "driver", "processor", "settings", "cores")
_AFTER_OTHER_PACKAGES = ("python", "system")

Facts = dict[str, str | None]
"""Values by what they are the value of, the most important first; None if not recorded."""


@dataclass(frozen=True)
class Comparison:
    """One thing that a training depends on, of the baseline's runs and of today's.

    Attributes:
        what: in words.
        baseline: the value, or the values of several runs; None if not recorded.
        today: likewise.
    """

    what: str
    baseline: str | None
    today: str | None

    @property
    def known(self) -> bool:
        """Whether it was recorded on both sides."""
        return self.baseline is not None and self.today is not None

    @property
    def differs(self) -> bool:
        """Whether both sides are known and not the same."""
        return self.known and self.baseline != self.today


def compare(baseline: Baseline, recorded: Sequence[Run], today: Sequence[Run]) -> list[Comparison]:
    """Compare all that is known of the baseline's runs with today's.

    In this order: data, weights, protocol, code, TensorFlow and Keras, device, processor, all else.

    Args:
        baseline: that today is held against, whether its fingerprints agree or not.
        recorded: the baseline's own runs; without them their code and the protocol's values are not known.
        today: today's runs, one or more.

    Raises:
        ValueError: no run today.
    """
    if not today:
        raise ValueError("today: found no run, expected one or more to compare with")
    before = _joined(map(_facts_of, recorded)) if recorded else _facts_of_entry(baseline)
    now = _joined(map(_facts_of, today))
    return [
        Comparison(what, before.get(what), now.get(what))
        for what in sorted(dict.fromkeys([*now, *before]), key=_importance)
    ]


def differing_first(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Return what differs, then what is not known on one side, then what is the same; each in its former order."""
    return sorted(comparisons, key=lambda one: 0 if one.differs else 1 if not one.known else 2)


def _facts_of(run: Run) -> Facts:
    return {
        "data": run.fingerprints.data,
        "weights": run.fingerprints.weights or "none",
        "protocol": run.fingerprints.protocol,
        **{f"protocol: {name}": str(value) for name, value in run.protocol.items()},
        "source of the package": run.code.source if run.code else None,
        "git commit": run.code.commit if run.code else None,
        **_facts_of_environment(run.environment),
    }


def _facts_of_entry(baseline: Baseline) -> Facts:
    return {
        "data": baseline.fingerprints.data,
        "weights": baseline.fingerprints.weights or "none",
        "protocol": baseline.fingerprints.protocol,
        **(_facts_of_environment(baseline.environment) if baseline.environment else {}),
    }


def _facts_of_environment(environment: Environment) -> Facts:
    return {
        **environment.packages,
        "device": environment.device,
        "driver": environment.driver or "none",
        "cores": None if environment.cores is None else str(environment.cores),
        "settings": None
        if environment.settings is None
        else ", ".join(f"{name} {value}" for name, value in environment.settings.items()),
        "processor": environment.processor,
        "python": environment.python,
        "system": environment.system,
    }


def _joined(facts: Iterable[Facts]) -> Facts:
    """Return the facts of several runs as one; values that differ stand side by side."""
    values: dict[str, dict[str | None, None]] = {}
    for each in facts:
        for what, value in each.items():
            values.setdefault(what, {})[value] = None
    return {
        what: None if None in some else ", ".join(sorted(value for value in some if value is not None))
        for what, some in values.items()
    }


def _importance(what: str) -> tuple[int, int]:
    first = ("data", "weights", "protocol")
    if what in first:
        return 0, first.index(what)
    if what.startswith("protocol: "):
        return 1, 0
    code = ("source of the package", "git commit")
    if what in code:
        return 2, code.index(what)
    if what in _BEFORE_OTHER_PACKAGES:
        return 3, _BEFORE_OTHER_PACKAGES.index(what)
    if what in _AFTER_OTHER_PACKAGES:
        return 5, _AFTER_OTHER_PACKAGES.index(what)
    return 4, 0
