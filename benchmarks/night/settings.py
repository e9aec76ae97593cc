"""What a session is asked to do, fixed before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.baselines.baseline import SUGGESTED_RUNS
from benchmarks.records.night_folder import RECORDS
from benchmarks.statistics import FALSE_ALARM_RATE
from benchmarks.statistics.sequential import looks_between

SEEDS: dict[str, dict[str, int]] = {
    "synthetic": {
        "simple_cnn": 6,
        "vgg16_frozen": 6,
        "improved_cnn": 2,
        "resnet50_frozen": 6,
        "resnet50_finetuned": 2,
    }
}
"""Seeds a night, by data set and experiment, where they are not ``OTHER_SEEDS``: more where a seed costs little or runs
vary much. The column ``catches`` says what they see."""
OTHER_SEEDS = 3
REPEATED_SEED = 0
"""The first seed of every baseline."""
NOT_REPEATED = ("resnet50_finetuned",)
"""Experiments without a training for the exact lane: a seed takes a minute. Golden trajectories see their layers."""


def default_seeds(dataset: str, experiment: str) -> int:
    """Return with how many seeds a night trains an experiment, or a variant of one, on a data set."""
    name, *_ = experiment.split("+")
    return SEEDS.get(dataset, {}).get(name, OTHER_SEEDS)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a night.

    Attributes:
        baselines_path: the baselines file.
        run_dir: the folder of nights.
        report_dir: where the page goes; None for the night's folder.
        dataset: the data set's name.
        data_dir: where its files are; None for Keras's cache or download.
        weights_dir: where ImageNet weights are; None for Keras's cache or download.
        gpu: whether to train on the GPU.
        feature_cache: whether a frozen part's output is computed once and kept for the session.
        seeds: with how many seeds each experiment is trained; None for what ``SEEDS`` says.
        max_seeds: with how many at most while its verdict is undecided; None for no more.
        first_seed: the first of them.
        repeats: whether a night trains the baselines' first seed too, for the exact lane alone.
        against: the source of the baselines that runs are compared with.
        exact: whether a run that differs from the recorded one of its seed fails.
        false_alarm_rate: chance that a night without any change has anything but passes.
        reason: why the baselines change; None for a night that judges.
        reuse_runs: whether recorded runs stand for trainings of a night that writes baselines.
        resume: whether to go on with an interrupted night.
        options: those of the command line that a command to repeat a training needs.
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
    options: str = ""

    @property
    def updates(self) -> bool:
        """Whether the night writes baselines and judges nothing."""
        return self.reason is not None

    @property
    def records(self) -> Path:
        """The folder with the records of the baselines' own runs."""
        return self.baselines_path.parent / RECORDS

    def seeds_of(self, experiment: str) -> range:
        """Return the seeds that an experiment is trained with, as many as a variant's own experiment."""
        count = self.seeds or default_seeds(self.dataset, experiment)
        return range(self.first_seed, self.first_seed + count)

    def looks_of(self, experiment: str) -> tuple[int, ...]:
        """Return the numbers of an experiment's runs at which it is judged."""
        count = len(self.seeds_of(experiment))
        return looks_between(count, self.max_seeds or count)

    def trainings_of(self, experiment: str) -> list[int]:
        """Return all seeds to train, that of the exact lane first."""
        seeds = list(self.seeds_of(experiment))
        name, *_ = experiment.split("+")
        return [REPEATED_SEED, *seeds] if self.repeats and name not in NOT_REPEATED else seeds

    def is_evidence(self, seed: int) -> bool:
        """Return whether a training counts in the statistics: not if it only repeats one of the baseline's."""
        return not self.repeats or seed != REPEATED_SEED

    def update_command(self, experiment: str) -> str:
        """Return the command that measures an experiment's baseline anew, with this session's options."""
        return (
            f"pytest -m benchmark {self.options} -k {experiment} --seeds {SUGGESTED_RUNS} "
            f"--update-baselines --reason 'why it changed'"
        )
