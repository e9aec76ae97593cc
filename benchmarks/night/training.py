"""Runs one training of a night and files its outcome."""

from __future__ import annotations

from benchmarks.baselines.baseline import BaselineError
from benchmarks.inputs.earlier import reusable_run
from benchmarks.inputs.loaded_inputs import LoadedInputs
from benchmarks.night.night import Night
from benchmarks.records.trainings import Outcome, Training
from cifar_models.experiments import find_experiment
from cifar_models.models.pretrained import WeightsError
from cifar_models.results.agreement import disagreements
from cifar_models.training import train as training
from cifar_models.training.features import SESSION_FEATURES
from cifar_models.training.progress import Report
from cifar_models.training.watch import TrainingDiverged


def why_impossible(inputs: LoadedInputs, name: str) -> tuple[Outcome, str] | None:
    """Return the outcome and the message if an experiment cannot be trained and judged; None if it can."""
    try:
        inputs.weights_for(name)
        if not inputs.settings.updates:
            inputs.baseline_for(name)
    except WeightsError as error:
        return Outcome.NO_WEIGHTS, str(error)
    except BaselineError as error:
        return Outcome.NO_BASELINE, str(error)
    return None


def train_and_file(night: Night, inputs: LoadedInputs, name: str, seed: int, show: Report | None = None) -> str:
    """Train an experiment with a seed, or use a recorded run, and file the outcome.

    An unexpected exception is filed and raised again.

    Args:
        night: the night.
        inputs: the inputs of the night.
        name: name of the experiment.
        seed: seed of the training.
        show: called with the progress.

    Returns:
        Why no run can be judged; empty if one can.
    """
    if run := night.resumed.get((name, seed)):
        return night.file(Training(name, seed, Outcome.RESUMED, run))
    if run := reusable_run(inputs, name, seed, tonight=night.folder):
        return night.file(Training(name, seed, Outcome.REUSED, run))
    try:
        run = training.train(
            find_experiment(name),
            inputs.dataset,
            seed,
            weights=inputs.weights_for(name),
            progress=show,
            features=SESSION_FEATURES if night.settings.feature_cache else None,
        )
    except TrainingDiverged as error:
        return night.file(Training(name, seed, Outcome.DIVERGED)) or f"{name} seed {seed}: {error}"
    except training.OUT_OF_MEMORY as error:
        night.file(Training(name, seed, Outcome.OUT_OF_MEMORY))
        reason, *_ = str(error).splitlines() or [type(error).__name__]
        return (
            f"{name} seed {seed}: out of memory ({reason}); free memory or train fewer at a time, then run with "
            f"--resume"
        )
    except Exception as error:
        night.file(Training(name, seed, Outcome.FAILED, detail=type(error).__name__))
        raise
    if found := disagreements(run):
        return night.file(Training(name, seed, Outcome.CONTRADICTS, detail="; ".join(found))) or (
            f"{'; '.join(found)}: an error of the suite or of a library, even if the numbers look right; find out why "
            f"the values differ"
        )
    return night.file(Training(name, seed, Outcome.TRAINED, run))


def train_further(night: Night, inputs: LoadedInputs, name: str, seed: int) -> None:
    """Train and file a seed that no test stands for: an unexpected exception must not lose the other verdicts."""
    try:
        train_and_file(night, inputs, name, seed)
    except Exception as error:  # noqa: BLE001 - it is filed, so that the night fails
        night.losses.append(f"{name} seed {seed}: failed with {type(error).__name__}: {error}")
