"""CIFAR-10 from its Python-version files: found, read in memory, checked, and recognised when official.

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009). The files and their layout are
described at https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

import numpy as np

from cifar_models.datasets.dataset import CLASS_COUNT, Dataset, DatasetError, Images, Labels
from cifar_models.datasets.unpickling import REMEDY, unpickle
from cifar_models.storage.keras_cache import DownloadError, download, keras_cache

FOLDER = "cifar-10-batches-py"
ARCHIVE = "cifar-10-python.tar.gz"
ORIGIN = f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}"
# As in keras/src/datasets/cifar10.py.
ARCHIVE_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
OFFICIAL_CHECKSUM = f"{ARCHIVE} sha256:{ARCHIVE_SHA256}"
# The files inside the archive, as in torchvision/datasets/cifar.py.
OFFICIAL_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
}
TRAIN_BATCHES = tuple(name for name in OFFICIAL_MD5 if name.startswith("data_batch_"))
CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

MAXIMUM_FILE_BYTES = 64 * 2**20  # twice an official batch, so that a decompression bomb is refused unread
MAXIMUM_MEMBERS = 32  # the official archive has nine

_Kind = TypeVar("_Kind")


def load_cifar10(data_dir: Path | None) -> Dataset:
    """Load CIFAR-10: 50,000 train and 10,000 evaluation images from the official files.

    Args:
        data_dir: a folder that is or holds ``cifar-10-batches-py``, or holds ``cifar-10-python.tar.gz``.
            Where both are, the unpacked folder is read, which is faster; the checksums are those of the files
            inside either way. Nothing else is looked at. None stands for Keras's cache (``$KERAS_HOME`` or
            ``~/.keras``), in the places that Keras's versions use, and failing that for Keras's download.

    Returns:
        The images and labels as the files have them, in the files' order. The name is ``cifar10`` where every
        file has its published md5, and ``cifar10-unofficial`` for other bytes of the same layout: five train
        batches of equally many images and a test batch, one image or more in each.

    Raises:
        DatasetError: files that are missing, broken, hostile or of another layout, or a download that failed.
    """
    try:
        place = _keras_place() if data_dir is None else _place_in(data_dir)
        return _assemble(place, _folder_files(place) if place.is_dir() else _archive_files(place))
    except (OSError, RuntimeError) as error:  # no permission; no home folder
        where = "Keras's cache" if data_dir is None else str(data_dir)
        raise _refusal(where, f"files that cannot be read ({error})", "readable ones") from error


def _refusal(where: str, found: str, expected: str) -> DatasetError:
    return DatasetError(f"{where}: found {found}, expected {expected}; {REMEDY}")


def _place_in(data_dir: Path) -> Path:
    """Return the folder or archive to read in a folder given by the user."""
    if any((data_dir / name).exists() for name in OFFICIAL_MD5):
        return data_dir
    for place in (data_dir / FOLDER, data_dir / ARCHIVE):
        if place.exists():
            return place
    found = "no such folder" if not data_dir.exists() else "neither" if data_dir.is_dir() else "a file"
    raise DatasetError(
        f"{data_dir}: found {found}, expected a folder with {FOLDER}/ or {ARCHIVE}; give --data-dir the "
        f"folder that holds the official files ({ORIGIN}), leave it out for Keras's cache and download, or "
        "use --dataset synthetic"
    )


def _keras_place() -> Path:
    """Return the folder or archive in Keras's cache, downloaded if it is not there yet."""
    cache = keras_cache("datasets")
    unpacked = (cache / f"{FOLDER}-target" / FOLDER, cache / FOLDER)  # of Keras 3 and of Keras 2
    for place in (*unpacked, cache / ARCHIVE, cache / f"{FOLDER}.tar.gz"):
        if place.exists():
            return place
    try:
        return download(ORIGIN, file_hash=ARCHIVE_SHA256, cache=cache)
    except DownloadError as error:
        raise DatasetError(
            f"{ORIGIN}: found no CIFAR-10 in {cache}, and Keras's download failed "
            f"({error}), expected the file with sha256 {ARCHIVE_SHA256}; three ways "
            "out: --data-dir with the official files, a network for Keras's download, or --dataset synthetic"
        ) from error


def _folder_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of those of the seven files that the folder has."""
    for name in OFFICIAL_MD5:
        path = folder / name
        if path.is_file():
            with path.open("rb") as file:
                content = file.read(MAXIMUM_FILE_BYTES + 1)
            if len(content) > MAXIMUM_FILE_BYTES:
                raise _refusal(str(path), f"more than {MAXIMUM_FILE_BYTES} bytes", "at most so many in a batch")
            yield name, content


class _BoundedGzipFile(gzip.GzipFile):
    """A stream that refuses to read more at once than a batch: tarfile believes the sizes in headers."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= MAXIMUM_FILE_BYTES:
            raise tarfile.ReadError(f"a header claims {size} bytes, expected 0 to {MAXIMUM_FILE_BYTES}")
        return super().read(size)


def _archive_files(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the seven files, in the archive's order; nothing is written to disk."""
    try:
        with _BoundedGzipFile(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            for count, member in enumerate(tar, start=1):
                _check_member(archive, member, count)
                name = PurePosixPath(member.name).name
                if PurePosixPath(member.name) == PurePosixPath(FOLDER, name) and name in OFFICIAL_MD5:
                    file = tar.extractfile(member)
                    yield name, b"" if file is None else file.read()
            # The archive ends before its padding, behind which stands the checksum of all that was read.
            if len(stream.read(MAXIMUM_FILE_BYTES)) == MAXIMUM_FILE_BYTES:
                raise _refusal(str(archive), f"{MAXIMUM_FILE_BYTES} bytes or more behind its end", "a little padding")
    except DatasetError:
        raise
    except Exception as error:  # broken bytes make gzip, zlib and tarfile raise most of what Python has
        found = f"a broken archive ({type(error).__name__}: {str(error)[:200]})"
        raise _refusal(str(archive), found, f"the whole {ARCHIVE}") from error


def _check_member(archive: Path, member: tarfile.TarInfo, count: int) -> None:
    """Refuse a member that no CIFAR-10 archive has, before its content is read or skipped."""
    where = f"{archive}, member {member.name[:100]!r}"
    path = PureWindowsPath(member.name)  # splits at both kinds of slash and knows drives
    if path.anchor or ".." in path.parts:
        raise _refusal(where, "a path that leaves the folder", f"paths inside {FOLDER}/")
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise _refusal(where, f"a link, device or other special member (type {member.type!r})", "files and folders")
    if not 0 <= member.size <= MAXIMUM_FILE_BYTES:
        raise _refusal(where, f"{member.size} bytes", f"0 to {MAXIMUM_FILE_BYTES} bytes")
    if count > MAXIMUM_MEMBERS:
        raise _refusal(where, f"more than {MAXIMUM_MEMBERS} members", "at most so many")


def _assemble(place: Path, files: Iterable[tuple[str, bytes]]) -> Dataset:
    """Return the data set of the seven files, which may come in any order."""
    official, missing = True, set(OFFICIAL_MD5)
    evaluation: tuple[Images, Labels] | None = None
    train: tuple[Images, Labels] | None = None
    for name, content in files:
        where = f"{place}, {name}"
        if name not in missing:
            raise _refusal(where, "the file twice", "each file once")
        missing.remove(name)
        official &= hashlib.md5(content, usedforsecurity=False).hexdigest() == OFFICIAL_MD5[name]
        value = unpickle(content, where=where)
        if not isinstance(value, dict):
            raise _refusal(where, f"a pickled {type(value).__name__}", "a pickled dict")
        if name == "batches.meta":
            _check_class_names(value, where)
            continue
        images, labels = _batch(value, where)
        if name == "test_batch":
            evaluation = np.ascontiguousarray(images), labels
            continue
        rows = len(images)
        if train is None:  # filled batch by batch, so that no second copy of the images is ever held
            count = rows * len(TRAIN_BATCHES)
            train = np.empty((count, *images.shape[1:]), dtype=np.uint8), np.empty(count, dtype=np.int64)
        if rows * len(TRAIN_BATCHES) != len(train[0]):
            expected = f"{len(train[0]) // len(TRAIN_BATCHES)} as in the other train batches"
            raise _refusal(where, f"{rows} images", expected)
        start = rows * TRAIN_BATCHES.index(name)
        train[0][start : start + rows] = images
        train[1][start : start + rows] = labels
    if missing or train is None or evaluation is None:
        raise _refusal(str(place), f"no {', '.join(sorted(missing))}", f"the files {', '.join(OFFICIAL_MD5)}")
    label, checksum = ("cifar10", OFFICIAL_CHECKSUM) if official else ("cifar10-unofficial", None)
    return Dataset(label, *train, *evaluation, class_names=CLASS_NAMES, checksum=checksum)


def _batch(batch: dict[Any, Any], where: str) -> tuple[Images, Labels]:
    """Return a batch's images, a view of shape (rows, 32, 32, 3), and its labels."""
    data = _entry(batch, b"data", np.ndarray, where)  # the unpickler makes uint8 arrays and no others
    if data.ndim != 2 or data.shape[1] != 3 * 32 * 32:
        raise _refusal(where, f"data of shape {data.shape}", "(rows, 3072)")
    labels = _entry(batch, b"labels", list, where)
    if len(labels) != len(data):
        raise _refusal(where, f"{len(labels)} labels for {len(data)} images", "as many")
    for row, label in enumerate(labels):
        if type(label) is not int or not 0 <= label < CLASS_COUNT:
            found = f"{label}" if type(label) is int else f"a {type(label).__name__}"
            raise _refusal(where, f"{found} as label of row {row}", f"0 to {CLASS_COUNT - 1}")
    # A row holds the red, then the green, then the blue plane, each row by row.
    return data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), np.array(labels, dtype=np.int64)


def _check_class_names(meta: dict[Any, Any], where: str) -> None:
    """Refuse labels that mean something else than CIFAR-10's."""
    names = _entry(meta, b"label_names", list, where)
    if names != [name.encode() for name in CLASS_NAMES]:
        found = [name[:20] if isinstance(name, bytes) else type(name).__name__ for name in names[:CLASS_COUNT]]
        raise _refusal(where, f"{len(names)} label names {found}", f"{', '.join(CLASS_NAMES)} as bytes")


def _entry(values: dict[Any, Any], key: bytes, kind: type[_Kind], where: str) -> _Kind:
    """Return one entry of an unpickled dict, of the type that it must have."""
    entry = values.get(key)
    if not isinstance(entry, kind):
        found = f"a {type(entry).__name__}" if key in values else "nothing"
        raise _refusal(where, f"{found} under {key!r}", f"a {kind.__name__}")
    return entry
