"""CIFAR-10's files: found in every container, read and recognised, on small files of the tests' own making."""

from __future__ import annotations

import hashlib
import inspect
import runpy
import sys
from pathlib import Path

import pytest

from cifar_models.datasets import archive, cifar10
from cifar_models.datasets.cifar10 import ORIGIN, load_cifar10
from tests.cifar_models.datasets.cifar10_files import (
    CONTAINERS,
    assert_is_the_small_set,
    binary_files,
    make_arrays,
    make_batch,
    make_members,
    make_values,
    pickled_files,
    refusal_of,
    write_archive,
    write_folder,
    write_npz,
)

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the real cache and the network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(cifar10, "ORIGIN", (tmp_path / "nowhere" / "cifar-10-python.tar.gz").as_uri())
    return tmp_path / "keras"


# Where the files are looked for.


def test_the_unpacked_folder_is_read_from_the_folder_that_holds_it(tmp_path: Path) -> None:
    write_folder(tmp_path / "cifar-10-batches-py")
    assert_is_the_small_set(load_cifar10(tmp_path))


def test_the_data_dir_may_be_the_unpacked_folder_itself(tmp_path: Path) -> None:
    assert_is_the_small_set(load_cifar10(write_folder(tmp_path / "renamed")))


def test_the_archive_is_read_in_any_order_and_nothing_is_unpacked(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "data" / "cifar-10-python.tar.gz")
    assert_is_the_small_set(load_cifar10(archive.parent))
    assert list(archive.parent.iterdir()) == [archive]


def test_the_unpacked_folder_goes_before_the_archive(tmp_path: Path) -> None:
    write_folder(tmp_path / "cifar-10-batches-py")
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"no archive")
    assert_is_the_small_set(load_cifar10(tmp_path))


def test_a_data_dir_without_the_files_is_an_error_even_where_the_cache_has_them(
    tmp_path: Path, keras_home: Path
) -> None:
    write_folder(keras_home / "datasets" / "cifar-10-batches-py")
    (tmp_path / "empty").mkdir()
    text = refusal_of(tmp_path / "empty")
    assert text.startswith(f"{tmp_path / 'empty'}: found none of them, expected a folder with cifar-10-batches-py/, ")
    assert "give --data-dir the folder that holds the official files" in text
    assert "or use --dataset synthetic" in text


def test_a_data_dir_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    assert "found no such folder" in refusal_of(tmp_path / "absent")
    (tmp_path / "file").write_bytes(b"")
    assert "found a file" in refusal_of(tmp_path / "file")


def test_files_that_cannot_be_read_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path / "cifar-10-batches-py")

    def refuse(path: Path, _mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    text = refusal_of(folder)
    assert f"{folder}: found files that cannot be read" in text
    assert "Permission denied" in text


@pytest.mark.parametrize(
    "place",
    ["cifar-10-batches-py-target/cifar-10-batches-py", "cifar-10-batches-py"],
    ids=["keras3", "keras2"],
)
def test_the_folders_of_keras_versions_are_found_in_the_cache(keras_home: Path, place: str) -> None:
    write_folder(keras_home / "datasets" / place)
    assert_is_the_small_set(load_cifar10(None))


@pytest.mark.parametrize("name", ["cifar-10-python.tar.gz", "cifar-10-batches-py.tar.gz"])
def test_the_archives_of_keras_versions_are_found_in_the_cache(keras_home: Path, name: str) -> None:
    write_archive(keras_home / "datasets" / name)
    assert_is_the_small_set(load_cifar10(None))


def test_the_cache_is_in_the_home_folder_where_keras_home_is_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    write_folder(tmp_path / ".keras" / "datasets" / "cifar-10-batches-py")
    assert_is_the_small_set(load_cifar10(None))


def test_files_at_hand_are_read_without_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    load = runpy.run_path(str(cifar10.__file__))["load_cifar10"]
    assert_is_the_small_set(load(write_folder(tmp_path / "cifar-10-batches-py")))


# Keras's download, from a file:// address.


def _offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, sha256: str | None = None) -> Path:
    """Let Keras download a small archive, under its own checksum unless another is given."""
    archive = write_archive(tmp_path / "origin" / "cifar-10-python.tar.gz")
    monkeypatch.setattr(cifar10, "ORIGIN", archive.as_uri())
    actual = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(cifar10, "ARCHIVE_SHA256", sha256 or actual)
    return archive


def test_a_download_is_read_and_kept_in_the_cache(
    tmp_path: Path, keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = _offer(tmp_path, monkeypatch)
    assert_is_the_small_set(load_cifar10(None))
    cached = keras_home / "datasets" / "cifar-10-python.tar.gz"
    assert list(cached.parent.iterdir()) == [cached]
    assert cached.read_bytes() == archive.read_bytes()
    archive.unlink()
    assert_is_the_small_set(load_cifar10(None))


def _assert_names_three_ways_out(text: str) -> None:
    assert "Keras's download failed" in text
    assert "give --data-dir a folder with the official files" in text
    assert "connect to a network for the download" in text
    assert "--dataset synthetic" in text


def test_a_download_of_other_bytes_is_refused_and_leaves_nothing_behind(
    tmp_path: Path, keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _offer(tmp_path, monkeypatch, sha256="0" * 64)
    text = refusal_of(None)
    _assert_names_three_ways_out(text)
    assert "expected the file with sha256 " + "0" * 64 in text
    assert list((keras_home / "datasets").iterdir()) == []


def test_a_download_that_fails_names_three_ways_out_and_leaves_nothing_behind(keras_home: Path) -> None:
    text = refusal_of(None)
    _assert_names_three_ways_out(text)
    assert f"found no CIFAR-10 in {keras_home / 'datasets'}" in text
    assert list((keras_home / "datasets").iterdir()) == []


@pytest.mark.parametrize("error", [Exception("URL fetch failure"), ValueError("hash"), OSError("disk full")])
def test_whatever_get_file_raises_is_a_dataset_error(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    import keras

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(keras.utils, "get_file", fail)
    text = refusal_of(None)
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
    _assert_names_three_ways_out(refusal_of(None))


# Recognition by images and labels, in whatever container.


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_data_set(tmp_path: Path, container: str) -> None:
    CONTAINERS[container](tmp_path / "data")
    dataset = load_cifar10(tmp_path / "data")
    assert_is_the_small_set(dataset)
    assert dataset.name == "cifar10-unofficial"
    assert dataset.fingerprint == load_cifar10(write_folder(tmp_path / "pickles")).fingerprint


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_official_images_are_called_cifar10_in_every_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, container: str
) -> None:
    official = load_cifar10(write_folder(tmp_path / "pickles")).fingerprint
    monkeypatch.setattr(cifar10, "OFFICIAL_FINGERPRINT", official)
    CONTAINERS[container](tmp_path / "data")
    dataset = load_cifar10(tmp_path / "data")
    assert (dataset.name, dataset.fingerprint) == ("cifar10", official)


def test_pickles_with_other_bytes_around_the_same_images_are_official_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    official = load_cifar10(write_folder(tmp_path / "official")).fingerprint
    monkeypatch.setattr(cifar10, "OFFICIAL_FINGERPRINT", official)
    values = make_values()
    values["data_batch_1"][b"filenames"] = [b"a.png", b"b.png"]
    assert load_cifar10(write_folder(tmp_path / "other", pickled_files(values))).name == "cifar10"


@pytest.mark.parametrize("key", ["x_train", "y_train", "x_test", "y_test"])
def test_one_other_pixel_or_label_makes_the_set_unofficial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    official = load_cifar10(write_folder(tmp_path / "official")).fingerprint
    monkeypatch.setattr(cifar10, "OFFICIAL_FINGERPRINT", official)
    arrays = make_arrays()
    arrays[key][:2] = arrays[key][1::-1]
    assert load_cifar10(write_npz(tmp_path / "npz" / "c.npz", arrays).parent).name == "cifar10-unofficial"


def test_the_download_s_checksum_is_keras_s() -> None:
    import keras

    source = Path(inspect.getfile(keras.datasets.cifar10.load_data)).read_text(encoding="utf-8")
    assert cifar10.ARCHIVE_SHA256 in source
    assert ORIGIN in source


# Which of several is read.


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_binary_folder_may_be_the_data_dir_and_goes_before_what_lies_beside_it(
    tmp_path: Path, container: str
) -> None:
    CONTAINERS[container](tmp_path)
    first = load_cifar10(tmp_path).fingerprint
    files = binary_files()
    files["test_batch.bin"] = files["test_batch.bin"][:-1] + b"\0"
    write_folder(tmp_path, files)
    assert load_cifar10(tmp_path).fingerprint != first


def test_several_npz_files_are_refused(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_npz(tmp_path / name)
    assert "found several .npz files (a.npz, b.npz), expected a folder with " in refusal_of(tmp_path)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("version", ["python", "binary"])
@pytest.mark.parametrize("position", range(7))
def test_a_missing_file_is_named(tmp_path: Path, packed: bool, version: str, position: int) -> None:
    files, folder = (pickled_files(), "cifar-10-batches-py")
    if version == "binary":
        files, folder = (binary_files(), "cifar-10-batches-bin")
    name = sorted(files)[position]
    del files[name]
    if packed:
        place = write_archive(tmp_path / f"cifar-10-{version}.tar.gz", make_members(files, folder))
    else:
        place = write_folder(tmp_path / folder, files)
    text = refusal_of(tmp_path)
    assert text.startswith(f"{place}: found no {name}, expected the files data_batch_1")


def test_an_empty_folder_of_either_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-batches-bin").mkdir()
    assert "found no batches.meta.txt, data_batch_1.bin, " in refusal_of(tmp_path)
    (tmp_path / "cifar-10-batches-py").mkdir()
    assert "found no batches.meta, data_batch_1, " in refusal_of(tmp_path)


def test_train_batches_of_unequal_length_are_refused(tmp_path: Path) -> None:
    values = make_values() | {"data_batch_3": make_batch(3, [4, 5, 6])}
    text = refusal_of(write_folder(tmp_path, pickled_files(values)))
    assert "data_batch_3: found 3 images, expected 2 as in the other train batches" in text


def test_a_file_larger_than_any_batch_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = pickled_files()
    monkeypatch.setattr(archive, "MAXIMUM_FILE_BYTES", max(map(len, files.values())))
    assert_is_the_small_set(load_cifar10(write_folder(tmp_path, files)))
    monkeypatch.setattr(archive, "MAXIMUM_FILE_BYTES", max(map(len, files.values())) - 1)
    assert "test_batch: found more than " in refusal_of(tmp_path)
