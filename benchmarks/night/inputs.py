"""What a night's runs are compared with: baselines, chosen by the fingerprints of data, weights and protocol."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.baselines.baseline import Baseline, BaselineError, Baselines
from benchmarks.baselines.baselines_file import read_baselines, updating
from benchmarks.baselines.lookup import find_baseline
from benchmarks.night.settings import Settings
from cifar_models.results.environment import Environment
from cifar_models.results.run import Fingerprints, Run


class Data(Protocol):
    """What names a data set: its name, and the fingerprint of its arrays."""

    @property
    def name(self) -> str:
        """What baselines are filed under."""

    @property
    def fingerprint(self) -> str:
        """``sha256:`` over the arrays."""


@dataclass
class Inputs(ABC):
    """What a night's runs are compared with. A night that trains has ``LoadedInputs``.

    Attributes:
        settings: the night's.
        dataset: that all runs are trained on.
        baselines: as read at the start; empty if there was no file and the night is to write one.
    """

    settings: Settings
    dataset: Data
    baselines: Baselines

    @abstractmethod
    def fingerprints_for(self, name: str) -> Fingerprints:
        """Return the fingerprints of an experiment's trainings.

        Raises:
            ValueError: they are not known; says why.
        """

    @abstractmethod
    def difference(self, run: Run, environment: Environment) -> str:
        """Return what tells a run apart from a training of tonight in an environment; nothing if nothing does."""

    def baseline_for(self, name: str) -> Baseline:
        """Return what an experiment's runs are compared with.

        Raises:
            BaselineError: there is none, or fingerprints differ.
            ValueError: as ``fingerprints_for``.
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
