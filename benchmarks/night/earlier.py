"""What earlier nights and the baselines' own runs say of tonight's: digits to repeat, and a level to drift from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.records.exact import Exact, compare_exactly, why_not_comparable, why_not_repeatable
from benchmarks.records.history import NightOfExperiment, night_of_experiment, read_history
from benchmarks.records.night_folder import BaselineMark, NightFolder
from cifar_models.results.environment import describe_environment
from cifar_models.results.run import Run, RunError
from cifar_models.results.run_files import read_run, record_name
from cifar_models.results.source_code import describe_code

if TYPE_CHECKING:
    from benchmarks.night.inputs import Inputs


def recorded_run(inputs: Inputs, name: str, seed: int, *, tonight: NightFolder | None) -> Run | None:
    """Return a recorded run that a training of tonight repeats if nothing has changed; None if there is none.

    The record of the baseline's runs comes first, then those of earlier nights, the newest first.

    Args:
        inputs: tonight's.
        name: the experiment's.
        seed: of the training.
        tonight: the folder whose own records do not count; None if the night keeps none.
    """
    return next((run for _, run in _recorded_runs(inputs, name, seed, tonight=tonight)), None)


def reusable_run(inputs: Inputs, name: str, seed: int, *, tonight: NightFolder | None) -> Run | None:
    """Return a recorded run that can stand for a training of tonight's baseline; None if there is none.

    Runs of the former baseline count whatever commit they are of, since ``why_not_reusable`` checks that today's code
    repeats one of them. Runs of earlier nights count only with today's source: a night may have tried a broken change.

    Args:
        inputs: tonight's.
        name: the experiment's.
        seed: of the training. The first seed is always trained.
        tonight: as for ``recorded_run``.
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
    """Return why recorded runs say nothing of today's code; empty if it repeats the first one to the last digit.

    Args:
        inputs: tonight's.
        first: tonight's own training of the first seed.
        tonight: as for ``recorded_run``.
    """
    found = exact_lane(inputs, [first], tonight=tonight)
    if found and found[0].identical:
        return ""
    what = f"{found[0]}" if found else "no recorded run of it under these conditions"
    return (
        f"seed {first.seed}: found {what}, expected the digits of the recorded run; recorded runs say nothing of "
        f"today's code: leave out --reuse-runs"
    )


def _recorded_runs(inputs: Inputs, name: str, seed: int, *, tonight: NightFolder | None) -> Iterator[tuple[Path, Run]]:
    file = record_name(name, inputs.dataset.name, seed)
    nights = sorted(inputs.settings.run_dir.glob(f"[!.]*/{file}"), reverse=True)
    own = tonight.path if tonight else None
    environment = describe_environment()
    for path in [inputs.settings.records / file, *(path for path in nights if path.parent != own)]:
        try:
            run = read_run(path)
        except RunError:
            continue
        if not why_not_repeatable(run, fingerprints=inputs.fingerprints_for(name), environment=environment):
            yield path, run


def exact_lane(inputs: Inputs, runs: Iterable[Run], *, tonight: NightFolder | None) -> list[Exact]:
    """Return each of tonight's runs against the recorded one that it repeats, of those that there is one of."""
    return [
        compare_exactly(run, recorded)
        for run in runs
        for recorded in [recorded_run(inputs, run.experiment, run.seed, tonight=tonight)]
        if recorded and not why_not_comparable(run, recorded)
    ]


def history_up_to(
    inputs: Inputs, started: str, runs: Mapping[str, Sequence[Run]]
) -> dict[str, list[NightOfExperiment]]:
    """Return the nights before tonight and tonight, the oldest first, by experiment.

    Args:
        inputs: tonight's.
        started: when tonight did.
        runs: tonight's, by experiment.

    Raises:
        BaselineError: one of these experiments has no baseline that it can be compared with.
    """
    history = read_history(inputs.settings.run_dir, inputs.dataset.name, until=started)
    for name, some in runs.items():
        mark = BaselineMark.of(inputs.baseline_for(name))
        history.setdefault(name, []).append(night_of_experiment(started, some, mark=mark))
    return history
