"""Locks for files in a folder that several users can write."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock


def shared_lock(path: Path) -> FileLock:
    """Return a lock that every user who can write the folder of ``path`` can take; the file is created if necessary.

    With filelock's default mode only the first user could take the lock.
    """
    folder = path.parent
    mode = folder.stat().st_mode & 0o666 if folder.exists() else 0o644
    return FileLock(path, mode=mode | 0o600)  # filelock refuses the mode of a read-only folder


def refused_lock(path: Path) -> str:
    """Return the message for a lock file that this user may not open."""
    return (
        f"found the lock file {path} of another user, which this user may not open, expected one that can be opened; "
        f"ask its owner to remove it or to run `chmod a+rw` on it"
    )
