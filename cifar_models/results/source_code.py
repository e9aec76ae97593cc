"""Identifies the code that trains: the git commit, and a fingerprint of the package's source files."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Code:
    """The code of one training.

    Attributes:
        commit: hash of the checked-out commit, from which files may differ; None outside a git repository.
        source: ``sha256:`` over the package's Python files.
    """

    commit: str | None
    source: str


@cache  # because a process keeps the code that it imported when files change
def describe_code() -> Code:
    """Return the package's code at the time of the first call."""
    return Code(commit=_commit(PACKAGE), source=fingerprint_source(PACKAGE))


def fingerprint_source(folder: Path) -> str:
    """Return ``sha256:`` and the hex digest of the relative paths and contents of a folder's Python files."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return f"sha256:{digest.hexdigest()}"


def _commit(folder: Path) -> str | None:
    try:
        # Only if git tracks this file: an installed package may be inside an unrelated repository.
        known = _git(folder, "ls-files", "--error-unmatch", Path(__file__).relative_to(PACKAGE).as_posix())
        return _git(folder, "rev-parse", "HEAD") if known else None
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - fixed words
    return ended.stdout.strip()
