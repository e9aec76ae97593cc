"""The settings of a session, fixed before it starts."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.baselines.baseline import SUGGESTED_RUNS
from benchmarks.records.night_folder import records_of
from benchmarks.records.selection import REPEATED_SEED, SHARED_SETTINGS, Shard
from benchmarks.statistics import FALSE_ALARM_RATE
from benchmarks.statistics.sequential import looks_between
from cifar_models import experiments

SEEDS: dict[str, dict[str, tuple[int, int]]] = {
    "cifar10": {"resnet50_frozen": (12, 24)},
    "synthetic": {
        "simple_cnn": (7, 21),
        "vgg16_frozen": (8, 16),
        "improved_cnn": (2, 4),
        "resnet50_frozen": (8, 16),
        "resnet50_finetuned": (2, 5),
    },
}
"""Numbers of seeds at a night's two looks, by data set and experiment. The second look is for undecided verdicts.

They are higher if a training is short or its runs vary much. The column ``catches`` of a night's table shows the
smallest drop that they detect."""
OTHER_SEEDS = (3, 9)
"""Numbers of seeds of experiments that are not in ``SEEDS``."""
SHARDS = "shards"
"""The folder of shards below the folder of nights, separate so that a shard is not read as an earlier night."""
NOT_REPEATED = (
    "improved_cnn",
    "reference_cnn",
    "resnet50_finetuned",
    "resnet50_matched_finetuned",
    "vgg16_matched_finetuned",
)
"""Experiments with a training for the exact lane only with ``--exact``: another seed is worth more to other nights."""


def keyword_for(names: Sequence[str]) -> str:
    """Return the argument of ``-k`` that selects these experiments and no others, quoted for a shell."""
    rows = {name.partition("+")[0] for name in names}
    longer = [row for row in experiments.EXPERIMENTS if row not in rows and any(name in row for name in rows)]
    chosen = " or ".join(names)
    return shlex.quote(f"({chosen}) and not ({' or '.join(longer)})" if longer else chosen)


def default_looks(dataset: str, experiment: str) -> tuple[int, int]:
    """Return the numbers of seeds at which a night judges an experiment or its variants on a data set."""
    name, *_ = experiment.split("+")
    return SEEDS.get(dataset.removesuffix("-unofficial"), {}).get(name, OTHER_SEEDS)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a night.

    Attributes:
        baselines_path: the baselines file.
        run_dir: the folder of nights.
        report_dir: folder for the page; None for the night's folder.
        dataset: name of the data set.
        data_dir: folder with the data set; None for Keras's cache or download.
        weights_dir: folder with ImageNet weights; None for Keras's cache or download.
        gpu: whether to train on the GPU.
        feature_cache: whether to compute the output of a frozen part once a session.
        seeds: number of seeds of each experiment; None for ``default_looks``.
        max_seeds: highest number of seeds while a verdict is undecided; None for ``seeds``.
        first_seed: the first seed.
        repeats: whether the night also trains ``REPEATED_SEED``, for the exact lane alone.
        against: source of the baselines to judge by, ``measured`` or ``published``.
        exact: whether a run that differs from its recorded run fails.
        false_alarm_rate: probability that a night without any change does not pass.
        reason: why the baselines change; None if the night does not update them.
        reuse_runs: whether a night that updates baselines uses recorded runs.
        resume: whether to continue an interrupted night.
        shard: number of the shard, from 1, and number of shards; None for a whole night.
        joined: whether all runs come from shards, so that nothing can be trained.
        options: the command-line options that a command to repeat a training needs.
    """

    baselines_path: Path
    run_dir: Path
    report_dir: Path | None = None
    dataset: str = "cifar10"
    data_dir: Path | None = None
    weights_dir: Path | None = None
    gpu: bool = False
    feature_cache: bool = True
    seeds: int | None = None
    max_seeds: int | None = None
    first_seed: int = 0
    repeats: bool = False
    against: str = "measured"
    exact: bool = False
    false_alarm_rate: float = FALSE_ALARM_RATE
    reason: str | None = None
    reuse_runs: bool = False
    resume: bool = False
    shard: tuple[int, int] | None = None
    joined: bool = False
    options: str = ""

    @property
    def updates(self) -> bool:
        """Whether the night updates baselines and judges nothing."""
        return self.reason is not None

    @property
    def judges(self) -> bool:
        """Whether the night judges its runs."""
        return not self.updates and self.shard is None

    @property
    def records(self) -> Path:
        """The folder with the records of the baselines' runs."""
        return records_of(self.baselines_path)

    def seeds_of(self, experiment: str) -> range:
        """Return the seeds that are trained for the first look."""
        first, *_ = self.looks_of(experiment)
        return range(self.first_seed, self.first_seed + first)

    def looks_of(self, experiment: str) -> tuple[int, ...]:
        """Return the numbers of runs at which an experiment is judged.

        By default there are two, but only one for shards, because who judges them cannot train further seeds.
        """
        if self.seeds is not None:
            return looks_between(self.seeds, self.max_seeds or self.seeds)
        first, most = default_looks(self.dataset, experiment)
        return (first,) if self.shard or self.joined else (first, most)

    def trainings_of(self, experiment: str) -> list[int]:
        """Return all seeds to train, the one for the exact lane first."""
        seeds = list(self.seeds_of(experiment))
        name, *_ = experiment.split("+")
        return [REPEATED_SEED, *seeds] if self.repeats and (self.exact or name not in NOT_REPEATED) else seeds

    def is_evidence(self, seed: int) -> bool:
        """Return whether the statistics count a seed: not if it only repeats a run of the baseline."""
        return not self.repeats or seed != REPEATED_SEED

    def as_shard(self, **recorded: Any) -> Shard | None:
        """Return the shard for the night's record; None for a whole night.

        Args:
            recorded: the attributes of ``Shard`` that are no settings.
        """
        if self.shard is None:
            return None
        number, count = self.shard
        return Shard(number, count, **{name: getattr(self, name) for name in SHARED_SETTINGS}, **recorded)

    def update_command(self, experiment: str) -> str:
        """Return the command that measures an experiment's baseline again, with this session's options."""
        return (
            f"pytest -m benchmark {self.options} -k {keyword_for([experiment])} --seeds {SUGGESTED_RUNS} "
            f"--update-baselines --reason 'why it changed'"
        )
