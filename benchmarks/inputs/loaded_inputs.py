"""The inputs of a night that trains: data and pretrained weights, each loaded once, and baselines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.baselines.baseline import BaselineError
from benchmarks.inputs.inputs import Inputs, read_or_start_baselines
from benchmarks.inputs.resume import difference_from
from benchmarks.inputs.settings import Settings
from cifar_models import datasets
from cifar_models.datasets import Dataset
from cifar_models.experiments import Experiment, find_experiment
from cifar_models.models.pretrained import BackboneWeights, WeightsError
from cifar_models.results.environment import Environment
from cifar_models.results.run import Fingerprints, Run
from cifar_models.results.source_code import describe_code
from cifar_models.training.train import default_weights, fingerprints_of


@dataclass
class LoadedInputs(Inputs):
    """The inputs of a night that trains.

    Attributes:
        dataset: the data set with its images.
        weights: weights by backbone, or the error if they are not available. On synthetic data the key also has the
            normalization, because random weights are calibrated for it.
    """

    dataset: Dataset
    weights: dict[str, BackboneWeights | WeightsError] = field(default_factory=dict)

    def load_weights(self, names: Iterable[str]) -> None:
        """Load the weights of each experiment's backbone once; if they are not available, store the error."""
        for experiment in map(find_experiment, sorted(names)):
            key = self._key(experiment)
            if key is None or key in self.weights:
                continue
            try:
                loaded = default_weights(experiment, self.dataset, self.settings.weights_dir)
            except WeightsError as error:
                self.weights[key] = error
            else:
                assert loaded is not None  # noqa: S101 - there is a backbone
                self.weights[key] = loaded

    def _key(self, experiment: Experiment) -> str | None:
        protocol = experiment.protocol
        if self.dataset.name != "synthetic" or protocol.normalization == "unit_scale":
            return protocol.backbone
        return protocol.backbone and f"{protocol.backbone} on {protocol.normalization}"

    def weights_for(self, name: str) -> BackboneWeights | None:
        """Return the weights of an experiment's backbone; None without a backbone.

        Raises:
            WeightsError: the weights are not available.
            KeyError: the weights were not loaded.
        """
        key = self._key(find_experiment(name))
        if key is None:
            return None
        weights = self.weights[key]
        if isinstance(weights, WeightsError):
            raise weights
        return weights

    def fingerprints_for(self, name: str) -> Fingerprints:
        """Return the fingerprints of an experiment's trainings.

        Raises:
            WeightsError: see ``weights_for``.
        """
        return fingerprints_of(find_experiment(name).protocol, self.dataset, self.weights_for(name))

    def difference(self, run: Run, environment: Environment) -> str:
        """Return the first difference between a run and a training of tonight in an environment; empty if none."""
        try:
            fingerprints = self.fingerprints_for(run.experiment)
        except WeightsError:
            return "its pretrained weights are not available"
        except (ValueError, KeyError):
            return "it is not selected tonight"
        return difference_from(run, fingerprints=fingerprints, code=describe_code(), environment=environment)


def load_inputs(settings: Settings, names: Iterable[str]) -> LoadedInputs:
    """Load data, baselines and the weights of these experiments.

    Raises:
        BaselineError: the baselines cannot be used, or name an unknown experiment.
        DatasetError: the data cannot be used.
    """
    baselines = read_or_start_baselines(settings.baselines_path, to_update=settings.updates)
    for name in sorted(baselines):
        try:
            find_experiment(name)
        except ValueError as error:
            raise BaselineError(
                f"{settings.baselines_path}: baselines of an unknown {error}; remove this entry or restore the "
                f"experiment"
            ) from None
    inputs = LoadedInputs(settings, datasets.load_dataset(settings.dataset, settings.data_dir), baselines)
    inputs.load_weights(names)
    return inputs
