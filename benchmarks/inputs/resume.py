"""Selects the runs of an interrupted night that need no training, because nothing that they depend on has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.records.night_folder import read_night_runs
from benchmarks.records.trainings import TrainingKey
from cifar_models.results.environment import Environment
from cifar_models.results.run import Fingerprints, Run
from cifar_models.results.source_code import Code


def runs_to_take(folder: Path, difference: Callable[[Run], str]) -> tuple[dict[TrainingKey, Run], list[str]]:
    """Return the runs of a night's folder that can be used, and a note for each record that cannot.

    Args:
        folder: the folder of the interrupted night.
        difference: returns the first difference between a run and a training of tonight; empty if none.
    """
    runs, errors = read_night_runs(folder)
    taken: dict[TrainingKey, Run] = {}
    notes = [f"ignored, and trained again: {error}" for error in errors]
    for run in runs:
        if reason := difference(run):
            notes.append(f"trained again: {run.experiment} seed {run.seed}: {reason}")
        else:
            taken[run.experiment, run.seed] = run
    return taken, notes


def difference_from(run: Run, *, fingerprints: Fingerprints, code: Code, environment: Environment) -> str:
    """Return the first difference between a recorded run and a training of tonight; empty if none.

    Args:
        run: the recorded run.
        fingerprints: tonight's data, weights and protocol of the experiment.
        code: tonight's code.
        environment: tonight's versions, processor, device and settings.
    """
    if part := run.fingerprints.differing_part(fingerprints):
        return f"its {part} fingerprint differs"
    if run.code is None:
        return "its code was not recorded"
    if run.code.source != code.source:
        return "the package's source has changed"
    if run.code.commit != code.commit:
        return f"its commit is {run.code.commit}, not {code.commit}"
    then, now = ({"python": one.python, **one.packages} for one in (run.environment, environment))
    for name in {**then, **now}:
        if then.get(name) != now.get(name):
            return f"its {name} is {then.get(name, 'not recorded')}, not {now.get(name, 'installed')}"
    if _apart_from_its_share(run.environment) != _apart_from_its_share(environment):
        return "the system, the processor, the device or a setting of TensorFlow differs"
    return ""


def _apart_from_its_share(environment: Environment) -> Environment:
    """Return an environment without the cores and threads, which differ between a worker and a single process."""
    settings = environment.settings
    if settings is not None:
        settings = {name: value for name, value in settings.items() if name != "TF_NUM_INTRAOP_THREADS"}
    return replace(environment, cores=None, settings=settings)
