"""What a session is asked to do, fixed before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.baselines.baselines import SUGGESTED_RUNS
from benchmarks.records.night_folder import RECORDS
from benchmarks.statistics import FALSE_ALARM_RATE


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
        seeds: with how many seeds each experiment is trained, from 0 on.
        max_seeds: with how many at most while its verdict is undecided.
        false_alarm_rate: chance that a night without any change has anything but passes.
        reason: why the baselines change; None for a night that judges.
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
    seeds: int = 3
    max_seeds: int = 3
    false_alarm_rate: float = FALSE_ALARM_RATE
    reason: str | None = None
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

    def update_command(self, experiment: str) -> str:
        """Return the command that measures an experiment's baseline anew, with this session's options."""
        return (
            f"pytest -m benchmark {self.options} -k {experiment} --seeds {SUGGESTED_RUNS} "
            f"--update-baselines --reason 'why it changed'"
        )
