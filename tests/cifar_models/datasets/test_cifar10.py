"""CIFAR-10's files: found, read, recognised and refused, on small files of the tests' own making."""

from __future__ import annotations

import gzip
import hashlib
import io
import runpy
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_models.datasets import cifar10
from cifar_models.datasets.cifar10 import load_cifar10
from cifar_models.datasets.dataset import Dataset, DatasetError
from tests.cifar_models.datasets.test_unpickling import python2_pickle

pytestmark = pytest.mark.unit

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FILES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")


@pytest.fixture(autouse=True)
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the real cache and the network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(cifar10, "ORIGIN", (tmp_path / "nowhere" / cifar10.ARCHIVE).as_uri())
    return tmp_path / "keras"


def _batch(seed: int, labels: list[int]) -> dict[bytes, Any]:
    data = np.random.default_rng(seed).integers(0, 256, size=(len(labels), 3072), dtype=np.uint8)
    return {b"batch_label": b"a batch", b"labels": labels, b"data": data}


def _values() -> dict[str, dict[bytes, Any]]:
    """Return what the seven files hold: two images in each train batch, ten in the test batch."""
    values = {name: _batch(number, [2 * number, 2 * number + 1]) for number, name in enumerate(FILES[:5])}
    values["test_batch"] = _batch(9, list(range(10)))
    values["batches.meta"] = {b"num_vis": 3072, b"label_names": [name.encode() for name in NAMES]}
    return values


def _files(values: dict[str, dict[bytes, Any]] | None = None) -> dict[str, bytes]:
    return {name: python2_pickle(value) for name, value in (values or _values()).items()}


def _write_folder(folder: Path, files: dict[str, bytes] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (files or _files()).items():
        (folder / name).write_bytes(content)
    return folder


def _member(name: str, content: bytes = b"") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member, content


def _members(files: dict[str, bytes] | None = None) -> list[tuple[tarfile.TarInfo, bytes]]:
    folder = tarfile.TarInfo("cifar-10-batches-py")
    folder.type = tarfile.DIRTYPE
    files = files or _files()  # in the official archive's order
    order = (6, 3, 5, 2, 1, 4, 0)
    members = [(name, files[name]) for name in (FILES[index] for index in order) if name in files]
    members.insert(2, ("readme.html", b"<html>"))
    return [(folder, b""), *(_member(f"cifar-10-batches-py/{name}", content) for name, content in members)]


def _write_archive(path: Path, members: list[tuple[tarfile.TarInfo, bytes]] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members or _members():
            archive.addfile(member, io.BytesIO(content))
    return path


def _refusal(data_dir: Path | None) -> str:
    with pytest.raises(DatasetError) as caught:
        load_cifar10(data_dir)
    text = str(caught.value)
    assert "found " in text
    assert ", expected " in text
    assert "https://www.cs.toronto.edu/~kriz/cifar.html" in text or "--dataset synthetic" in text
    return text


def _assert_is_the_small_set(dataset: Dataset) -> None:
    values = _values()
    rows = np.concatenate([values[name][b"data"] for name in FILES[:5]])
    for images, data in (
        (dataset.train_images, rows),
        (dataset.evaluation_images, values["test_batch"][b"data"]),
    ):
        assert images.shape == (10, 32, 32, 3)
        assert images.dtype == np.uint8
        assert images.flags.c_contiguous
        for image, row, column, channel in ((0, 0, 0, 0), (3, 0, 31, 0), (4, 1, 0, 1), (9, 31, 30, 2)):
            assert images[image, row, column, channel] == data[image, channel * 1024 + row * 32 + column]
        np.testing.assert_array_equal(images.transpose(0, 3, 1, 2).reshape(10, 3072), data)
    for labels in (dataset.train_labels, dataset.evaluation_labels):
        assert labels.dtype == np.int64
        assert labels.tolist() == list(range(10))
    assert dataset.class_names == NAMES


# Where the files are looked for.


def test_the_unpacked_folder_is_read_from_the_folder_that_holds_it(tmp_path: Path) -> None:
    _write_folder(tmp_path / "cifar-10-batches-py")
    _assert_is_the_small_set(load_cifar10(tmp_path))


def test_the_data_dir_may_be_the_unpacked_folder_itself(tmp_path: Path) -> None:
    _assert_is_the_small_set(load_cifar10(_write_folder(tmp_path / "renamed")))


def test_the_archive_is_read_in_any_order_and_nothing_is_unpacked(tmp_path: Path) -> None:
    archive = _write_archive(tmp_path / "data" / "cifar-10-python.tar.gz")
    _assert_is_the_small_set(load_cifar10(archive.parent))
    assert list(archive.parent.iterdir()) == [archive]


def test_folder_and_archive_of_the_same_files_have_the_same_fingerprint(tmp_path: Path) -> None:
    archive = _write_archive(tmp_path / "packed" / "cifar-10-python.tar.gz")
    folder = _write_folder(tmp_path / "unpacked")
    assert load_cifar10(archive.parent).fingerprint == load_cifar10(folder).fingerprint


def test_the_unpacked_folder_goes_before_the_archive(tmp_path: Path) -> None:
    _write_folder(tmp_path / "cifar-10-batches-py")
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"no archive")
    _assert_is_the_small_set(load_cifar10(tmp_path))


def test_a_data_dir_without_the_files_is_an_error_even_where_the_cache_has_them(
    tmp_path: Path, keras_home: Path
) -> None:
    _write_folder(keras_home / "datasets" / "cifar-10-batches-py")
    (tmp_path / "empty").mkdir()
    text = _refusal(tmp_path / "empty")
    assert text.startswith(f"{tmp_path / 'empty'}: found neither, expected a folder with cifar-10-batches-py/ or ")
    assert "give --data-dir the folder that holds the official files" in text
    assert "or use --dataset synthetic" in text


def test_a_data_dir_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    assert "found no such folder" in _refusal(tmp_path / "absent")
    (tmp_path / "file").write_bytes(b"")
    assert "found a file" in _refusal(tmp_path / "file")


def test_files_that_cannot_be_read_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _write_folder(tmp_path / "cifar-10-batches-py")

    def refuse(path: Path, _mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    text = _refusal(folder)
    assert f"{folder}: found files that cannot be read" in text
    assert "Permission denied" in text


@pytest.mark.parametrize(
    "place",
    ["cifar-10-batches-py-target/cifar-10-batches-py", "cifar-10-batches-py"],
    ids=["keras3", "keras2"],
)
def test_the_folders_of_keras_versions_are_found_in_the_cache(keras_home: Path, place: str) -> None:
    _write_folder(keras_home / "datasets" / place)
    _assert_is_the_small_set(load_cifar10(None))


@pytest.mark.parametrize("name", ["cifar-10-python.tar.gz", "cifar-10-batches-py.tar.gz"])
def test_the_archives_of_keras_versions_are_found_in_the_cache(keras_home: Path, name: str) -> None:
    _write_archive(keras_home / "datasets" / name)
    _assert_is_the_small_set(load_cifar10(None))


def test_the_cache_is_in_the_home_folder_where_keras_home_is_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    _write_folder(tmp_path / ".keras" / "datasets" / "cifar-10-batches-py")
    _assert_is_the_small_set(load_cifar10(None))


def test_files_at_hand_are_read_without_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    load = runpy.run_path(str(cifar10.__file__))["load_cifar10"]
    _assert_is_the_small_set(load(_write_folder(tmp_path / "cifar-10-batches-py")))


# Keras's download, from a file:// address.


def _offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, sha256: str | None = None) -> Path:
    """Let Keras download a small archive, under its own checksum unless another is given."""
    archive = _write_archive(tmp_path / "origin" / "cifar-10-python.tar.gz")
    monkeypatch.setattr(cifar10, "ORIGIN", archive.as_uri())
    actual = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(cifar10, "ARCHIVE_SHA256", sha256 or actual)
    return archive


def test_a_download_is_read_and_kept_in_the_cache(
    tmp_path: Path, keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = _offer(tmp_path, monkeypatch)
    _assert_is_the_small_set(load_cifar10(None))
    cached = keras_home / "datasets" / "cifar-10-python.tar.gz"
    assert list(cached.parent.iterdir()) == [cached]
    assert cached.read_bytes() == archive.read_bytes()
    archive.unlink()
    _assert_is_the_small_set(load_cifar10(None))


def _assert_names_three_ways_out(text: str) -> None:
    assert "Keras's download failed" in text
    assert "--data-dir with the official files" in text
    assert "a network for Keras's download" in text
    assert "--dataset synthetic" in text


def test_a_download_of_other_bytes_is_refused_and_leaves_nothing_behind(
    tmp_path: Path, keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _offer(tmp_path, monkeypatch, sha256="0" * 64)
    text = _refusal(None)
    _assert_names_three_ways_out(text)
    assert "expected the file with sha256 " + "0" * 64 in text
    assert list((keras_home / "datasets").iterdir()) == []


def test_a_download_that_fails_names_three_ways_out_and_leaves_nothing_behind(keras_home: Path) -> None:
    text = _refusal(None)
    _assert_names_three_ways_out(text)
    assert f"found no CIFAR-10 in {keras_home / 'datasets'}" in text
    assert list((keras_home / "datasets").iterdir()) == []


@pytest.mark.parametrize("error", [Exception("URL fetch failure"), ValueError("hash"), OSError("disk full")])
def test_whatever_get_file_raises_is_a_dataset_error(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    import keras

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(keras.utils, "get_file", fail)
    text = _refusal(None)
    _assert_names_three_ways_out(text)
    assert f"({type(error).__name__}: {error})" in text


def test_an_interrupted_download_leaves_nothing_that_the_next_run_would_read(
    keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    def interrupt(name: str, _origin: str, *, cache_dir: str, **_: object) -> None:
        (Path(cache_dir) / name).write_bytes(b"half of")
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.utils, "get_file", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_cifar10(None)
    assert list((keras_home / "datasets").iterdir()) == []


def test_a_cache_that_cannot_be_made_is_a_dataset_error(keras_home: Path) -> None:
    keras_home.write_bytes(b"a file where the folder should be")
    _assert_names_three_ways_out(_refusal(None))


# Recognition by published checksums.


def test_the_published_checksums_are_those_of_keras_and_torchvision() -> None:
    sha256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
    assert sha256 == cifar10.ARCHIVE_SHA256
    assert f"cifar-10-python.tar.gz sha256:{sha256}" == cifar10.OFFICIAL_CHECKSUM
    assert tuple(cifar10.OFFICIAL_MD5) == FILES
    assert tuple(cifar10.OFFICIAL_MD5.values()) == (
        "c99cafc152244af753f735de768cd75f",
        "d4bba439e000b95fd0a9bffe97cbabec",
        "54ebc095f3ab1f0389bbae665268c751",
        "634d18415352ddfa80567beed471001a",
        "482c414d41f54cd18b22e5b47cb7c3cb",
        "40351d587109b95175f43aff81a1287e",
        "5ff9c542aee3614f3951f8cda6e48888",
    )


@pytest.mark.parametrize("packed", [False, True])
def test_files_of_the_published_checksums_are_called_cifar10(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    md5 = {name: hashlib.md5(content).hexdigest() for name, content in _files().items()}  # noqa: S324
    monkeypatch.setattr(cifar10, "OFFICIAL_MD5", md5)
    if packed:
        _write_archive(tmp_path / "cifar-10-python.tar.gz")
    else:
        _write_folder(tmp_path / "cifar-10-batches-py")
    dataset = load_cifar10(tmp_path)
    assert dataset.name == "cifar10"
    assert dataset.checksum == cifar10.OFFICIAL_CHECKSUM


@pytest.mark.parametrize("changed", FILES)
def test_one_file_of_other_bytes_makes_the_set_unofficial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    md5 = {name: hashlib.md5(content).hexdigest() for name, content in _files().items()}  # noqa: S324
    monkeypatch.setattr(cifar10, "OFFICIAL_MD5", md5)
    values = _values()
    values[changed][b"note"] = b"another byte"
    dataset = load_cifar10(_write_folder(tmp_path, _files(values)))
    assert dataset.name == "cifar10-unofficial"
    assert dataset.checksum is None
    _assert_is_the_small_set(dataset)


# Files that are missing or of another layout.


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("packed", [False, True])
def test_a_missing_file_is_named(tmp_path: Path, name: str, packed: bool) -> None:
    files = _files()
    del files[name]
    if packed:
        place = _write_archive(tmp_path / "cifar-10-python.tar.gz", _members(files))
    else:
        place = _write_folder(tmp_path / "cifar-10-batches-py", files)
    text = _refusal(tmp_path)
    assert text.startswith(f"{place}: found no {name}, expected the files data_batch_1, ")


@pytest.mark.parametrize(
    ("name", "key", "value", "text"),
    [
        ("data_batch_2", b"data", None, "found nothing under b'data', expected a ndarray"),
        ("data_batch_2", b"data", [1, 2], "found a list under b'data', expected a ndarray"),
        (
            "data_batch_2",
            b"data",
            np.zeros((2, 3071), np.uint8),
            "found data of shape (2, 3071), expected (rows, 3072)",
        ),
        (
            "data_batch_2",
            b"data",
            np.zeros(3072, np.uint8),
            "found data of shape (3072,), expected (rows, 3072)",
        ),
        ("data_batch_2", b"labels", None, "found nothing under b'labels', expected a list"),
        ("data_batch_2", b"labels", (2, 3), "found a tuple under b'labels', expected a list"),
        ("test_batch", b"labels", [1] * 9, "found 9 labels for 10 images, expected as many"),
        ("data_batch_2", b"labels", [2, 10], "found 10 as label of row 1, expected 0 to 9"),
        ("data_batch_2", b"labels", [-1, 2], "found -1 as label of row 0, expected 0 to 9"),
        ("data_batch_2", b"labels", [2, True], "found a bool as label of row 1, expected 0 to 9"),
        ("data_batch_2", b"labels", [b"2", 2], "found a bytes as label of row 0, expected 0 to 9"),
        ("batches.meta", b"label_names", None, "found nothing under b'label_names', expected a list"),
        (
            "batches.meta",
            b"label_names",
            [b"airplane"],
            "found 1 label names [b'airplane'], expected airplane, ",
        ),
        ("batches.meta", b"label_names", [1] * 11, "found 11 label names ['int', "),
        ("batches.meta", b"label_names", [name.encode() for name in reversed(NAMES)], "names [b'truck', "),
    ],
)
def test_an_entry_of_another_layout_is_refused_with_what_was_found(
    tmp_path: Path, name: str, key: bytes, value: Any, text: str
) -> None:
    values = _values()
    if value is None:
        del values[name][key]
    else:
        values[name][key] = value
    folder = _write_folder(tmp_path, _files(values))
    refusal = _refusal(folder)
    assert refusal.startswith(f"{folder}, {name}: found ")
    assert text in refusal


def test_a_pickle_that_is_no_dict_is_refused(tmp_path: Path) -> None:
    files = _files() | {"data_batch_4": python2_pickle([1])}
    assert "data_batch_4: found a pickled list, expected a pickled dict" in _refusal(_write_folder(tmp_path, files))


def test_train_batches_of_unequal_length_are_refused(tmp_path: Path) -> None:
    values = _values() | {"data_batch_3": _batch(3, [4, 5, 6])}
    text = _refusal(_write_folder(tmp_path, _files(values)))
    assert "data_batch_3: found 3 images, expected 2 as in the other train batches" in text


def test_a_hostile_pickle_is_refused_with_its_file_named(tmp_path: Path) -> None:
    files = _files() | {"data_batch_5": b"\x80\x02cposix\nsystem\nU\x04true\x85R."}
    text = _refusal(_write_folder(tmp_path, files))
    assert text.startswith(f"{tmp_path}, data_batch_5: found a pickle that names 'posix.system'")


def test_a_file_larger_than_any_batch_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = _files()
    monkeypatch.setattr(cifar10, "MAXIMUM_FILE_BYTES", max(map(len, files.values())))
    _assert_is_the_small_set(load_cifar10(_write_folder(tmp_path, files)))
    monkeypatch.setattr(cifar10, "MAXIMUM_FILE_BYTES", max(map(len, files.values())) - 1)
    assert "test_batch: found more than " in _refusal(tmp_path)


# Archives that are broken or hostile.


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
    archive = _write_archive(tmp_path / "cifar-10-python.tar.gz", [*_members(), _member(name, b"x")])
    text = _refusal(tmp_path)
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
    member, content = _member("cifar-10-batches-py/data_batch_1")
    member.type, member.linkname = kind, "batches.meta"
    _write_archive(tmp_path / "cifar-10-python.tar.gz", [*_members(), (member, content)])
    text = _refusal(tmp_path)
    assert f"found a link, device or other special member (type {kind!r}), expected files and folders" in text


def test_a_file_that_comes_twice_is_refused(tmp_path: Path) -> None:
    again = _member("./cifar-10-batches-py/test_batch", _files()["test_batch"])
    _write_archive(tmp_path / "cifar-10-python.tar.gz", [*_members(), again])
    assert "test_batch: found the file twice, expected each file once" in _refusal(tmp_path)


def test_files_outside_the_folder_do_not_count(tmp_path: Path) -> None:
    members = [_member(name, content) for name, content in _files().items()]
    _write_archive(tmp_path / "cifar-10-python.tar.gz", members)
    assert "found no batches.meta, data_batch_1, " in _refusal(tmp_path)


def test_a_decompression_bomb_is_refused_unread(tmp_path: Path) -> None:
    member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
    member.size = 2**40
    with gzip.open(tmp_path / "cifar-10-python.tar.gz", "wb") as file:
        file.write(member.tobuf())
    text = _refusal(tmp_path)
    assert "member 'cifar-10-batches-py/data_batch_1': found 1099511627776 bytes, expected 0 to 67108864" in text


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_claims_to_be_huge_is_refused_unread(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("header")
    member.type, member.size = kind, 2**40
    with gzip.open(tmp_path / "cifar-10-python.tar.gz", "wb") as file:
        file.write(member.tobuf(format=tarfile.GNU_FORMAT))
    assert "a header claims 1099511627776 bytes" in _refusal(tmp_path)


def test_a_member_of_negative_size_is_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
    member.size = -1024
    with gzip.open(tmp_path / "cifar-10-python.tar.gz", "wb") as file:
        file.write(member.tobuf(format=tarfile.GNU_FORMAT))
    assert "found -1024 bytes" in _refusal(tmp_path)


def test_an_archive_of_very_many_members_is_refused(tmp_path: Path) -> None:
    members = [_member(f"cifar-10-batches-py/{number}") for number in range(40)]
    _write_archive(tmp_path / "cifar-10-python.tar.gz", members)
    assert "found more than 32 members, expected at most so many" in _refusal(tmp_path)


def test_an_archive_whose_checksum_is_another_is_refused(tmp_path: Path) -> None:
    archive = _write_archive(tmp_path / "cifar-10-python.tar.gz")
    content = bytearray(archive.read_bytes())
    content[-8] ^= 1
    archive.write_bytes(content)
    assert "CRC check failed" in _refusal(tmp_path)


def test_padding_without_end_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = _write_archive(tmp_path / "cifar-10-python.tar.gz")
    monkeypatch.setattr(cifar10, "MAXIMUM_FILE_BYTES", 40_000)
    assert load_cifar10(tmp_path)
    archive.write_bytes(gzip.compress(gzip.decompress(archive.read_bytes()) + bytes(40_000)))
    assert "found 40000 bytes or more behind its end, expected a little padding" in _refusal(tmp_path)


def test_an_archive_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    archive = _write_archive(tmp_path / "cifar-10-python.tar.gz")
    content = archive.read_bytes()
    for length in (*range(0, len(content), len(content) // 20), len(content) - 1):
        archive.write_bytes(content[:length])
        assert _refusal(tmp_path).startswith(str(archive))


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
    assert _refusal(tmp_path).startswith(f"{archive}: found ")
