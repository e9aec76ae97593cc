"""The lock of files in a folder that several users may write."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock


def shared_lock(path: Path) -> FileLock:
    """Return a lock on a file, which is created if it is absent, that every user who may write its folder can take.

    With filelock's default mode, the first user's file would refuse all others for good.
    """
    folder = path.parent
    mode = folder.stat().st_mode & 0o666 if folder.exists() else 0o644
    return FileLock(path, mode=mode | 0o600)  # without these, filelock refuses the mode of a read-only folder


def refused_lock(path: Path) -> str:
    """Return what to say of a lock file that this user may not open."""
    return (
        f"found the lock file {path} of another user, which this user may not open, expected one that can be opened; "
        f"have its owner remove it or run `chmod a+rw` on it"
    )
