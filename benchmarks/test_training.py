"""Each experiment and seed: trained by its protocol, held against its baseline."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.night import Night
from benchmarks.report import Row
from cifar_models import training
from cifar_models.experiments import Experiment
from cifar_models.progress import Progress
from cifar_models.run import Run


@pytest.mark.benchmark
def test_trains_as_well_as_its_baseline(
    experiment: Experiment,
    seed: int,
    night: Night,
    judge: Callable[[Run], None],
    progress: Callable[[Progress], None] | None,
) -> None:
    """Accuracy and gap lie within the baseline's tolerances, on either side."""
    weights = night.weights_for(experiment)
    diverged = ""
    try:
        run = training.train(experiment, night.dataset, seed, weights=weights, progress=progress)
    except training.TrainingDiverged as error:
        diverged = f"{experiment.name} seed {seed}: {error}"
    if diverged:  # out here, where pytest does not show the way through Keras that the exception took
        night.rows.append(Row(experiment.name, seed, "diverged"))
        pytest.fail(diverged, pytrace=False)
    judge(run)
