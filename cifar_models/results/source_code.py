"""Which code trained a model: the git commit, and the package's source as it lay on disk."""

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
        commit: the hash of the commit that was checked out; None outside a git repository. Files may have been changed
            since.
        source: ``sha256:`` over the package's Python files, changed or not.
    """

    commit: str | None
    source: str


@cache  # a process trains with the code that it imported, whatever becomes of the files
def describe_code() -> Code:
    """Describe the package's code as it is at the first call."""
    return Code(commit=_commit(PACKAGE), source=fingerprint_source(PACKAGE))


def fingerprint_source(folder: Path) -> str:
    """Return ``sha256:`` and the hex digest over a folder's Python files: each one's relative path and content."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return f"sha256:{digest.hexdigest()}"


def _commit(folder: Path) -> str | None:
    try:
        # Only a commit that knows this very file: an installed package may lie within somebody else's repository.
        known = _git(folder, "ls-files", "--error-unmatch", Path(__file__).relative_to(PACKAGE).as_posix())
        return _git(folder, "rev-parse", "HEAD") if known else None
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - fixed words
    return ended.stdout.strip()
