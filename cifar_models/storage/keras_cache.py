"""Keras's cache of downloaded files, and Keras's own download into it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cifar_models.storage.files import user_path


class DownloadError(OSError):
    """A download that gave no file, or another file than was asked for."""


def keras_home() -> Path:
    """Return Keras's own folder, which need not exist: ``$KERAS_HOME``, else ``.keras`` in the home folder.

    Where there is no home folder, or one that cannot be written and has no ``.keras``, it is ``/tmp/.keras``, as in
    Keras: containers are often run as a user without a home.
    """
    if given := os.environ.get("KERAS_HOME"):
        return user_path(given)
    home = user_path("~")
    if not os.access(home, os.W_OK) and not os.access(home / ".keras", os.R_OK | os.X_OK):
        home = Path("/tmp")  # noqa: S108 - as Keras does
    return home / ".keras"


def keras_cache(subfolder: str) -> Path:
    """Return a folder of Keras's cache; it need not exist."""
    return keras_home() / subfolder


def download(url: str, *, file_hash: str, cache: Path) -> Path:
    """Have Keras download a file; it enters the cache whole and checked, or not at all.

    Args:
        url: of the file, which keeps its name.
        file_hash: its md5 or sha256, in hex.
        cache: the folder that it is to lie in, created if it is absent.

    Raises:
        DownloadError: no network, no such file, another hash, or a folder that cannot be written; says which.
    """
    from keras.utils import get_file  # loads TensorFlow, which reading files does without

    name = url.rpartition("/")[2]
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # get_file leaves a file of the wrong hash, or of a killed download, under the name asked for.
        with tempfile.TemporaryDirectory(dir=cache, prefix=f"{name}.") as folder:
            file = get_file(name, url, file_hash=file_hash, cache_dir=folder, cache_subdir="")
            return Path(file).replace(cache / name)
    # get_file raises a bare Exception for a URL that fails, ValueError for a wrong hash, and whatever urllib,
    # http.client and the disk raise besides; all mean that there is no file.
    except Exception as error:
        raise DownloadError(f"{type(error).__name__}: {error}") from error
