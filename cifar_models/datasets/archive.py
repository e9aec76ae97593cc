"""Reads files of a ``.tar.gz`` archive into memory, with limits on their sizes and number."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from cifar_models.datasets.dataset import reading, refusal

MAXIMUM_FILE_BYTES = 64 * 2**20  # twice an official batch; a decompression bomb is refused before it is read
MAXIMUM_MEMBERS = 32  # the official archives have eight and nine


class _BoundedGzipFile(gzip.GzipFile):
    """A stream that refuses to read more than a batch at once, because tarfile trusts the sizes in headers."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= MAXIMUM_FILE_BYTES:
            raise tarfile.ReadError(f"a header claims {size} bytes, expected 0 to {MAXIMUM_FILE_BYTES}")
        return super().read(size)


def archive_files(archive: Path, folder: str, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of the archive that is in ``folder`` and one of ``names``, in archive order.

    Raises:
        DatasetError: the archive is broken or cut short, has a link, a device or a path outside the folder, or is
            larger than any CIFAR-10 archive.
    """
    with (
        reading(str(archive), "archive", f"the whole {archive.name}"),
        _BoundedGzipFile(archive) as stream,
        tarfile.open(fileobj=stream, mode="r:") as tar,
    ):
        for count, member in enumerate(tar, start=1):
            _check_member(archive, member, folder, count)
            name = PurePosixPath(member.name).name
            if PurePosixPath(member.name) == PurePosixPath(folder, name) and name in names:
                file = tar.extractfile(member)
                yield name, b"" if file is None else file.read()
        # Reading the padding to its end makes gzip check the checksum of the whole content.
        if len(stream.read(MAXIMUM_FILE_BYTES)) == MAXIMUM_FILE_BYTES:
            raise refusal(str(archive), f"{MAXIMUM_FILE_BYTES} bytes or more after its end", "a little padding")


def _check_member(archive: Path, member: tarfile.TarInfo, folder: str, count: int) -> None:
    """Refuse a member that is unlike those of CIFAR-10 archives, before its content is read or skipped."""
    where = f"{archive}, member {member.name[:100]!r}"
    path = PureWindowsPath(member.name)  # splits at both kinds of slashes and at drive letters
    if path.anchor or ".." in path.parts:
        raise refusal(where, "a path that leaves the folder", f"paths inside {folder}/")
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise refusal(where, f"a link, device or other special member (type {member.type!r})", "files and folders")
    if not 0 <= member.size <= MAXIMUM_FILE_BYTES:
        raise refusal(where, f"{member.size} bytes", f"0 to {MAXIMUM_FILE_BYTES} bytes")
    if count > MAXIMUM_MEMBERS:
        raise refusal(where, f"more than {MAXIMUM_MEMBERS} members", "at most so many")
