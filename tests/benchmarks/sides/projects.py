"""Tiny git repositories with a ``cifar_models`` of their own, which trains in no time and without TensorFlow."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

IDENTITY = ("-c", "user.name=a name", "-c", "user.email=an@address.example", "-c", "commit.gpgsign=false")

EXPERIMENTS = """
from types import SimpleNamespace

NAMES = ["simple_cnn", "vgg16_frozen"]
EXPERIMENTS = {
    name: SimpleNamespace(name=name, protocol=SimpleNamespace(fingerprint="sha256:protocol", backbone=None))
    for name in NAMES
}


def find_experiment(name):
    return SimpleNamespace(name=name, protocol=EXPERIMENTS[name.partition("+")[0]].protocol)
"""

DATASETS = """
from types import SimpleNamespace


def load_dataset(name, data_dir=None):
    return SimpleNamespace(name=name, fingerprint="sha256:data", class_names=("cat", "dog"))
"""

RECORDS = Path(__file__).parents[3] / "baseline_runs"
TRAIN = f"""
import json
from pathlib import Path

RECORDS = Path({str(RECORDS)!r})
SOURCE = ""
FIRST = 0


class TrainingDiverged(ArithmeticError):
    pass


def default_weights(experiment, dataset, weights_dir=None):
    return None


def fault(experiment, seed, run):
    pass


def train(experiment, dataset, seed, *, weights=None):
    number = (seed % 1000 + FIRST) % 24
    source = RECORDS / f"{{SOURCE or experiment.name.partition('+')[0]}}.synthetic.seed{{number}}.json"
    run = json.loads(source.read_text()) | {{"experiment": experiment.name, "seed": seed}}
    fault(experiment.name, seed, run)
    return run
"""
"""A training gives a recorded run: of the experiment ``SOURCE`` or of its own, by the seed's number and ``FIRST``."""

RUN_FILES = """
import json


def write_run(folder, run):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run['experiment']}.{run['dataset']}.seed{run['seed']}.json"
    path.write_text(json.dumps(run))
    return path
"""

DEVICES = """
def use_gpus():
    raise RuntimeError("found no GPU that TensorFlow can see, expected at least one")


def hide_gpus():
    pass
"""

FILES = {
    "pyproject.toml": '[project]\nname = "tiny"\ndependencies = []\n',
    ".gitignore": "/runs/\n__pycache__/\n",
    "cifar_models/__init__.py": "",
    "cifar_models/experiments.py": EXPERIMENTS,
    "cifar_models/datasets/__init__.py": DATASETS,
    "cifar_models/results/__init__.py": "",
    "cifar_models/results/run_files.py": RUN_FILES,
    "cifar_models/training/__init__.py": "",
    "cifar_models/training/devices.py": DEVICES,
    "cifar_models/training/train.py": TRAIN,
}


class Project:
    """A repository in a folder, with one commit, ``main``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, content in FILES.items():
            self.write(name, content)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("the first")

    def git(self, *arguments: str) -> str:
        variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        ended = subprocess.run(  # noqa: S603 - our own words
            ["git", *IDENTITY, *arguments],  # noqa: S607
            cwd=self.folder,
            env=variables,
            check=True,
            capture_output=True,
            text=True,
        )
        return ended.stdout.strip()

    def write(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    def replace(self, old: str, new: str, name: str = "cifar_models/training/train.py") -> None:
        """Change a file, by default that which trains."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, old
        self.write(name, text.replace(old, new))

    def fault(self, code: str) -> None:
        """Have trainings run some lines, which may use ``experiment``, the name, ``seed`` and ``run``, the record."""
        lines = code.strip().splitlines()
        self.replace("    pass\n\n\ndef train(", "\n".join(f"    {line}" for line in lines) + "\n\n\ndef train(")

    def commit(self, message: str = "a commit") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    @property
    def state(self) -> dict[str, object]:
        """What no comparison may change: files, index, branches, tags, stash, worktrees, configuration."""
        files = {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not {".git", "runs"} & {*path.relative_to(self.folder).parts}
        }
        return {
            "files": files,
            "index": self.git("ls-files", "--stage"),
            "status": self.git("status", "--porcelain"),
            "refs": self.git("for-each-ref"),
            "head": (self.folder / ".git" / "HEAD").read_text(encoding="utf-8"),
            "worktrees": self.git("worktree", "list"),
            "config": (self.folder / ".git" / "config").read_text(encoding="utf-8"),
        }
