"""One training of a night, whatever comes of it."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.baselines.baseline import BaselineError
from benchmarks.night.earlier import reusable_run
from benchmarks.night.night import Night
from benchmarks.records.trainings import Outcome, Training
from cifar_models.experiments import find_experiment
from cifar_models.models.pretrained import WeightsError
from cifar_models.results.agreement import disagreements
from cifar_models.training import train as training
from cifar_models.training.features import SESSION_FEATURES
from cifar_models.training.progress import Progress
from cifar_models.training.watch import TrainingDiverged

Show = Callable[[Progress], None]


def why_impossible(night: Night, name: str) -> tuple[Outcome, str] | None:
    """Return why an experiment cannot be trained and judged tonight, in one word and in full; None if it can."""
    try:
        night.inputs.weights_for(name)
        if not night.settings.updates:
            night.inputs.baseline_for(name)
    except WeightsError as error:
        return Outcome.NO_WEIGHTS, str(error)
    except BaselineError as error:
        return Outcome.NO_BASELINE, str(error)
    return None


def train_and_file(night: Night, name: str, seed: int, show: Show | None = None) -> str:
    """Train an experiment with a seed, or take a recorded run of it, and file what becomes of it.

    Args:
        night: that it is a training of.
        name: the experiment's.
        seed: of the training.
        show: called with the progress.

    Returns:
        Why there is no run that can be judged; nothing if there is one.

    Raises:
        Exception: whatever else ends the training; it is filed too.
    """
    if run := night.resumed.get((name, seed)):
        return night.file(Training(name, seed, Outcome.RESUMED, run))
    if run := reusable_run(night.inputs, name, seed, tonight=night.folder):
        return night.file(Training(name, seed, Outcome.REUSED, run))
    try:
        run = training.train(
            find_experiment(name),
            night.inputs.dataset,
            seed,
            weights=night.inputs.weights_for(name),
            progress=show,
            features=SESSION_FEATURES if night.settings.feature_cache else None,
        )
    except TrainingDiverged as error:
        return night.file(Training(name, seed, Outcome.DIVERGED)) or f"{name} seed {seed}: {error}"
    except training.OUT_OF_MEMORY as error:
        night.file(Training(name, seed, Outcome.OUT_OF_MEMORY))
        reason, *_ = str(error).splitlines() or [type(error).__name__]
        return (
            f"{name} seed {seed}: out of memory ({reason}): free some or train fewer at a time, and --resume trains it"
        )
    except Exception as error:
        night.file(Training(name, seed, Outcome.FAILED, detail=type(error).__name__))
        raise
    if found := disagreements(run):
        return night.file(Training(name, seed, Outcome.CONTRADICTS, detail="; ".join(found))) or (
            f"{'; '.join(found)}: an error of the suite or of a library, whatever the numbers are worth; find what "
            f"makes them differ"
        )
    return night.file(Training(name, seed, Outcome.TRAINED, run))
