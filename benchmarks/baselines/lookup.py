"""Finds the baseline for a run."""

from __future__ import annotations

from benchmarks.baselines.baseline import Baseline, BaselineError, Baselines
from cifar_models.results.run import Fingerprints


def preferred_baseline(
    baselines: Baselines, experiment: str, dataset: str, against: str = "measured"
) -> Baseline | None:
    """Return an experiment's baseline from a source on a data set; None if there is none.

    If no measured baseline exists, the published one is returned.
    """
    sources = baselines.get(experiment, {}).get(dataset, {})
    return sources.get(against) or sources.get("published")


def find_baseline(
    baselines: Baselines,
    *,
    experiment: str,
    dataset: str,
    fingerprints: Fingerprints,
    update_command: str,
    against: str = "measured",
) -> Baseline:
    """Return the baseline for runs of an experiment on a data set with these fingerprints.

    ``update_command`` is the command that sets a baseline, for the message; ``against`` is as in
    ``preferred_baseline``.

    Raises:
        BaselineError: there is none, or a fingerprint differs.
    """
    remedy = f"to set a baseline: {update_command}"
    baseline = preferred_baseline(baselines, experiment, dataset, against)
    if baseline is None and against == "published":
        raise BaselineError(
            f"{experiment} on {dataset}: found no published baseline, expected one to compare with; the published "
            f"numbers are for the official CIFAR-10 images: leave out --against published for others"
        )
    if baseline is None:
        raise BaselineError(f"{experiment} on {dataset}: found no baseline, expected one to compare with; {remedy}")
    if part := baseline.fingerprints.differing_part(fingerprints):
        found, expected = (getattr(each, part) for each in (fingerprints, baseline.fingerprints))
        raise BaselineError(
            f"{experiment} on {dataset}: the {part} fingerprint differs, so the run cannot be compared: found "
            f"{found}, expected {expected} as in the {baseline.source} baseline. If the {part} changed by mistake, "
            f"undo the change; if it is intended, {remedy}"
        )
    return baseline
