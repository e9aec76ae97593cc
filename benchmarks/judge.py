"""Is this run as good as its baseline says? One answer a metric, and a sentence to act on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.baselines import Baseline, Metric
from cifar_models.run import Run

HIGHER_IS_BETTER = {"accuracy": True, "gap": False}
_SAID = {"pass": "passes", "regression": "is a regression", "stale": "makes the baseline stale"}


@dataclass(frozen=True)
class Judgement:
    """One metric of one run against its baseline.

    Attributes:
        metric: ``accuracy`` or ``gap``.
        today: the run's value, a fraction.
        baseline: the mean of the baseline's values.
        allowance: how far from it today's value may be, either way.
        verdict: ``pass``; ``regression``, outside on the bad side; or ``stale``, better than the baseline
            allows.
        sentence: all of this for a person, with what to do where it is no pass.
    """

    metric: str
    today: float
    baseline: float
    allowance: float
    verdict: str
    sentence: str

    @property
    def difference(self) -> float:
        """Today's value minus the baseline's."""
        return self.today - self.baseline


def judge(run: Run, baseline: Baseline, *, update_command: str) -> list[Judgement]:
    """Hold a run against its baseline, metric by metric, in the order of the baseline's metrics.

    A value that is better than the baseline allows fails too: an accuracy that jumps is as likely a leak as a gift.

    Args:
        run: today's.
        baseline: one that the run may be compared with.
        update_command: what to run if a change was meant, for the sentence.

    Raises:
        ValueError: a metric that is no finite number, which must never pass for one.
    """
    return [
        _judge_metric(run, name, metric, baseline, update_command) for name, metric in sorted(baseline.metrics.items())
    ]


def _judge_metric(run: Run, name: str, metric: Metric, baseline: Baseline, update_command: str) -> Judgement:
    today = getattr(run, name)
    if not math.isfinite(today):
        raise ValueError(f"{run.experiment}, seed {run.seed}: found {name} {today}, expected a finite number")
    difference = today - metric.mean
    # Only a difference known to be small passes; the slack is float rounding of the decimal numbers.
    if abs(difference) <= metric.tolerance + 1e-12:
        verdict = "pass"
    else:
        verdict = "stale" if (difference > 0) == HIGHER_IS_BETTER[name] else "regression"
    return Judgement(
        metric=name,
        today=today,
        baseline=metric.mean,
        allowance=metric.tolerance,
        verdict=verdict,
        sentence=_sentence(run, name, metric, baseline, verdict, update_command),
    )


def _sentence(run: Run, name: str, metric: Metric, baseline: Baseline, verdict: str, update_command: str) -> str:
    today = getattr(run, name)
    side = "above" if today > metric.mean else "below"
    if baseline.source == "measured":
        spread = f"{min(metric.values):.4f} to {max(metric.values):.4f}"
        origin = f"mean of {len(metric.values)} measured runs, {spread}"
    else:
        origin = "published, one value"
    distance = f"{abs(today - metric.mean):.4f}"
    lines = [
        f"{run.experiment} seed {run.seed} on {run.dataset}: {name} {_SAID[verdict]}",
        f"  {name} {today:.4f} is {distance} {side} the baseline {metric.mean:.4f} ({origin});",
        f"  allowed is {metric.tolerance:.4f} either way: {metric.tolerance_reason}.",
    ]
    if verdict == "regression":
        lines.append(f"  Training got worse. If that was meant: {update_command}")
    if verdict == "stale":
        lines.append(
            f"  That is better than the baseline allows: look for a leak of evaluation images or a changed "
            f"metric first. If the gain is real: {update_command}"
        )
    return "\n".join(lines)
