"""Mutated CIFAR-10 files: the images that the bytes say or the project's own error, and no code is run."""

from __future__ import annotations

import gzip
import io
import pickle
import pickletools
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_models.datasets.cifar10 import ARCHIVE, CLASS_NAMES, FOLDER, OFFICIAL_MD5, TRAIN_BATCHES, load_cifar10
from cifar_models.datasets.dataset import DatasetError
from tests.cifar_models.datasets.test_unpickling import python2_pickle
from tests.fuzz.mutations import hundreds, mutated_bytes, thousands
from tests.fuzz.plain import unpickled
from tests.fuzz.watch import Watch

pytestmark = pytest.mark.fuzz

PROTOCOLS = (0, 2, 3, 4, 5)  # 0 stands for Python 2, which the official files were written by
OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]


def _batch(seed: int, labels: list[int]) -> dict[bytes, Any]:
    images = np.random.default_rng(seed).integers(0, 256, size=(len(labels), 3072), dtype=np.uint8)
    return {b"batch_label": b"a batch", b"labels": labels, b"data": images}


BATCHES: dict[str, dict[bytes, Any]] = {
    **{name: _batch(seed, [seed, seed + 1, 8 - seed, 9 - seed]) for seed, name in enumerate(TRAIN_BATCHES)},
    "test_batch": _batch(9, list(range(10))),
    "batches.meta": {b"num_vis": 3072, b"label_names": [name.encode() for name in CLASS_NAMES]},
}
FILES = {name: python2_pickle(batch) for name, batch in BATCHES.items()}
names = st.sampled_from(sorted(FILES))


def _pickled(value: object, protocol: int) -> bytes:
    return pickle.dumps(value, protocol=protocol) if protocol else python2_pickle(value)


def _load(place: Path, watch: Watch) -> dict[str, np.ndarray[Any, Any]] | None:
    """Return the arrays of a data set; None for a DatasetError, which is all else that may come of it."""
    try:
        with watch:
            dataset = load_cifar10(place)
    except DatasetError as error:
        assert ": found " in str(error)
        assert ", expected " in str(error)
        return None
    assert dataset.name == "cifar10-unofficial"
    parts = ("train_images", "train_labels", "evaluation_images", "evaluation_labels")
    return {part: getattr(dataset, part) for part in parts}


def _assert_says(found: dict[str, np.ndarray[Any, Any]], files: dict[str, bytes]) -> None:
    """Hold a data set against a plain reading of its files."""
    batches = {name: BATCHES[name] if content == FILES[name] else unpickled(content) for name, content in files.items()}
    assert batches["batches.meta"][b"label_names"] == BATCHES["batches.meta"][b"label_names"]
    for part, members in (("train", TRAIN_BATCHES), ("evaluation", ("test_batch",))):
        rows = np.concatenate([batches[name][b"data"] for name in members])
        labels = np.concatenate([batches[name][b"labels"] for name in members])
        # Channel by channel, as the files' description has it.
        images = np.stack([rows[:, start : start + 1024].reshape(-1, 32, 32) for start in (0, 1024, 2048)], axis=-1)
        assert (found[f"{part}_images"].dtype, found[f"{part}_labels"].dtype) == (np.uint8, np.int64)
        assert np.array_equal(found[f"{part}_images"], images)
        assert np.array_equal(found[f"{part}_labels"], labels)


def _read(folder: Path, watch: Watch, name: str, content: bytes) -> bool:
    """Read the seven files with one of them replaced; return whether they are a data set."""
    for other, valid in FILES.items():
        if not (folder / other).exists():
            (folder / other).write_bytes(valid)
    (folder / name).write_bytes(content)
    try:
        found = _load(folder, watch)
    finally:
        (folder / name).write_bytes(FILES[name])
    if found is not None:
        _assert_says(found, FILES | {name: content})
    return found is not None


def test_the_plain_reading_passes_over_frames() -> None:
    assert unpickled(b"\x80\x04\x95" + bytes(8) + b"\x95" + bytes(8) + b"}C\x01aK\x07s.") == {b"a": 7}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_files_as_they_are_are_read(folder: Path, watch: Watch, protocol: int) -> None:
    assert all(_read(folder, watch, name, _pickled(batch, protocol)) for name, batch in BATCHES.items())


@thousands
@given(data=st.data(), name=names, protocol=st.sampled_from(PROTOCOLS))
def test_bytes(folder: Path, watch: Watch, data: st.DataObject, name: str, protocol: int) -> None:
    _read(folder, watch, name, data.draw(mutated_bytes(_pickled(BATCHES[name], protocol), OPCODES)))


arrays = st.builds(
    np.zeros,
    st.lists(st.integers(0, 4), max_size=3).map(tuple) | st.tuples(st.integers(0, 4), st.sampled_from([3071, 3072])),
    st.sampled_from(["u1", "i1", "u2", "i8", "f4", "O", "S3", "M8[s]"]),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5) | arrays,
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.binary(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@thousands
@given(data=st.data(), name=names, protocol=st.sampled_from(PROTOCOLS[1:]))
def test_entries(folder: Path, watch: Watch, data: st.DataObject, name: str, protocol: int) -> None:
    batch: Any = dict(BATCHES[name])
    key = data.draw(st.sampled_from(sorted(batch)))
    match data.draw(st.sampled_from(["replace", "remove", "shorten", "another type of key", "all"])):
        case "replace":
            batch[key] = data.draw(values)
        case "remove":
            del batch[key]
        case "shorten" if not isinstance(batch[key], int):
            batch[key] = batch[key][: data.draw(st.integers(0, 9))]
        case "another type of key":
            batch[key.decode()] = batch.pop(key)
        case "all":
            batch = data.draw(values)
    _read(folder, watch, name, _pickled(batch, protocol))


def _archive() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in FILES.items():
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


TAR = _archive()
ARCHIVED = gzip.compress(TAR, compresslevel=1)
HEADERS = [b"ustar", b"\0" * 512, b"1", b"5", b"g", b"x", b"L", b"S", b"00000014000\0", b"../", b"/"]


@thousands
@given(data=st.data())
def test_an_archive(folder: Path, watch: Watch, data: st.DataObject) -> None:
    inside = data.draw(st.booleans())
    mutated = data.draw(mutated_bytes(TAR, HEADERS) if inside else mutated_bytes(ARCHIVED))
    content = gzip.compress(mutated, compresslevel=1) if inside else mutated
    place = folder / "archived"
    place.mkdir(exist_ok=True)
    (place / ARCHIVE).write_bytes(content)
    found = _load(place, watch)
    if found is None:
        return
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content)), mode="r:") as tar:  # gzip checks its checksum
        members = {member.name: tar.extractfile(member) for member in tar if member.isreg()}
    files = {PurePosixPath(name).name: file.read() for name, file in members.items() if file}
    _assert_says(found, {name: files[name] for name in OFFICIAL_MD5})


CALLS = {
    "INST": b"(S'{canary}'\nios\nmkdir\n.",
    "GLOBAL and REDUCE": b"\x80\x02cos\nmkdir\nX{length}{canary}\x85R.",
    "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x05mkdir\x93X{length}{canary}\x85R.",
    "OBJ": b"\x80\x02(cos\nmkdir\nX{length}{canary}o.",
    "a dtype's name": b"\x80\x02cnumpy\ndtype\ncos\nmkdir\nX{length}{canary}\x85R\x85R.",
    "a key": b"\x80\x02}cos\nmkdir\nX{length}{canary}\x85RK\x01s.",
}


def _calling(how: str, canary: Path) -> bytes:
    path = str(canary).encode()
    return CALLS[how].replace(b"{length}", len(path).to_bytes(4, "little")).replace(b"{canary}", path)


@pytest.mark.parametrize("how", CALLS)
def test_a_call_that_pickle_makes_is_not_made(folder: Path, watch: Watch, tmp_path: Path, how: str) -> None:
    canary = tmp_path / "canary"
    content = _calling(how, canary)
    try:
        pickle.loads(content)
    except TypeError:  # a dtype of None
        assert how == "a dtype's name"
    canary.rmdir()  # so the call was made
    for name in ("data_batch_1", "batches.meta"):
        _read(folder, watch, name, content)
    assert not canary.exists()


class _Call:
    """What pickle makes a folder of."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.canary,)


@hundreds
@given(data=st.data(), name=names, protocol=st.integers(0, 5))
def test_a_call_anywhere_in_a_batch_is_not_made(
    folder: Path, watch: Watch, data: st.DataObject, name: str, protocol: int
) -> None:
    canary = folder / "canary"
    batch = dict(BATCHES[name])
    key = data.draw(st.sampled_from(sorted(batch)))
    entry, call = batch[key], _Call(canary)
    within = [*entry, call] if isinstance(entry, list) else (entry, call)
    batch[key] = data.draw(st.sampled_from([call, [call], within]))
    content = pickle.dumps(batch, protocol=protocol)
    _read(folder, watch, name, data.draw(st.just(content) | mutated_bytes(content, OPCODES)))
    assert not canary.exists()
