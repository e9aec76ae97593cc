"""Files that are written completely or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

_TEMPORARY = ".tmp"


def user_path(text: str) -> Path:
    """Return the path that a user typed, with a leading ``~`` replaced by the home folder if there is one.

    Shells expand ``~`` only at the start of a word, so the value of ``--run-dir=~/runs`` arrives unexpanded.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def link_target(path: Path) -> Path:
    """Return ``path`` with symbolic links resolved; the file need not exist.

    Raises:
        OSError: the links form a circle.
    """
    target = Path(os.path.realpath(path))
    if target.is_symlink():  # Path.resolve notices a circle only before Python 3.13
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return target


def write_whole(path: Path, content: str | bytes) -> None:
    """Write bytes, or text as UTF-8, through a temporary file that is flushed to disk and renamed to ``path``.

    Symbolic links are followed, and a replaced file's mode is kept. A process that is killed while it writes leaves a
    temporary file whose name starts with a dot and ends in ``.tmp``.

    Raises:
        OSError: the folder cannot be written; ``path`` is unchanged and no temporary file is left.
    """
    path = link_target(path)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_TEMPORARY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files that killed processes left while they wrote ``path``.

    Call it only while no other process writes ``path``. The file name ``*`` stands for all files of the folder.

    Raises:
        OSError: the folder cannot be written.
    """
    path = link_target(path)
    for leftover in path.parent.glob(f".{path.name}.*{_TEMPORARY}"):
        leftover.unlink()
