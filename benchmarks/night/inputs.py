"""What a night trains on and is held against: data, pretrained weights, baselines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.baselines.baseline import Baseline, BaselineError, Baselines
from benchmarks.baselines.baselines_file import read_baselines, updating
from benchmarks.baselines.lookup import find_baseline
from benchmarks.night.resume import difference_from
from benchmarks.night.settings import Settings
from cifar_models import datasets
from cifar_models.datasets import Dataset
from cifar_models.experiments import find_experiment
from cifar_models.models.pretrained import BackboneWeights, WeightsError
from cifar_models.results.environment import Environment
from cifar_models.results.run import Fingerprints, Run
from cifar_models.results.source_code import describe_code
from cifar_models.training.train import default_weights, fingerprints_of


@dataclass
class Inputs:
    """What a night trains on and is held against.

    Attributes:
        settings: the night's.
        dataset: that all train on.
        baselines: as read at the start; empty if there was no file and the night is to write one.
        weights: by backbone, or the error that says why there are none.
    """

    settings: Settings
    dataset: Dataset
    baselines: Baselines
    weights: dict[str, BackboneWeights | WeightsError] = field(default_factory=dict)

    def load_weights(self, names: Iterable[str]) -> None:
        """Load the weights that experiments start from, each backbone's once; an error is kept in their place."""
        for experiment in map(find_experiment, sorted(names)):
            backbone = experiment.protocol.backbone
            if backbone is None or backbone in self.weights:
                continue
            try:
                loaded = default_weights(experiment, self.dataset, self.settings.weights_dir)
            except WeightsError as error:
                self.weights[backbone] = error
            else:
                assert loaded is not None  # noqa: S101 - there is a backbone
                self.weights[backbone] = loaded

    def weights_for(self, name: str) -> BackboneWeights | None:
        """Return what an experiment starts from, None if from none.

        Raises:
            WeightsError: its pretrained weights are not available.
            KeyError: they were not loaded.
        """
        backbone = find_experiment(name).protocol.backbone
        if backbone is None:
            return None
        weights = self.weights[backbone]
        if isinstance(weights, WeightsError):
            raise weights
        return weights

    def fingerprints_for(self, name: str) -> Fingerprints:
        """Return the fingerprints of an experiment's trainings.

        Raises:
            WeightsError: as ``weights_for``.
        """
        return fingerprints_of(find_experiment(name).protocol, self.dataset, self.weights_for(name))

    def baseline_for(self, name: str) -> Baseline:
        """Return what an experiment's runs are held against.

        Raises:
            BaselineError: there is none, or fingerprints differ.
            WeightsError: its pretrained weights are not available.
        """
        return find_baseline(
            self.baselines,
            experiment=name,
            dataset=self.dataset.name,
            fingerprints=self.fingerprints_for(name),
            update_command=self.settings.update_command(name),
            against=self.settings.against,
        )

    def difference(self, run: Run, environment: Environment) -> str:
        """Return what tells a run apart from a training of tonight in an environment; nothing if nothing does."""
        try:
            fingerprints = self.fingerprints_for(run.experiment)
        except WeightsError:
            return "the weights that it started from are not available"
        except (ValueError, KeyError):
            return "nothing selected tonight trains it"
        return difference_from(run, fingerprints=fingerprints, code=describe_code(), environment=environment)


def load_inputs(settings: Settings, names: Iterable[str]) -> Inputs:
    """Load what a night needs to train and judge experiments.

    Raises:
        BaselineError: baselines that cannot be used, or of an experiment that does not exist.
        DatasetError: data that cannot be used.
    """
    baselines = read_or_start_baselines(settings.baselines_path, to_update=settings.updates)
    for name in sorted(baselines):
        try:
            find_experiment(name)
        except ValueError as error:
            raise BaselineError(
                f"{settings.baselines_path}: baselines of an unknown {error}; remove that entry or bring its "
                f"experiment back"
            ) from None
    inputs = Inputs(settings, datasets.load_dataset(settings.dataset, settings.data_dir), baselines)
    inputs.load_weights(names)
    return inputs


def read_or_start_baselines(path: Path, *, to_update: bool) -> Baselines:
    """Read the baselines; a night that writes them may start without a file, and not where it could not write one.

    Raises:
        BaselineError: the file is missing and the night is to judge, it cannot be used, or the night is to update it
            and could not.
    """
    if not to_update:
        return read_baselines(path)
    if not path.parent.is_dir():
        raise BaselineError(f"{path}: found no folder {path.parent}, expected one to write the baselines into")
    try:
        with updating(path):
            return read_baselines(path) if path.exists() else {}
    except OSError as error:
        raise BaselineError(f"{path}: {error}; expected a folder that the baselines can be written into") from None
