"""Loads CIFAR-10 from any of its containers, and recognises the official data by the fingerprint of their values.

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from cifar_models.datasets import archive
from cifar_models.datasets.batches import BINARY, CLASS_NAMES, PYTHON, Layout
from cifar_models.datasets.dataset import Dataset, DatasetError, Images, Labels, refusal
from cifar_models.datasets.npz import read_npz
from cifar_models.storage.fingerprint import fingerprint_arrays
from cifar_models.storage.keras_cache import DownloadError, download, keras_home

ORIGIN = f"https://www.cs.toronto.edu/~kriz/{PYTHON.archive}"
ARCHIVE_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"  # from keras.datasets.cifar10
OFFICIAL_FINGERPRINT = "sha256:b7d593c4d8cf1260dce77e8332de59a8bcc39684afdfd329a4a5a59a6e555452"
"""Fingerprint of the official images and labels in their official order, from files with the published md5s."""

_Split = tuple[Images, Labels]


def load_cifar10(data_dir: Path | None) -> Dataset:
    """Load CIFAR-10: 50,000 train and 10,000 evaluation images, in the files' order.

    The data set is called ``cifar10`` if images and labels are the official ones, otherwise ``cifar10-unofficial``.

    Args:
        data_dir: a folder that is or contains ``cifar-10-batches-py`` or ``cifar-10-batches-bin``, or contains
            ``cifar-10-python.tar.gz``, ``cifar-10-binary.tar.gz`` or one ``.npz`` file; the first of these is read.
            None: Keras's cache, otherwise Keras's download.

    Raises:
        DatasetError: files are missing, broken or of another layout, or the download failed.
    """
    try:
        train, evaluation = _read(_keras_place() if data_dir is None else _place_in(data_dir))
    except (OSError, RuntimeError) as error:  # no permission, or no home folder
        where = "Keras's cache" if data_dir is None else str(data_dir)
        raise DatasetError(
            f"{where}: found files that cannot be read ({error}), expected readable ones; check their permissions and "
            f"the disk, or use --dataset synthetic"
        ) from error
    official = fingerprint_arrays(*train, *evaluation) == OFFICIAL_FINGERPRINT
    return Dataset("cifar10" if official else "cifar10-unofficial", *train, *evaluation, class_names=CLASS_NAMES)


def _read(place: Path) -> tuple[_Split, _Split]:
    """Read an ``.npz`` file, an archive or a folder; the layout follows from its name or from its files' names."""
    if place.suffix == ".npz" and not place.is_dir():
        return read_npz(place)
    if not place.is_dir():
        layout = BINARY if place.name == BINARY.archive else PYTHON
        return _assemble(place, layout, archive.archive_files(place, layout.folder, layout.names))
    layout = _layout_of(place) or (BINARY if place.name == BINARY.folder else PYTHON)
    return _assemble(place, layout, _folder_files(place, layout))


def _layout_of(folder: Path) -> Layout | None:
    """Return the layout of the files in a folder; None if it has no file of any layout."""
    return next((layout for layout in (PYTHON, BINARY) if any((folder / name).exists() for name in layout.names)), None)


def _place_in(data_dir: Path) -> Path:
    """Return the folder, archive or ``.npz`` file to read from the user's folder."""
    if _layout_of(data_dir):
        return data_dir
    for name in (PYTHON.folder, BINARY.folder, PYTHON.archive, BINARY.archive):
        if (data_dir / name).exists():
            return data_dir / name
    files = sorted(data_dir.glob("*.npz"))
    if len(files) == 1:
        return files[0]
    if not data_dir.exists():
        found = "no such folder"
    elif not data_dir.is_dir():
        found = "a file"
    else:
        found = f"several .npz files ({', '.join(file.name for file in files[:3])})" if files else "none of them"
    raise DatasetError(
        f"{data_dir}: found {found}, expected a folder with {PYTHON.folder}/, {BINARY.folder}/, {PYTHON.archive}, "
        f"{BINARY.archive} or one .npz file; give --data-dir the folder that holds the official files ({ORIGIN}), "
        f"leave it out for Keras's cache and download, or use --dataset synthetic"
    )


def _keras_place() -> Path:
    """Return the folder or archive in Keras's cache, after downloading it if necessary."""
    cache = keras_home() / "datasets"
    unpacked = (cache / f"{PYTHON.folder}-target" / PYTHON.folder, cache / PYTHON.folder)  # by Keras 3 and Keras 2
    for place in (*unpacked, cache / PYTHON.archive, cache / f"{PYTHON.folder}.tar.gz"):
        if place.exists():
            return place
    try:
        return download(ORIGIN, file_hash=ARCHIVE_SHA256, cache=cache)
    except DownloadError as error:
        raise DatasetError(
            f"{ORIGIN}: found no CIFAR-10 in {cache}, and Keras's download failed ({error}), expected the file with "
            f"sha256 {ARCHIVE_SHA256}: give --data-dir a folder with the official files, connect to a network for the "
            f"download, or use --dataset synthetic"
        ) from error


def _folder_files(folder: Path, layout: Layout) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each of the layout's seven files that is in the folder."""
    for name in layout.names:
        path = folder / name
        if path.is_file():
            with path.open("rb") as file:
                content = file.read(archive.MAXIMUM_FILE_BYTES + 1)
            if len(content) > archive.MAXIMUM_FILE_BYTES:
                raise refusal(str(path), f"more than {archive.MAXIMUM_FILE_BYTES} bytes", "at most so many in a batch")
            yield name, content


def _assemble(place: Path, layout: Layout, files: Iterable[tuple[str, bytes]]) -> tuple[_Split, _Split]:
    """Return the train and the evaluation split of the seven files, which may come in any order.

    Batches are copied into one array, so that memory never holds the images twice.
    """
    missing = set(layout.names)
    evaluation: _Split | None = None
    train: _Split | None = None
    for name, content in files:
        where = f"{place}, {name}"
        if name not in missing:
            raise refusal(where, "the file twice", "each file once")
        missing.remove(name)
        if name == layout.meta:
            layout.check_class_names(content, where)
            continue
        images, labels = layout.read_batch(content, where)
        if name == layout.test:
            evaluation = np.ascontiguousarray(images), labels
            continue
        rows = len(images)
        if train is None:
            count = rows * len(layout.train)
            train = np.empty((count, *images.shape[1:]), dtype=np.uint8), np.empty(count, dtype=np.int64)
        if rows * len(layout.train) != len(train[0]):
            expected = f"{len(train[0]) // len(layout.train)} as in the other train batches"
            raise refusal(where, f"{rows} images", expected)
        start = rows * layout.train.index(name)
        train[0][start : start + rows] = images
        train[1][start : start + rows] = labels
    if missing or train is None or evaluation is None:
        raise refusal(str(place), f"no {', '.join(sorted(missing))}", f"the files {', '.join(layout.names)}")
    return train, evaluation
