"""Archives that are broken or hostile: refused, and nothing is written to disk."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

import pytest

from cifar_models.datasets import archive as reader
from cifar_models.datasets.cifar10 import load_cifar10
from tests.cifar_models.datasets.cifar10_files import (
    make_member,
    make_members,
    pickled_files,
    refusal_of,
    write_archive,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../outside",
        "cifar-10-batches-py/../../outside",
        "..\\outside",
        "C:\\outside",
        "\\outside",
    ],
)
def test_a_member_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    archive = write_archive(tmp_path / "cifar-10-python.tar.gz", [*make_members(), make_member(name, b"x")])
    text = refusal_of(tmp_path)
    assert text.startswith(f"{archive}, member {name!r}: found a path that leaves the folder, expected paths inside")
    assert list(tmp_path.iterdir()) == [archive]


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.GNUTYPE_SPARSE,
    ],
)
def test_links_devices_and_sparse_files_are_refused(tmp_path: Path, kind: bytes) -> None:
    member, content = make_member("cifar-10-batches-py/data_batch_1")
    member.type, member.linkname = kind, "batches.meta"
    write_archive(tmp_path / "cifar-10-python.tar.gz", [*make_members(), (member, content)])
    text = refusal_of(tmp_path)
    assert f"found a link, device or other special member (type {kind!r}), expected files and folders" in text


def test_a_file_that_comes_twice_is_refused(tmp_path: Path) -> None:
    again = make_member("./cifar-10-batches-py/test_batch", pickled_files()["test_batch"])
    write_archive(tmp_path / "cifar-10-python.tar.gz", [*make_members(), again])
    assert "test_batch: found the file twice, expected each file once" in refusal_of(tmp_path)


def test_files_outside_the_folder_do_not_count(tmp_path: Path) -> None:
    members = [make_member(name, content) for name, content in pickled_files().items()]
    write_archive(tmp_path / "cifar-10-python.tar.gz", members)
    assert "found no batches.meta, data_batch_1, " in refusal_of(tmp_path)


def test_a_decompression_bomb_is_refused_unread(tmp_path: Path) -> None:
    member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
    member.size = 2**40
    with gzip.open(tmp_path / "cifar-10-python.tar.gz", "wb") as file:
        file.write(member.tobuf())
    text = refusal_of(tmp_path)
    assert "member 'cifar-10-batches-py/data_batch_1': found 1099511627776 bytes, expected 0 to 67108864" in text


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_claims_to_be_huge_is_refused_unread(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("header")
    member.type, member.size = kind, 2**40
    with gzip.open(tmp_path / "cifar-10-python.tar.gz", "wb") as file:
        file.write(member.tobuf(format=tarfile.GNU_FORMAT))
    assert "a header claims 1099511627776 bytes" in refusal_of(tmp_path)


def test_a_member_of_negative_size_is_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
    member.size = -1024
    with gzip.open(tmp_path / "cifar-10-python.tar.gz", "wb") as file:
        file.write(member.tobuf(format=tarfile.GNU_FORMAT))
    assert "found -1024 bytes" in refusal_of(tmp_path)


def test_an_archive_of_very_many_members_is_refused(tmp_path: Path) -> None:
    members = [make_member(f"cifar-10-batches-py/{number}") for number in range(40)]
    write_archive(tmp_path / "cifar-10-python.tar.gz", members)
    assert "found more than 32 members, expected at most so many" in refusal_of(tmp_path)


def test_an_archive_whose_checksum_is_another_is_refused(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "cifar-10-python.tar.gz")
    content = bytearray(archive.read_bytes())
    content[-8] ^= 1
    archive.write_bytes(content)
    assert "CRC check failed" in refusal_of(tmp_path)


def test_padding_without_end_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_archive(tmp_path / "cifar-10-python.tar.gz")
    monkeypatch.setattr(reader, "MAXIMUM_FILE_BYTES", 40_000)
    assert load_cifar10(tmp_path)
    archive.write_bytes(gzip.compress(gzip.decompress(archive.read_bytes()) + bytes(40_000)))
    assert "found 40000 bytes or more after its end, expected a little padding" in refusal_of(tmp_path)


def test_an_archive_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "cifar-10-python.tar.gz")
    content = archive.read_bytes()
    for length in (*range(0, len(content), len(content) // 20), len(content) - 1):
        archive.write_bytes(content[:length])
        assert refusal_of(tmp_path).startswith(str(archive))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip at all",
        gzip.compress(b""),
        gzip.compress(b"no tar" * 200),
        gzip.compress(b"\0" * 20_000),
    ],
    ids=["empty", "no-gzip", "empty-gzip", "no-tar", "zeros"],
)
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "cifar-10-python.tar.gz"
    archive.write_bytes(content)
    assert refusal_of(tmp_path).startswith(f"{archive}: found ")
