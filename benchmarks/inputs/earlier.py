"""Finds recorded runs that tonight's trainings repeat, and reads the history that drifts are found in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.baselines.baseline import BaselineError
from benchmarks.records.exact import Exact, compare_exactly, why_not_comparable, why_not_repeatable
from benchmarks.records.history import NightOfExperiment, night_of_experiment, read_history
from benchmarks.records.night_folder import BaselineMark, NightError, NightFolder, read_night
from cifar_models.results.environment import Environment, describe_environment
from cifar_models.results.run import Run, RunError
from cifar_models.results.run_files import read_run, record_name
from cifar_models.results.source_code import describe_code

if TYPE_CHECKING:
    from benchmarks.inputs.inputs import Inputs
    from benchmarks.statistics.verdict import Verdict


def recorded_run(inputs: Inputs, name: str, seed: int, *, tonight: NightFolder | None) -> Run | None:
    """Return the recorded run that a training must repeat to the last digit if nothing has changed.

    A run of the baseline is preferred to one of an earlier night, and a newer night to an older one. With ``--exact``
    it is the oldest night with today's baseline: otherwise a night would be compared with the one that has just failed,
    and pass. None if no run is recorded with this data, weights, protocol and environment.

    Args:
        inputs: inputs of tonight.
        name: name of the experiment.
        seed: seed of the training.
        tonight: folder of tonight's records, which are skipped; None if the night has no folder.
    """
    return next((run for _, run in _recorded_runs(inputs, name, seed, tonight=tonight)), None)


def reusable_run(inputs: Inputs, name: str, seed: int, *, tonight: NightFolder | None) -> Run | None:
    """Return a recorded run to use instead of a training with ``--reuse-runs``; None to train.

    Runs of the former baseline can have any commit, because ``why_not_reusable`` checks that today's code repeats one
    of them. Runs of earlier nights must have today's source, because a night may have tried a broken change.

    Args:
        inputs: inputs of tonight.
        name: name of the experiment.
        seed: seed of the training; the first seed is always trained.
        tonight: as in ``recorded_run``.
    """
    if not inputs.settings.reuse_runs or seed == inputs.settings.first_seed:
        return None
    source = describe_code().source
    return next(
        (
            run
            for path, run in _recorded_runs(inputs, name, seed, tonight=tonight)
            if path.parent == inputs.settings.records or (run.code and run.code.source == source)
        ),
        None,
    )


def why_not_reusable(inputs: Inputs, first: Run, *, tonight: NightFolder | None) -> str:
    """Return why recorded runs cannot be reused; empty if today's code repeats the first one to the last digit.

    Args:
        inputs: inputs of tonight.
        first: tonight's run of the first seed.
        tonight: as in ``recorded_run``.
    """
    found = exact_lane(inputs, [first], tonight=tonight)
    if found and found[0].identical:
        return ""
    what = f"{found[0]}" if found else "no recorded run with these conditions"
    return (
        f"seed {first.seed}: found {what}, expected the digits of the recorded run; today's code does not repeat the "
        f"recorded runs, so leave out --reuse-runs"
    )


def _recorded_runs(
    inputs: Inputs, name: str, seed: int, *, tonight: NightFolder | None, environment: Environment | None = None
) -> Iterator[tuple[Path, Run]]:
    file = record_name(name, inputs.dataset.name, seed)
    exact = inputs.settings.exact
    try:
        mark = BaselineMark.of(inputs.baseline_for(name)) if exact else None
    except BaselineError:  # then no night was compared with it
        return
    nights = sorted(inputs.settings.run_dir.glob(f"[!.]*/{file}"), reverse=not exact)
    own = tonight.path if tonight else None
    environment = environment or describe_environment()
    fingerprints = inputs.fingerprints_for(name)
    for path in [inputs.settings.records / file, *(path for path in nights if path.parent != own)]:
        try:
            run = read_run(path)
        except RunError:
            continue
        if why_not_repeatable(run, fingerprints=fingerprints, environment=environment):
            continue
        if mark is None or path.parent == inputs.settings.records or _was_compared_with(mark, path.parent, name):
            yield path, run


def _was_compared_with(mark: BaselineMark, night: Path, name: str) -> bool:
    """Return whether a night compared an experiment with a baseline."""
    try:
        return read_night(night).baselines.get(name) == mark
    except NightError:
        return False


def exact_lane(inputs: Inputs, runs: Iterable[Run], *, tonight: NightFolder | None) -> list[Exact]:
    """Compare each run that has a recorded run to repeat with that run.

    A worker can train on another machine, so a recorded run must have the environment of the run, not of this process.
    """
    return [
        compare_exactly(run, recorded)
        for run in runs
        for _, recorded in islice(
            _recorded_runs(inputs, run.experiment, run.seed, tonight=tonight, environment=run.environment), 1
        )
        if not why_not_comparable(run, recorded)
    ]


def earlier_nights(inputs: Inputs, started: str) -> dict[str, list[NightOfExperiment]]:
    """Return the nights before tonight by experiment, the oldest first; ``started`` is tonight's start."""
    history = read_history(inputs.settings.run_dir, inputs.dataset.name, until=started)
    return {name: [night for night in some if night.started != started] for name, some in history.items()}


def with_tonight(
    earlier: Mapping[str, Sequence[NightOfExperiment]],
    inputs: Inputs,
    started: str,
    runs: Mapping[str, Sequence[Run]],
    verdicts: Mapping[str, Sequence[Verdict]],
) -> dict[str, list[NightOfExperiment]]:
    """Return tonight's experiments with their earlier nights and tonight, the oldest first.

    Args:
        earlier: see ``earlier_nights``.
        inputs: inputs of tonight.
        started: start of tonight, as in its record.
        runs: tonight's runs by experiment.
        verdicts: tonight's verdicts by experiment.

    Raises:
        BaselineError: an experiment has no baseline, or its fingerprints differ.
    """
    history = {}
    for name, some in runs.items():
        mark = BaselineMark.of(inputs.baseline_for(name))
        entry = night_of_experiment(started, some, mark=mark, verdicts=verdicts.get(name, ()))
        history[name] = [*earlier.get(name, ()), entry]
    return history
