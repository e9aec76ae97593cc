"""Keras's cache of downloaded files, and downloads into it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cifar_models.storage.files import user_path


class DownloadError(OSError):
    """A download failed or returned a file with another hash."""


def keras_home() -> Path:
    """Return Keras's folder, which need not exist: ``$KERAS_HOME``, otherwise ``.keras`` in the home folder.

    Like Keras, return ``/tmp/.keras`` if the home folder cannot be written and has no ``.keras``, as in a container
    whose user has no home folder.
    """
    if given := os.environ.get("KERAS_HOME"):
        return user_path(given)
    home = user_path("~")
    if not os.access(home, os.W_OK) and not os.access(home / ".keras", os.R_OK | os.X_OK):
        home = Path("/tmp")  # noqa: S108 - as Keras does
    return home / ".keras"


def download(url: str, *, file_hash: str, cache: Path) -> Path:
    """Download a file with Keras, check its hash, and move it into the cache.

    Args:
        url: the file's address; the last part is its name in the cache.
        file_hash: md5 or sha256, in hex.
        cache: the folder for the file; it is created if it does not exist.

    Raises:
        DownloadError: the download failed, its hash is wrong, or the folder cannot be written. The cache is unchanged.
    """
    name = url.rpartition("/")[2]
    try:
        from keras.utils import get_file  # loads TensorFlow, which reading files does not need

        cache.mkdir(parents=True, exist_ok=True)
        # get_file leaves files with a wrong hash, and parts of files, under the final name.
        with tempfile.TemporaryDirectory(dir=cache, prefix=f"{name}.") as folder:
            file = get_file(name, url, file_hash=file_hash, cache_dir=folder, cache_subdir="")
            return Path(file).replace(cache / name)
    # Keras raises many kinds of errors if keras.json is wrong. get_file raises a bare Exception for a failed URL,
    # ValueError for a wrong hash, and the errors of urllib, http.client and the disk.
    except Exception as error:
        raise DownloadError(f"{type(error).__name__}: {error}") from error
