"""Mutated model files and weights: the weights that the bytes say or the project's own error, and no code is run."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_models.datasets.normalization import unit_scale
from cifar_models.models import pretrained
from cifar_models.models.pretrained import WEIGHTS_FILES, WeightsError, imagenet_weights
from cifar_models.models.saved_model import (
    CLASS_NAMES,
    Classifier,
    ModelFileError,
    load_classifier,
    on_pixels,
    save_classifier,
)
from tests.fuzz.mutations import JSON_WORDS, hundreds, mutated_bytes, mutated_json
from tests.fuzz.plain import parsed
from tests.fuzz.watch import CODE, Watch

pytestmark = [
    pytest.mark.fuzz,
    # Keras 3.15 turns TensorFlow's variables into arrays in a way that NumPy 2.4 finds old.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

NAME = WEIGHTS_FILES["vgg16"].name
CANARY = "canary"


def _small_vgg16(_: str = "vgg16") -> keras.Model:
    images = keras.Input((32, 32, 3))
    return keras.Model(images, keras.layers.Conv2D(4, 3, name="block1_conv1")(images), name="vgg16")


def _calling(function: str, module: str, *arguments: Any) -> dict[str, Any]:
    """Return a layer that calls a function by its name, as files have done that got around Keras's safe mode."""
    named = {"module": module, "class_name": "function", "config": function, "registered_name": function}
    config = {"name": "call", "trainable": True, "dtype": "float32", "function": named, "arguments": arguments}
    return {"module": "keras.layers", "class_name": "Lambda", "config": config, "registered_name": None}


@pytest.fixture(scope="module")
def watch() -> Watch:
    """Watches over a reading by Keras, which unpacks weights into a temporary folder."""
    return Watch(CODE - {"os.mkdir", "os.remove", "shutil.rmtree"})


@pytest.fixture
def canary(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in the folder, so that a file's code needs only a name to leave something there."""
    monkeypatch.chdir(folder)
    return folder / CANARY


HOSTILE: list[Any] = [
    {"module": module, "class_name": name, "config": config, "registered_name": name}
    for module, name, config in (
        ("os", "mkdir", {"path": CANARY}),
        ("os", "mkdir", CANARY),
        ("os", "function", "mkdir"),
        ("posix", "mkdir", {"path": CANARY}),
        ("builtins", "exec", f"import os; os.mkdir('{CANARY}')"),
        ("builtins", "function", "exec"),
        ("subprocess", "Popen", {"args": ["mkdir", CANARY]}),
        ("pathlib", "Path", CANARY),
        ("keras.layers", "TFSMLayer", {"filepath": CANARY}),
        ("keras.src.utils.file_utils", "function", "get_file"),
    )
]
HOSTILE += [
    _calling("mkdir", "os", CANARY),
    _calling("exec", "builtins", f"import os; os.mkdir('{CANARY}')"),
    {"class_name": "__lambda__", "config": {"code": "4wAAAAA=", "defaults": None, "closure": None}},
    {"class_name": "__tensor__", "config": {"value": [0.0], "dtype": "float32"}},
]
# Small numbers: a layer of as many units as a file likes is made before it is looked at.
config_values = st.sampled_from(HOSTILE) | st.none() | st.booleans() | st.integers(-2, 12) | st.text(max_size=4)


def _saved(path: Path, features: keras.KerasTensor, images: keras.KerasTensor) -> dict[str, bytes]:
    """Return what the file of a model is made of, from images by their features to ten probabilities."""
    model = keras.Model(images, keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(features)))
    save_classifier(path, Classifier(on_pixels(model, unit_scale), tuple("abcdefghij")))
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def members(folder: Path) -> dict[str, bytes]:
    """What a model file is made of."""
    images = keras.Input((32, 32, 3))
    features = keras.layers.Conv2D(2, 8, strides=8, activation="relu")(images)
    return _saved(folder / "model.keras", features, images)


def _leaving_a_canary() -> keras.layers.Layer:
    return keras.layers.Lambda(lambda x: (__import__("os").makedirs("canary", exist_ok=True), x)[1])


@pytest.fixture
def carrier(folder: Path, canary: Path) -> dict[str, bytes]:
    """What a model file is made of whose code makes the canary."""
    images = keras.Input((32, 32, 3))
    members = _saved(folder / "carrier.keras", _leaving_a_canary()(images), images)
    canary.rmdir()
    return members


def _archive(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # without the time of day
    return stream.getvalue()


@st.composite
def _mutated(draw: st.DrawFn, members: dict[str, bytes]) -> bytes:
    """Draw a model file near a valid one: one of its members, or the archive around them, is another."""
    name = draw(st.sampled_from([*members, *["config.json"] * 4, "the archive"]))
    if name == "the archive":
        return draw(mutated_bytes(_archive(members)))
    content = members[name]
    if name.endswith(".json"):
        texts = mutated_json(json.loads(content), config_values).map(str.encode)
        return _archive(members | {name: draw(texts | texts | mutated_bytes(content, JSON_WORDS))})
    return _archive(members | {name: draw(mutated_bytes(content))})


def _arrays(group: h5py.Group) -> list[np.ndarray[Any, Any]]:
    """Return the arrays of a file that can be read, whose damage does not affect its weights."""
    found: list[np.ndarray[Any, Any]] = []
    with suppress(KeyError, OSError, RuntimeError, ValueError):
        for name in group:
            with suppress(KeyError, OSError, RuntimeError, ValueError):
                item = group[name]
                found += [item[()]] if isinstance(item, h5py.Dataset) else _arrays(item)
    return found


def _holds(arrays: list[np.ndarray[Any, Any]], weights: list[np.ndarray[Any, Any]]) -> bool:
    """Return whether each of the weights is one of the arrays."""
    return all(any(np.array_equal(weight, array, equal_nan=True) for array in arrays) for weight in weights)


def _examples(strategy: st.SearchStrategy[bytes]) -> list[bytes]:
    """Draw some hundred files, all before Keras reads the first, which could bear on what is drawn."""
    found: list[bytes] = []

    @hundreds
    @given(content=strategy)
    def draw(content: bytes) -> None:
        found.append(content)

    draw()
    return found


def test_a_model_file(
    folder: Path, canary: Path, watch: Watch, members: dict[str, bytes], carrier: dict[str, bytes]
) -> None:
    path = folder / "mutated.keras"
    path.write_bytes(_archive(members))
    assert load_classifier(path)
    for content in _examples(_mutated(members)) + _examples(_mutated(carrier)):
        path.write_bytes(content)
        try:
            with watch:
                classifier = load_classifier(path)
        except ModelFileError as error:
            assert str(error).startswith(f"{path}: ")
            assert "\n" not in str(error)
            continue
        finally:
            assert not canary.exists(), content
        with zipfile.ZipFile(path) as archive:
            assert list(classifier.class_names) == parsed(archive.read(CLASS_NAMES))
            with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
                assert _holds(_arrays(file), classifier.model.get_weights())


@pytest.fixture(scope="module")
def weights_file(folder: Path) -> bytes:
    """A file in the form of Keras's own, which is that of Keras 1."""
    kernel, bias = _small_vgg16().get_weights()
    with h5py.File(folder / "valid.h5", "w") as file:
        file.attrs["layer_names"] = [b"block1_conv1"]
        group = file.create_group("block1_conv1")
        group.attrs["weight_names"] = [b"kernel", b"bias"]
        group.create_dataset("kernel", data=kernel)
        group.create_dataset("bias", data=bias)
    return (folder / "valid.h5").read_bytes()


def test_weights(folder: Path, watch: Watch, weights_file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "build_backbone", _small_vgg16)
    path = folder / NAME
    path.write_bytes(weights_file)
    assert imagenet_weights("vgg16", folder)
    for content in _examples(mutated_bytes(weights_file)):
        path.write_bytes(content)
        try:
            with watch:
                weights = imagenet_weights("vgg16", folder)
        except WeightsError as error:
            assert str(error).startswith(f"{path}: ")
            continue
        with h5py.File(path) as file:
            assert _holds(_arrays(file), weights.layers["block1_conv1"])


@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_a_whole_model_in_place_of_weights_runs_none_of_its_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.chdir(tmp_path)
    canary = tmp_path / CANARY
    model = _small_vgg16()
    calling = _leaving_a_canary()
    whole = tmp_path / f"model{ending}"
    keras.Model(model.input, calling(model.output)).save(whole)
    canary.rmdir()
    keras.models.load_model(whole, safe_mode=False)
    canary.rmdir()  # so the file does carry what makes it

    whole.rename(tmp_path / NAME)
    monkeypatch.setattr(pretrained, "build_backbone", _small_vgg16)
    with suppress(WeightsError):
        imagenet_weights("vgg16", tmp_path)
    assert not canary.exists()
