"""The inputs of a night as its shards have recorded them, so that no data and no weights are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from benchmarks.inputs.inputs import Inputs
from benchmarks.inputs.resume import difference_from
from cifar_models.results.environment import Environment
from cifar_models.results.run import Fingerprints, Run
from cifar_models.results.source_code import Code


class RecordedData(NamedTuple):
    """A data set's name and fingerprint."""

    name: str
    fingerprint: str


@dataclass
class RecordedInputs(Inputs):
    """The inputs that the runs of shards are compared with.

    Attributes:
        fingerprints: the shards' fingerprints, by experiment.
        problems: why a shard has no fingerprints, by experiment.
        code: the code that all runs must have.
    """

    fingerprints: Mapping[str, Fingerprints]
    problems: Mapping[str, str]
    code: Code

    def fingerprints_for(self, name: str) -> Fingerprints:
        """Return the fingerprints of an experiment's trainings.

        Raises:
            ValueError: no shard has recorded them, for example because weights are not available.
        """
        if name not in self.fingerprints:
            raise ValueError(self.problems.get(name, f"{name}: found no shard with its fingerprints, expected one"))
        return self.fingerprints[name]

    def difference(self, run: Run, environment: Environment) -> str:
        """Return why a run does not belong to the night; empty if it does. Machines may differ, but not versions.

        Args:
            run: a run of a shard.
            environment: the environment with the expected versions.
        """
        expected = replace(run.environment, packages=environment.packages, python=environment.python)
        fingerprints = self.fingerprints_for(run.experiment)
        return difference_from(run, fingerprints=fingerprints, code=self.code, environment=expected)
