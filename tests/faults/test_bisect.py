"""The documented command finds the commit that broke training, among twelve, and skips what cannot be judged."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.nights import ROOT

pytestmark = pytest.mark.faults

BROKEN, UNREADABLE, COMMITS = 9, 6, 12
"""The commit that breaks training, the one that nothing can be collected of, and how many there are."""


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a name", "-c", "user.email=an@address.example", "-c", "commit.gpgsign=false")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


def _commit(folder: Path, number: int) -> None:
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", f"commit {number}")
    _git(folder, "tag", f"commit{number}")


def _bisect(folder: Path, *, bad: str, scripts: Path) -> str:
    """Run the page's command between commit 1 and a bad one, ``pytest`` being that of a folder; return its output."""
    page = (ROOT / "docs" / "how-to" / "bisect.md").read_text(encoding="utf-8")
    command, _ = re.findall(r"^git bisect start BAD GOOD(?:.*\\\n)*.*$", page, re.MULTILINE)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        # The plugin of the small repository, not of the one that is installed.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(folder),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    ended = subprocess.run(  # noqa: S602 - our own command
        command.replace("BAD GOOD", f"{bad} commit1"),
        shell=True,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def _answer(folder: Path) -> tuple[str, list[str]]:
    """Return the first bad commit and those skipped, as git knows them."""
    skipped = _git(folder, "for-each-ref", "--format=%(subject)", "refs/bisect/skip-*")
    return _git(folder, "log", "-1", "--format=%s", "refs/bisect/bad"), skipped.splitlines()


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_the_commit_that_broke_training_is_found_among_twelve(tmp_path: Path) -> None:
    for name in ("cifar_models", "benchmarks", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "conftest.py", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path)
    _git(tmp_path, "init", "--quiet")
    builders, normalization = (
        tmp_path / "cifar_models" / name for name in ("models/builders.py", "datasets/normalization.py")
    )
    whole = builders.read_text(encoding="utf-8")
    for number in range(1, COMMITS + 1):
        (tmp_path / "NOTES.md").write_text(f"commit {number}\n", encoding="utf-8")
        if number == BROKEN:
            _replace(normalization, "np.float32(255)", "np.float32(255 * 255)")
        builders.write_text(whole + ("def unfinished(" if number == UNREADABLE else ""), encoding="utf-8")
        _commit(tmp_path, number)
    output = _bisect(tmp_path, bad=f"commit{COMMITS}", scripts=Path(sys.executable).parent)
    assert _answer(tmp_path) == (f"commit {BROKEN}", [f"commit {UNREADABLE}"]), output
    assert "simple_cnn: the first steps of training differ from the stored ones" in output


@pytest.mark.parametrize("status", [2, 3, 4, 5, 10, 11, 125, 137])
def test_what_is_no_answer_is_skipped(tmp_path: Path, status: int) -> None:
    (tmp_path / "pytest").write_text("#!/bin/sh\nexit $(cat status)\n", encoding="utf-8")
    (tmp_path / "pytest").chmod(0o755)
    _git(tmp_path, "init", "--quiet")
    for number, ending in enumerate([0, 0, status, 0, 1], start=1):
        (tmp_path / "status").write_text(str(ending), encoding="utf-8")
        (tmp_path / "NOTES.md").write_text(f"commit {number}\n", encoding="utf-8")
        _commit(tmp_path, number)
    output = _bisect(tmp_path, bad="commit5", scripts=tmp_path)
    assert _answer(tmp_path) == ("commit 5", ["commit 3"]), output
