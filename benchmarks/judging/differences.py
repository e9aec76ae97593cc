"""Compares everything that a training depends on, between the runs of the baseline and those of today."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.baselines.baseline import Baseline
from cifar_models.results.run import Run

Facts = dict[str, str | None]
"""Values by description, the most important first; None if not recorded."""


@dataclass(frozen=True)
class Comparison:
    """A value that a training depends on, in the runs of the baseline and of today; None if not recorded.

    If runs of one side differ, their values are joined.
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
        """Whether both sides are known and differ."""
        return self.known and self.baseline != self.today


def compare(baseline: Baseline, recorded: Sequence[Run], today: Sequence[Run]) -> list[Comparison]:
    """Compare the baseline's runs with today's.

    The order is data, weights, protocol, code, TensorFlow and Keras, device, processor, everything else.

    Args:
        baseline: the baseline; its fingerprints may differ from today's.
        recorded: runs of the baseline; without them its code and the values of its protocol are not known.
        today: runs of today, one or more.

    Raises:
        ValueError: ``today`` is empty.
    """
    if not today:
        raise ValueError("today: found no run, expected one or more to compare with")
    sources: Sequence[Run | Baseline] = recorded or [baseline]
    before, now = _joined(map(_facts_of, sources)), _joined(map(_facts_of, today))
    return [Comparison(what, before.get(what), now.get(what)) for what in {**now, **before}]


def differing_first(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Sort comparisons: those that differ, those that are not known on one side, those that are equal."""
    return sorted(comparisons, key=lambda one: 0 if one.differs else 1 if not one.known else 2)


def _facts_of(source: Run | Baseline) -> Facts:
    prints, environment = source.fingerprints, source.environment
    facts: Facts = {"data": prints.data, "weights": prints.weights or "none", "protocol": prints.protocol}
    if isinstance(source, Run):
        facts |= {f"protocol: {name}": str(value) for name, value in source.protocol.items()}
        facts["source of the package"] = source.code.source if source.code else None
        facts["git commit"] = source.code.commit if source.code else None
    if environment is None:
        return facts
    settings = environment.settings
    of_environment: Facts = {
        **{name: environment.packages[name] for name in ("tensorflow", "keras") if name in environment.packages},
        "device": environment.device,
        "driver": environment.driver or "none",
        "processor": environment.processor,
        "settings": None if settings is None else ", ".join(f"{name} {value}" for name, value in settings.items()),
        "cores": None if environment.cores is None else str(environment.cores),
        **environment.packages,
        "python": environment.python,
        "system": environment.system,
    }
    return facts | of_environment


def _joined(facts: Iterable[Facts]) -> Facts:
    """Return the facts of several runs. Values that differ are joined; the result is None if one is not recorded."""
    values: dict[str, dict[str | None, None]] = {}
    for each in facts:
        for what, value in each.items():
            values.setdefault(what, {})[value] = None
    return {
        what: None if None in some else ", ".join(sorted(value for value in some if value is not None))
        for what, some in values.items()
    }
