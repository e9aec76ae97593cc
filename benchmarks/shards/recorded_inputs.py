"""What the runs of shards are compared with, by what the shards have recorded: no data and no weights are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from benchmarks.night.inputs import Inputs
from benchmarks.night.resume import difference_from
from cifar_models.results.environment import Environment
from cifar_models.results.run import Fingerprints, Run
from cifar_models.results.source_code import Code


class RecordedData(NamedTuple):
    """A data set's name and fingerprint."""

    name: str
    fingerprint: str


@dataclass
class RecordedInputs(Inputs):
    """What the runs of shards are compared with.

    Attributes:
        fingerprints: by experiment, as the shards had them.
        problems: by experiment, why a shard did not have them.
        code: that the runs must be of.
    """

    fingerprints: Mapping[str, Fingerprints]
    problems: Mapping[str, str]
    code: Code

    def fingerprints_for(self, name: str) -> Fingerprints:
        """Return the fingerprints of an experiment's trainings.

        Raises:
            ValueError: no shard had them, such as where weights are not available.
        """
        if name not in self.fingerprints:
            raise ValueError(self.problems.get(name, f"{name}: no shard has recorded what it trains on"))
        return self.fingerprints[name]

    def difference(self, run: Run, environment: Environment) -> str:
        """Return what keeps a run from being one of the night's: all but versions may differ between machines.

        Args:
            run: of a shard.
            environment: whose versions count.
        """
        expected = replace(run.environment, packages=environment.packages, python=environment.python)
        fingerprints = self.fingerprints_for(run.experiment)
        return difference_from(run, fingerprints=fingerprints, code=self.code, environment=expected)
