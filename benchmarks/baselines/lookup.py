"""The baseline that a run may be compared with."""

from __future__ import annotations

from dataclasses import asdict

from benchmarks.baselines.baseline import Baseline, BaselineError, Baselines
from cifar_models.results.run import Fingerprints


def preferred_baseline(
    baselines: Baselines, experiment: str, dataset: str, against: str = "measured"
) -> Baseline | None:
    """Return an experiment's baseline of a source on a data set; None if there is none.

    Without a measured baseline, the published one takes its place.
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
    """Return the baseline that a run may be compared with.

    Args:
        baselines: as read.
        experiment: the experiment's name.
        dataset: the data set's name.
        fingerprints: of the run's data, weights and protocol.
        update_command: what to run to set a baseline, for the message.
        against: the source of the baseline; see ``preferred_baseline``.

    Raises:
        BaselineError: there is none, or its fingerprints differ; says which, and how to set a baseline.
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
    for part, expected in asdict(baseline.fingerprints).items():
        found = getattr(fingerprints, part)
        if found != expected:
            raise BaselineError(
                f"{experiment} on {dataset}: the {part} fingerprint differs, so there is nothing to compare: "
                f"found {found}, expected {expected} as in the {baseline.source} baseline. If the {part} "
                f"changed by mistake, undo that; if it was meant, {remedy}"
            )
    return baseline
