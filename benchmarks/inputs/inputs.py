"""The inputs of a night: fingerprints of data, weights and protocols, and the baselines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.baselines.baseline import Baseline, BaselineError, Baselines
from benchmarks.baselines.baselines_file import read_baselines, updating
from benchmarks.baselines.lookup import find_baseline
from benchmarks.inputs.settings import Settings
from cifar_models.results.environment import Environment
from cifar_models.results.run import Fingerprints, Run


class Data(Protocol):
    """The name of a data set and the fingerprint of its arrays."""

    @property
    def name(self) -> str:
        """The data set's name in the baselines file."""

    @property
    def fingerprint(self) -> str:
        """``sha256:`` and the digest of the arrays."""


@dataclass
class Inputs(ABC):
    """The inputs of a night: ``LoadedInputs`` if it trains, ``RecordedInputs`` if it judges shards.

    Attributes:
        settings: the night's settings.
        dataset: the data set of all trainings.
        baselines: the baselines at the start of the night; empty if the night writes a new file.
    """

    settings: Settings
    dataset: Data
    baselines: Baselines

    @abstractmethod
    def fingerprints_for(self, name: str) -> Fingerprints:
        """Return the fingerprints of an experiment's trainings.

        Raises:
            ValueError: the fingerprints are not known.
        """

    @abstractmethod
    def difference(self, run: Run, environment: Environment) -> str:
        """Return the first difference between a run and a training of tonight in an environment; empty if none."""

    def baseline_for(self, name: str) -> Baseline:
        """Return the baseline of an experiment.

        Raises:
            BaselineError: the experiment has no baseline, or fingerprints differ.
            ValueError: see ``fingerprints_for``.
        """
        return find_baseline(
            self.baselines,
            experiment=name,
            dataset=self.dataset.name,
            fingerprints=self.fingerprints_for(name),
            update_command=self.settings.update_command(name),
            against=self.settings.against,
        )


def read_or_start_baselines(path: Path, *, to_update: bool) -> Baselines:
    """Read the baselines. If the night updates them, the file can be missing, but must be writable.

    Raises:
        BaselineError: the file is missing, cannot be used or cannot be updated.
    """
    if not to_update:
        return read_baselines(path)
    if not path.parent.is_dir():
        raise BaselineError(f"{path}: found no folder {path.parent}, expected one; create it")
    try:
        with updating(path):
            return read_baselines(path) if path.exists() else {}
    except OSError as error:
        raise BaselineError(f"{path}: found {error}, expected a folder that can be written") from None
