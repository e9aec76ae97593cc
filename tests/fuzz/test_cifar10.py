"""Mutated CIFAR-10 files: the images that the bytes say or the project's own error, and no code is run."""

from __future__ import annotations

import gzip
import io
import pickle
import pickletools
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_models.datasets.batches import BINARY, CLASS_NAMES, PYTHON, Layout
from cifar_models.datasets.cifar10 import load_cifar10
from cifar_models.datasets.dataset import DatasetError
from tests.cifar_models.datasets.test_unpickling import python2_pickle
from tests.fuzz.mutations import a_thousand, hundreds, mutated_bytes
from tests.fuzz.plain import unpickled
from tests.fuzz.watch import Watch

pytestmark = pytest.mark.fuzz

PROTOCOLS = (0, 2, 3, 4, 5)  # 0 stands for Python 2, which the official files were written by
OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]


def _batch(seed: int, labels: list[int]) -> dict[bytes, Any]:
    images = np.random.default_rng(seed).integers(0, 256, size=(len(labels), 3072), dtype=np.uint8)
    return {b"batch_label": b"a batch", b"labels": labels, b"data": images}


BATCHES: dict[str, dict[bytes, Any]] = {
    **{name: _batch(seed, [seed, seed + 1, 8 - seed, 9 - seed]) for seed, name in enumerate(PYTHON.train)},
    "test_batch": _batch(9, list(range(10))),
    "batches.meta": {b"num_vis": 3072, b"label_names": [name.encode() for name in CLASS_NAMES]},
}
FILES = {name: python2_pickle(batch) for name, batch in BATCHES.items()}
names = st.sampled_from(sorted(FILES))


def _pickled(value: object, protocol: int) -> bytes:
    return pickle.dumps(value, protocol=protocol) if protocol else python2_pickle(value)


def _load(place: Path, watch: Watch) -> dict[str, np.ndarray[Any, Any]] | None:
    """Return the arrays of a data set; None for a DatasetError, the only error that is allowed."""
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
    """Compare a data set with a plain reading of its files."""
    batches = {name: BATCHES[name] if content == FILES[name] else unpickled(content) for name, content in files.items()}
    assert batches["batches.meta"][b"label_names"] == BATCHES["batches.meta"][b"label_names"]
    for part, members in (("train", PYTHON.train), ("evaluation", (PYTHON.test,))):
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


@a_thousand
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


@a_thousand
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


def _binary(batch: dict[bytes, Any]) -> bytes:
    """Return a batch as the binary version has it."""
    if b"label_names" in batch:
        return b"\n".join([*batch[b"label_names"], b"", b""])
    return b"".join(bytes([label]) + row.tobytes() for label, row in zip(batch[b"labels"], batch[b"data"], strict=True))


BINARY_FILES = dict(zip(BINARY.names, (_binary(BATCHES[name]) for name in PYTHON.names), strict=True))


def _from_binary(name: str, content: bytes) -> tuple[str, bytes]:
    """Return a file of the binary version as one of the Python version, by a plain reading."""
    name = PYTHON.names[BINARY.names.index(name)]
    if name == PYTHON.meta:
        return name, pickle.dumps({b"label_names": content.split()}, protocol=2)
    records = [content[start : start + 3073] for start in range(0, len(content), 3073)]
    rows = np.array([list(record[1:]) for record in records], np.uint8)
    return name, pickle.dumps({b"labels": [record[0] for record in records], b"data": rows}, protocol=2)


@a_thousand
@given(data=st.data(), name=st.sampled_from(sorted(BINARY_FILES)))
def test_a_binary_file(folder: Path, watch: Watch, data: st.DataObject, name: str) -> None:
    place = folder / "binary"
    place.mkdir(exist_ok=True)
    records = st.integers(0, 4).map(lambda count: BINARY_FILES[name][: count * 3073])
    files = BINARY_FILES | {name: data.draw(mutated_bytes(BINARY_FILES[name], CLASS_WORDS) | records)}
    for each, content in files.items():
        (place / each).write_bytes(content)
    found = _load(place, watch)
    if found is not None:
        _assert_says(found, dict(_from_binary(*file) for file in files.items()))


CLASS_WORDS = [b"\n", b" ", b"\0", b"cat", b"cat\n", b"\x0a" + bytes(3072), bytes(3073)]
VERSIONS: dict[str, tuple[Layout, dict[str, bytes]]] = {"python": (PYTHON, FILES), "binary": (BINARY, BINARY_FILES)}


def _archive(layout: Layout, files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{layout.folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


TARS = {version: _archive(*of) for version, of in VERSIONS.items()}
ARCHIVED = {version: gzip.compress(tar, compresslevel=1) for version, tar in TARS.items()}
HEADERS = [b"ustar", b"\0" * 512, b"1", b"5", b"g", b"x", b"L", b"S", b"00000014000\0", b"../", b"/"]


@a_thousand
@given(data=st.data(), version=st.sampled_from(sorted(VERSIONS)))
def test_an_archive(folder: Path, watch: Watch, data: st.DataObject, version: str) -> None:
    layout, _ = VERSIONS[version]
    inside = data.draw(st.booleans())
    mutated = data.draw(mutated_bytes(TARS[version], HEADERS) if inside else mutated_bytes(ARCHIVED[version]))
    content = gzip.compress(mutated, compresslevel=1) if inside else mutated
    place = folder / f"archived {version}"
    place.mkdir(exist_ok=True)
    (place / layout.archive).write_bytes(content)
    found = _load(place, watch)
    if found is None:
        return
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content)), mode="r:") as tar:  # gzip checks its checksum
        members = {member.name: tar.extractfile(member) for member in tar if member.isreg()}
    files = {PurePosixPath(name).name: file.read() for name, file in members.items() if file}
    files = {name: files[name] for name in layout.names}
    _assert_says(found, files if layout is PYTHON else dict(_from_binary(*file) for file in files.items()))


def _split(members: Sequence[str]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rows = np.concatenate([BATCHES[name][b"data"] for name in members])
    labels = np.concatenate([BATCHES[name][b"labels"] for name in members])
    return np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), labels.astype(np.uint8)[:, None]


ARRAYS = dict(
    zip(("x_train", "y_train", "x_test", "y_test"), (*_split(PYTHON.train), *_split([PYTHON.test])), strict=True)
)
NPZ_WORDS = [b"PK\1\2", b"PK\3\4", b"PK\5\6", b"|u1", b"|O8", b"<i8", b"(10, 1)", b"True", b"x_train.npy", b"\xff" * 4]


def _npz(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # without the time of day
    return stream.getvalue()


def _npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


NPY = {f"{key}.npy": _npy(array) for key, array in ARRAYS.items()}


@st.composite
def _mutated_npz(draw: st.DrawFn) -> bytes:
    name = draw(st.sampled_from(sorted(NPY)))
    match draw(st.sampled_from(["the archive", "an array's bytes", "its header", "another array"])):
        case "the archive":
            return draw(mutated_bytes(_npz(NPY), NPZ_WORDS))
        case "an array's bytes":
            return _npz(NPY | {name: draw(mutated_bytes(NPY[name], NPZ_WORDS))})
        case "its header":
            header = draw(mutated_bytes(NPY[name][:128], NPZ_WORDS))
            return _npz(NPY | {name: header + NPY[name][128:]})
        case _:
            return _npz(NPY | {name: _npy(draw(arrays | labels))})


labels = st.builds(
    lambda shape, start, dtype: (np.arange(np.prod(shape)) % 10 + start).reshape(shape).astype(dtype),
    st.sampled_from([(20,), (20, 1), (1, 20), (10,), (10, 1), (10, 10)]),
    st.sampled_from([0, 0, -1, 1]),
    st.sampled_from(["u1", "i1", ">i8", "u8", "f4", "?", "O"]),
)


@a_thousand
@given(data=st.data())
def test_an_npz(folder: Path, watch: Watch, data: st.DataObject) -> None:
    content = data.draw(_mutated_npz())
    place = folder / "npz"
    place.mkdir(exist_ok=True)
    (place / "cifar10.npz").write_bytes(content)
    found = _load(place, watch)
    if found is None:
        return
    with np.lib.npyio.NpzFile(io.BytesIO(content), allow_pickle=False) as expected:  # whatever lies before the archive
        for part, key in (("train", "train"), ("evaluation", "test")):
            assert np.array_equal(found[f"{part}_images"], expected[f"x_{key}"])
            assert np.array_equal(found[f"{part}_labels"], expected[f"y_{key}"].ravel())


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
