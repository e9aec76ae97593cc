"""A saved model is the whole one, from pixels to class names; a file that is none, or carries code, is refused."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from cifar_models.datasets.normalization import FITS, imagenet_caffe, unit_scale
from cifar_models.models.saved_model import (
    CLASS_NAMES,
    Classifier,
    ModelFileError,
    load_classifier,
    on_pixels,
    save_classifier,
)

pytestmark = [
    pytest.mark.unit,
    # Keras 3.15 turns TensorFlow's variables into arrays in a way that NumPy 2.4 finds old.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

NAMES = tuple("abcdefghij")
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Build a model that has been compiled, as one that was trained is."""
    images = keras.Input((32, 32, 3))
    features = layers.Conv2D(2, 8, strides=8, activation="relu")(images)
    model = keras.Model(images, layers.Dense(10, activation="softmax")(layers.Flatten()(features)), name="small")
    model.compile("adam", "categorical_crossentropy")
    return model


@pytest.fixture(scope="module")
def saved(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    save_classifier(path, Classifier(on_pixels(model, unit_scale), NAMES))
    return path


@pytest.mark.parametrize("name", FITS)
def test_the_model_on_pixels_normalizes_as_the_training_did(model: keras.Model, name: str) -> None:
    normalize = FITS[name](IMAGES)
    expected = model(normalize(IMAGES)).numpy()
    np.testing.assert_allclose(on_pixels(model, normalize)(IMAGES).numpy(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", FITS)
def test_it_normalizes_in_float32_also_where_the_training_was_in_float16(model: keras.Model, name: str) -> None:
    normalize = FITS[name](IMAGES)
    expected = on_pixels(model, normalize)(IMAGES).numpy()
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        found = on_pixels(model, normalize)(IMAGES).numpy()
    finally:
        keras.config.set_dtype_policy(policy)
    np.testing.assert_array_equal(found, expected)


def test_a_normalization_that_cannot_be_saved_is_refused(model: keras.Model) -> None:
    with pytest.raises(ValueError, match=r"normalization: found .*expected one that a saved model can apply by itself"):
        on_pixels(model, lambda images: images.astype(np.float32))


def test_what_was_saved_is_loaded(model: keras.Model, saved: Path) -> None:
    loaded = load_classifier(saved)
    assert loaded.class_names == NAMES
    np.testing.assert_allclose(loaded.predict(IMAGES), model(unit_scale(IMAGES)).numpy(), rtol=1e-4, atol=1e-6)


def test_a_model_that_resizes_is_saved_with_its_input_size(tmp_path: Path) -> None:
    images = keras.Input((32, 32, 3))
    features = layers.Conv2D(2, 8, strides=8, activation="relu")(layers.Resizing(48, 48)(images))
    model = keras.Model(images, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(features)))
    save_classifier(tmp_path / "model.keras", Classifier(on_pixels(model, imagenet_caffe), NAMES))
    loaded = load_classifier(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(IMAGES), model(imagenet_caffe(IMAGES)).numpy(), rtol=1e-4, atol=1e-6)


def test_moving_averages_are_saved_and_loaded(tmp_path: Path) -> None:
    images = keras.Input((32, 32, 3))
    features = layers.BatchNormalization(name="normalization")(layers.AveragePooling2D(16)(images))
    model = keras.Model(images, layers.Dense(10, activation="softmax")(layers.Flatten()(features)))
    for weight in model.get_layer("normalization").weights:
        weight.assign([0.5, 2.0, 3.0])
    save_classifier(tmp_path / "model.keras", Classifier(on_pixels(model, unit_scale), NAMES))
    loaded = load_classifier(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(IMAGES), model(unit_scale(IMAGES)).numpy(), rtol=1e-4, atol=1e-6)


def test_keras_alone_loads_it_too_and_without_an_optimizer(saved: Path) -> None:
    loaded = keras.saving.load_model(saved)
    assert "optimizer" not in zipfile.ZipFile(saved).read("config.json").decode().lower()
    np.testing.assert_allclose(loaded(IMAGES).numpy().sum(axis=1), 1, rtol=1e-5)


def test_nothing_else_is_left_in_the_folder(saved: Path) -> None:
    assert list(saved.parent.iterdir()) == [saved]


def test_a_symbolic_link_stays_one_and_what_it_points_to_is_written(model: keras.Model, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "newest.keras").symlink_to("models/model.keras")
    save_classifier(tmp_path / "newest.keras", Classifier(on_pixels(model, unit_scale), NAMES))
    assert (tmp_path / "newest.keras").is_symlink()
    assert load_classifier(tmp_path / "models" / "model.keras").class_names == NAMES
    assert len(list(tmp_path.rglob("*"))) == 3


def _write(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _with(**changes: Any) -> Callable[[Path, dict[str, bytes]], None]:
    """Return a function that writes an archive with some members replaced, or left out if None."""

    def damage(path: Path, members: dict[str, bytes]) -> None:
        changed = members | {name.replace("__", "."): content for name, content in changes.items()}
        _write(path, {name: content for name, content in changed.items() if content is not None})

    return damage


def _deflated_wrongly(path: Path, members: dict[str, bytes]) -> None:
    """Write names whose compressed bytes are not what the method says: zlib, not zipfile, notices."""
    names = json.dumps([*NAMES[:9], "truck" * 30]).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (members | {"class_names.json": names}).items():
            archive.writestr(name, content)
        at = archive.getinfo("class_names.json").header_offset + 30 + len("class_names.json")
    content = path.read_bytes()
    path.write_bytes(content[:at] + b"\xff" * 4 + content[at + 4 :])


DAMAGES: dict[str, tuple[Callable[[Path, dict[str, bytes]], Any], str]] = {
    "missing": (lambda _, __: None, "found no such file"),
    "a folder": (lambda path, _: path.mkdir(), "found no such file"),
    "empty": (lambda path, _: path.write_bytes(b""), "found no class names in it"),
    "no archive": (lambda path, _: path.write_bytes(b"text"), "found no class names in it"),
    "no names": (_with(class_names__json=None), "found no class names in it"),
    "names that are no JSON": (_with(class_names__json=b"{"), "found no class names in it"),
    "too few names": (_with(class_names__json=b'["a"]'), "found 1 class names in it"),
    "names that are none": (
        _with(class_names__json=json.dumps(list(range(10))).encode()),
        "found no class names in it (class_names.json[0]: found 0, expected str)",
    ),
    "names that zlib cannot unpack": (_deflated_wrongly, "found no class names in it (Error -3 "),
    "no model": (_with(config__json=None), "Keras cannot load it"),
    "a damaged model": (_with(config__json=b"{}"), "Keras cannot load it"),
    "no weights": (_with(model__weights__h5=None), "Keras cannot load it"),
    "damaged weights": (_with(model__weights__h5=b"text"), "Keras cannot load it"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_file_that_is_no_classifier_is_refused_by_name(saved: Path, tmp_path: Path, name: str) -> None:
    damage, found = DAMAGES[name]
    damage(tmp_path / "other.keras", _members(saved))
    with pytest.raises(ModelFileError) as caught:
        load_classifier(tmp_path / "other.keras")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'other.keras'}: {found}")
    assert message.endswith("expected a .keras file that `python -m cifar_models train NAME --save-model` wrote")
    assert "\n" not in message


def test_a_path_that_cannot_be_looked_up_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"found no class names in it \(\[Errno \d+\] File name too long"):
        load_classifier(tmp_path / f"{'a' * 300}.keras")


def test_another_suffix_is_refused_as_keras_goes_by_it(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    path.write_bytes(saved.read_bytes())
    with pytest.raises(ModelFileError, match=r"found a name that does not end in \.keras"):
        load_classifier(path)


def test_a_model_of_other_shapes_is_refused(tmp_path: Path) -> None:
    images = keras.Input((8, 8, 3))
    other = keras.Model(images, layers.Dense(10)(layers.Flatten()(images)))
    save_classifier(tmp_path / "model.keras", Classifier(other, NAMES))
    with pytest.raises(
        ModelFileError, match=r"found a model from \(None, 8, 8, 3\) to \(None, 10\), expected one from"
    ):
        load_classifier(tmp_path / "model.keras")


def test_code_in_a_file_is_refused_and_never_run(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    images = keras.Input((32, 32, 3))
    code = layers.Lambda(lambda tensor, path=str(witness): (Path(path).write_bytes(b""), tensor)[1])(images)
    carrier = keras.Model(images, layers.Dense(10)(layers.Flatten()(code)))
    witness.unlink()  # building the model has run the code once
    save_classifier(tmp_path / "model.keras", Classifier(carrier, NAMES))
    with pytest.raises(ModelFileError, match=r"Keras cannot load it .*Lambda"):
        load_classifier(tmp_path / "model.keras")
    assert not witness.exists()


@pytest.mark.parametrize("version", ["3.8.0", "3.13.1", "3.9.2.dev1"])
def test_a_keras_whose_safe_mode_has_gaps_loads_nothing(
    saved: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(keras, "__version__", version)
    monkeypatch.setattr(keras.saving, "load_model", None)
    with pytest.raises(ModelFileError, match=rf"found Keras {version}, expected 3\.13\.2 or newer"):
        load_classifier(saved)


def test_the_member_with_the_names_is_plain_json(saved: Path) -> None:
    assert json.loads(_members(saved)[CLASS_NAMES]) == list(NAMES)
