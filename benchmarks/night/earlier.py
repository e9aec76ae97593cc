"""What earlier nights and the baselines' own runs say of tonight's: digits to repeat, and a level to drift from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from benchmarks.records.exact import Exact, compare_exactly, why_not_comparable, why_not_repeatable
from benchmarks.records.history import NightOfExperiment, night_of_experiment, read_history
from benchmarks.records.night_folder import BaselineMark, NightFolder
from cifar_models.results.environment import describe_environment
from cifar_models.results.run import Run, RunError
from cifar_models.results.run_files import read_run, record_name

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
            return run
    return None


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
