"""Files written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_TEMPORARY = ".tmp"


def user_path(text: str) -> Path:
    """Return a path that a user typed; a leading ``~`` is the home folder, which shells expand only in a word's front.

    Without that home folder the path stays as it is, as in a shell.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def link_target(path: Path) -> Path:
    """Return the file that is written where ``path`` is: what a symbolic link points to, there or not.

    Raises:
        OSError: links that point to each other.
    """
    try:
        return path.resolve()
    except RuntimeError as error:
        raise OSError(str(error)) from None


def write_whole(path: Path, content: str | bytes) -> None:
    """Write bytes, or text as UTF-8, to a temporary file in the same folder, flush it to disk, rename it over ``path``.

    A symbolic link stays one, and what it points to is written. Keeps the mode of a file that it replaces. A process
    that is killed on the way leaves the temporary file, whose name begins with a dot and ends in ``.tmp``.

    Raises:
        OSError: the folder cannot be written; ``path`` is as it was, and no temporary file is left.
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
    """Remove what killed processes left of writing ``path``, to which nobody may be writing now.

    Args:
        path: a file, there or not; ``*`` for its name stands for all files of the folder.

    Raises:
        OSError: the folder cannot be written.
    """
    path = link_target(path)
    for leftover in path.parent.glob(f".{path.name}.*{_TEMPORARY}"):
        leftover.unlink()
