"""Tiny git repositories whose commits train better and worse, in no time and without TensorFlow."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.sides.projects import Project

RECORDS = Path(__file__).parents[3] / "baseline_runs"
RECORDED = 24
"""Runs of ``simple_cnn`` on synthetic images that are recorded; a training gives one of them."""

FILES = {
    "cifar_models/experiments.py": """
from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    epochs: int = 10
    backbone: object = None
    fingerprint: str = "sha256:protocol"


@dataclass(frozen=True)
class Experiment:
    name: str
    protocol: Protocol = Protocol()


EXPERIMENTS = {"simple_cnn": Experiment("simple_cnn")}


def find_experiment(name):
    return EXPERIMENTS[name]
""",
    "cifar_models/datasets/__init__.py": """
from dataclasses import dataclass


@dataclass(frozen=True)
class Dataset:
    name: str
    train_images: list
    train_labels: list
    evaluation_images: list
    evaluation_labels: list
    class_names: tuple = ("cat", "dog")
    fingerprint: str = "sha256:data"


def load_dataset(name, data_dir=None):
    return Dataset(name, *([0] * 3000 for _ in range(4)))
""",
    "cifar_models/training/train.py": f"""
import json
from pathlib import Path

RECORDS = Path({str(RECORDS)!r})
DROP = 0.0  # of the accuracy
SEEN = 0  # in the first steps, and in all digits
HIDDEN = 0  # in all digits, but not in the first steps


class TrainingDiverged(ArithmeticError):
    pass


def default_weights(experiment, dataset, weights_dir=None):
    return None


def fault(seed, first_steps):
    pass


def train(experiment, dataset, seed, *, weights=None):
    first_steps = len(dataset.train_images) < 3000
    fault(seed, first_steps)
    number = seed + 5 * SEEN + 7 * HIDDEN * (not first_steps)
    source = RECORDS / f"{{experiment.name}}.synthetic.seed{{number % {RECORDED}}}.json"
    run = json.loads(source.read_text()) | {{"seed": seed}}
    if not first_steps:
        run["evaluation"]["accuracy"] -= DROP
        run["evaluation"]["loss"] += 2 * DROP
    return run
""",
}


def make_project(folder: Path) -> Project:
    """Return a repository with one commit, ``main``."""
    folder.mkdir(parents=True, exist_ok=True)
    project = Project(folder)
    for name, content in FILES.items():
        project.write(name, content)
    project.git("add", "--all")
    project.git("commit", "--quiet", "--amend", "--message", "commit 0")
    project.git("tag", "commit0")
    return project


def add_commits(project: Project, *changes: tuple[str, str]) -> None:
    """Add a commit, ``commit1`` and so on, for each change of a setting of the stub's training.

    Args:
        project: as ``make_project`` returns it.
        changes: a setting and its value; one that is no setting makes a commit that changes only a comment.
    """
    for number, (setting, value) in enumerate(changes, start=len(project.git("tag").splitlines())):
        lines = (project.folder / "cifar_models/training/train.py").read_text(encoding="utf-8").splitlines()
        changed = [f"{setting} = {value}" if line.startswith(f"{setting} = ") else line for line in lines]
        project.write("cifar_models/training/train.py", "\n".join([*changed, f"# {number}", ""]))
        project.commit(f"commit {number}")
        project.git("tag", f"commit{number}")
