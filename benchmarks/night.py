"""One session's benchmark: what it trains on, what it has found, and what it leaves in baselines.json."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.baselines import (
    Baseline,
    BaselineError,
    Baselines,
    find_baseline,
    measured_baseline,
    read_baselines,
    write_baselines,
)
from benchmarks.report import Row
from cifar_models.datasets import Dataset
from cifar_models.experiments import Experiment
from cifar_models.pretrained import BackboneWeights, WeightsError
from cifar_models.training import checksums_of, default_weights, fingerprints_of

SUGGESTED_SEEDS = 5
RECORDS = "baseline_runs"
"""The folder with the records of the runs that the baselines were measured by."""


@dataclass
class Night:
    """What one session's benchmark items share.

    Attributes:
        dataset: that all train on.
        weights: by backbone, or the error that says why there are none.
        baselines: as read at the start; empty if there was no file and the night is to write one.
        baselines_path: the file.
        options: those of the command line that a command to repeat a training needs.
        rows: one for each item that has ended, in order.
    """

    dataset: Dataset
    weights: dict[str, BackboneWeights | WeightsError]
    baselines: Baselines
    baselines_path: Path
    options: str = ""
    rows: list[Row] = field(default_factory=list)

    def weights_for(self, experiment: Experiment) -> BackboneWeights | None:
        """Return what the experiment starts from, None if from none.

        Raises:
            WeightsError: its pretrained weights are not to be had.
        """
        backbone = experiment.protocol.backbone
        if backbone is None:
            return None
        weights = self.weights[backbone]
        if isinstance(weights, WeightsError):
            raise weights
        return weights

    def baseline_for(self, experiment: Experiment) -> Baseline:
        """Return what the experiment's runs are held against tonight.

        Raises:
            BaselineError: there is none, or fingerprints differ.
            WeightsError: its pretrained weights are not to be had.
        """
        weights = self.weights_for(experiment)
        return find_baseline(
            self.baselines,
            experiment=experiment.name,
            dataset=self.dataset.name,
            fingerprints=fingerprints_of(experiment.protocol, self.dataset, weights),
            checksums=checksums_of(self.dataset, weights),
            update_command=self.update_command(experiment),
        )

    def update_command(self, experiment: Experiment) -> str:
        """Return the command that measures the experiment's baseline anew, with this session's options."""
        return (
            f"pytest -m benchmark {self.options} -k {experiment.name} --seeds {SUGGESTED_SEEDS} "
            f"--run-dir={RECORDS} --update-baselines --reason 'why it changed'"
        )

    def update_baselines(self, *, seeds: int, reason: str) -> tuple[Baselines, dict[str, str]]:
        """Write the measured baselines of experiments whose seeds all ran; leave other entries as they are.

        Returns:
            The file's new content, and why an experiment was left out, by its name.

        Raises:
            BaselineError: the file has become unreadable since the night began.
            OSError: it cannot be written; the old file is as it was.
        """
        after = read_baselines(self.baselines_path) if self.baselines_path.exists() else {}
        left_out: dict[str, str] = {}
        names = sorted({row.experiment for row in self.rows})
        for name in names:
            runs = [row.run for row in self.rows if row.experiment == name and row.run is not None]
            if len(runs) < seeds:
                left_out[name] = "not every seed gave a run"
                continue
            try:
                entry = measured_baseline(runs, reason=reason, day=datetime.date.today())
            except ValueError as error:
                left_out[name] = str(error)
                continue
            after.setdefault(name, {}).setdefault(self.dataset.name, {})["measured"] = entry
        if len(left_out) < len(names):
            write_baselines(self.baselines_path, after)
        return after, left_out


def load_weights(
    experiments: Iterable[Experiment], dataset: Dataset, weights_dir: Path | None
) -> dict[str, BackboneWeights | WeightsError]:
    """Load each backbone's weights once; one that is not to be had does not keep others from training.

    Args:
        experiments: those that will train.
        dataset: on synthetic data the backbones start from seeded random weights.
        weights_dir: where ImageNet weights are; None for Keras's cache or download.
    """
    weights: dict[str, BackboneWeights | WeightsError] = {}
    for experiment in sorted(experiments, key=lambda experiment: experiment.name):
        backbone = experiment.protocol.backbone
        if backbone is None or backbone in weights:
            continue
        try:
            loaded = default_weights(experiment, dataset, weights_dir)
        except WeightsError as error:
            weights[backbone] = error
        else:
            assert loaded is not None  # noqa: S101 - there is a backbone
            weights[backbone] = loaded
    return weights


def read_or_start_baselines(path: Path, *, updating: bool) -> Baselines:
    """Read the baselines; a night that writes them may start without a file.

    Raises:
        BaselineError: the file is missing and the night is to judge, it cannot be used, or there is no folder
            for it.
    """
    if updating and not path.exists():
        if not path.parent.is_dir():
            raise BaselineError(f"{path}: found no folder {path.parent}, expected one to write the baselines into")
        return {}
    return read_baselines(path)
