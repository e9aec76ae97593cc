"""Compares a night with three other judges: they judge the same broken runs and the same clean nights.

``python -m tests.sensitivity.compare_judges record FOLDER`` trains the broken runs, and continues where an earlier call
stopped. ``table FOLDER`` prints the table in Markdown. Clean nights need no training: they are drawn from the recorded
runs, and the baseline is then the other runs.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from tabulate import tabulate

from benchmarks.inputs import settings
from cifar_models.results.run import Run
from cifar_models.results.run_files import read_run, record_name
from tests.sensitivity.judges import JUDGES, TRAINED, wants_more
from tests.sensitivity.regressions import REGRESSIONS, Regression

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "baseline_runs"
LOOKS = settings.SEEDS["synthetic"]
FIRST_SEED = 100_000
"""Seeds from here on are neither the baselines' nor a night's."""
CLEAN_NIGHTS = 100

# The experiment that a regression is looked for in, where it is not the first one.
ELSEWHERE = {
    "dropout rate 0": "improved_cnn",
    "L2 left out": "improved_cnn",
    "momentum of batch normalization 0.5": "improved_cnn",
    "the best epoch's moving averages not restored with its weights": "improved_cnn",
    "the frozen backbone left trainable": "vgg16_frozen",
    "frozen batch normalization run in training mode": "resnet50_frozen",
    "29 layers freed for 30": "resnet50_finetuned",
    "31 layers freed for 30": "resnet50_finetuned",
}
# What synthetic data cannot show: a regression of other data's reader or of a normalization that no experiment uses.
NOT_TRAINED = {
    "RGB for BGR where ImageNet's means are subtracted",
    "BGR for RGB in CIFAR-10's images",
    "training images standardised with the evaluation images' statistics",
    "held-out images trained on",
    "the normalization fitted on the held-out images too",
}

TRAIN = """
import sys
from pathlib import Path
from cifar_models.datasets import load_dataset
from cifar_models.experiments import find_experiment
from cifar_models.results.run_files import write_run
from cifar_models.training.train import train
name, folder, *seeds = sys.argv[1:]
dataset = load_dataset("synthetic")
for seed in map(int, seeds):
    write_run(Path(folder), train(find_experiment(name), dataset, seed))
"""


def record(folder: Path) -> None:
    """Train what is not recorded yet."""
    for regression in _trained():
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(ROOT / "cifar_models", Path(copy) / "cifar_models")
            regression.apply(Path(copy))
            name, place = experiment_of(regression), folder / regression.name
            for count in LOOKS[name]:
                seeds = range(FIRST_SEED, FIRST_SEED + count)
                _train(Path(copy), name, place, seeds)
                runs = _read(place, name, seeds)
                if len(runs) < count or not wants_more(_baseline(name), runs):
                    break


def table(folder: Path) -> str:
    """Return the table in Markdown: a line for each regression, then false alarms and minutes."""
    rows: list[list[str]] = []
    caught = dict.fromkeys(JUDGES, 0)
    for regression in _trained():
        name = experiment_of(regression)
        runs = _read(folder / regression.name, name, range(FIRST_SEED, FIRST_SEED + LOOKS[name][-1]))
        found = {title: judge(_baseline(name), runs) if runs else "diverged" for title, judge in JUDGES.items()}
        for title, said in found.items():
            caught[title] += bool(said)
        rows.append([regression.name, name, *(said or "missed" for said in found.values())])
    rows += [
        [f"caught of {len(rows)}", "", *map(str, caught.values())],
        [f"false alarms in {CLEAN_NIGHTS} clean nights", "all", *(str(false_alarms(title)) for title in JUDGES)],
        ["minutes of training a night", "all", *(f"{minutes(title):.1f}" for title in JUDGES)],
    ]
    return str(tabulate(rows, ["what was broken", "experiment", *JUDGES], tablefmt="github"))


def false_alarms(title: str) -> int:
    """Return in how many clean nights a judge fails any experiment."""
    rng = np.random.default_rng(0)
    recorded = {name: _baseline(name) for name in LOOKS}
    alarms = 0
    for _ in range(CLEAN_NIGHTS):
        nights = [split(runs, LOOKS[name][-1], rng) for name, runs in recorded.items()]
        alarms += any(JUDGES[title](baseline, today) for baseline, today in nights)
    return alarms


def split(runs: Sequence[Run], count: int, rng: np.random.Generator) -> tuple[list[Run], list[Run]]:
    """Return a baseline and a clean night of ``count`` runs, drawn from recorded runs without replacement."""
    order = rng.permutation(len(runs))
    return [runs[number] for number in order[count:]], [runs[number] for number in order[:count]]


def minutes(title: str) -> float:
    """Return the minutes of training that a judge's night takes, all experiments together, by the recorded runs."""
    seconds = 0.0
    for name, (seeds, _) in LOOKS.items():
        runs = _baseline(name)
        seconds += max(run.timings.features for run in runs)
        seconds += (TRAINED[title] or seeds) * fmean(run.timings.training for run in runs)
    return seconds / 60


def experiment_of(regression: Regression) -> str:
    """Return the experiment in which a regression is looked for."""
    return ELSEWHERE.get(regression.name, "simple_cnn")


def _trained() -> list[Regression]:
    return [regression for regression in REGRESSIONS if regression.name not in NOT_TRAINED]


def _baseline(name: str) -> list[Run]:
    return [read_run(path) for path in sorted(RECORDS.glob(record_name(name, "synthetic", "*")))]


def _train(root: Path, name: str, folder: Path, seeds: Iterable[int]) -> None:
    missing = [seed for seed in seeds if not (folder / record_name(name, "synthetic", seed)).exists()]
    if not missing:
        return
    sys.stdout.write(f"{folder.name}: {name}, {len(missing)} runs\n")
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", TRAIN, name, str(folder.resolve()), *map(str, missing)]
    # A training that diverges leaves no record, which is how the judges see it.
    subprocess.run(command, cwd=root, check=False)  # noqa: S603 - our own words


def _read(folder: Path, name: str, seeds: Sequence[int]) -> list[Run]:
    paths = [folder / record_name(name, "synthetic", seed) for seed in seeds]
    return [read_run(path) for path in paths if path.exists()]


def main() -> None:
    """Record or print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["record", "table"])
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "record":
        record(arguments.folder)
    else:
        sys.stdout.write(f"{table(arguments.folder)}\n")


if __name__ == "__main__":
    main()
