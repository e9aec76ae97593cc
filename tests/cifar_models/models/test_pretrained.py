"""Backbones' weights: found, read, recognised and refused, from small files of the tests' own; or drawn."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from cifar_models.datasets.normalization import imagenet_caffe, unit_scale
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.models import pretrained
from cifar_models.models.pretrained import (
    VGG16_BIAS,
    VGG16_LAST_BIAS,
    WEIGHTS_FILES,
    BackboneWeights,
    WeightsError,
    WeightsFile,
    imagenet_weights,
    random_weights,
)
from tests.factories import write_weights

pytestmark = pytest.mark.unit

NAME = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"


def _small_vgg16(_: str = "vgg16") -> keras.Model:
    """Build a chain of convolutions and pools, as VGG16 is one, with two of its layers' names."""
    images = keras.Input((32, 32, 3))
    features = layers.Conv2D(4, 3, padding="same", activation="relu", name="block1_conv1")(images)
    features = layers.MaxPooling2D(4)(features)
    features = layers.Conv2D(5, 3, padding="same", activation="relu", name="block5_conv3")(features)
    return keras.Model(images, layers.MaxPooling2D(8)(features), name="vgg16")


def _small_resnet50(_: str = "resnet50") -> keras.Model:
    """Build a residual block after a convolution, with batch normalization at three momenta."""
    images = keras.Input((32, 32, 3))
    features = layers.Conv2D(4, 7, strides=8, name="conv1_conv")(images)
    features = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9, name="conv1_bn")(features))
    branch = layers.Conv2D(4, 1, name="conv2_block1_1_conv")(features)
    branch = layers.BatchNormalization(momentum=0.8, name="conv2_block1_1_bn")(branch)
    branch = layers.Conv2D(4, 1, name="conv2_block1_3_conv")(layers.Activation("relu")(branch))
    branch = layers.BatchNormalization(momentum=0.7, name="conv2_block1_3_bn")(branch)
    return keras.Model(images, layers.Add()([features, branch]), name="resnet50")


@pytest.fixture(autouse=True)
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the real cache, the network and the real backbones."""
    home = tmp_path / "keras"
    home.mkdir()
    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(home))  # which Keras reads once, on import
    files = {
        name: WeightsFile(file.name, (tmp_path / "nowhere").as_uri(), "0" * 32, file.fingerprint)
        for name, file in WEIGHTS_FILES.items()
    }
    monkeypatch.setattr(pretrained, "WEIGHTS_FILES", files)
    builders = {"vgg16": _small_vgg16, "resnet50": _small_resnet50}
    monkeypatch.setattr(pretrained, "build_backbone", lambda name: builders[name](name))
    return home


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _publish(monkeypatch: pytest.MonkeyPatch, file: Path, md5: str | None = None) -> None:
    """Have Keras's download come from a file."""
    published = {"vgg16": WeightsFile(NAME, file.parent.as_uri(), md5 or _md5(file), "")}
    monkeypatch.setattr(pretrained, "WEIGHTS_FILES", published)


def _refusal(weights_dir: Path | None) -> str:
    with pytest.raises(WeightsError) as caught:
        imagenet_weights("vgg16", weights_dir)
    return str(caught.value)


def _assert_equal(weights: BackboneWeights, model: keras.Model) -> None:
    expected = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    assert list(weights.layers) == list(expected)
    for name, arrays in expected.items():
        for one, other in zip(weights.layers[name], arrays, strict=True):
            np.testing.assert_array_equal(one, other)


class TestWhereTheyComeFrom:
    def test_from_the_folder_given(self, tmp_path: Path) -> None:
        model = _small_vgg16()
        write_weights(tmp_path / NAME, model)
        weights = imagenet_weights("vgg16", tmp_path)
        _assert_equal(weights, model)
        assert (weights.backbone, weights.description) == ("vgg16", f"not ImageNet's ({NAME})")

    def test_from_keras_s_cache(self, keras_home: Path) -> None:
        model = _small_vgg16()
        write_weights(keras_home / "models" / NAME, model)
        _assert_equal(imagenet_weights("vgg16"), model)

    def test_from_keras_s_download_which_stays_in_the_cache(
        self, tmp_path: Path, keras_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = _small_vgg16()
        file = write_weights(tmp_path / "published" / NAME, model)
        _publish(monkeypatch, file)
        _assert_equal(imagenet_weights("vgg16"), model)
        assert (keras_home / "models" / NAME).read_bytes() == file.read_bytes()
        file.unlink()
        _assert_equal(imagenet_weights("vgg16"), model)

    def test_the_download_goes_to_the_cache_that_is_looked_in(
        self, tmp_path: Path, keras_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _publish(monkeypatch, write_weights(tmp_path / "published" / NAME, _small_vgg16()))
        monkeypatch.setenv("KERAS_HOME", str(tmp_path / "another"))
        imagenet_weights("vgg16")
        assert (tmp_path / "another" / "models" / NAME).is_file()
        assert not (keras_home / "models" / NAME).exists()

    def test_the_folder_given_comes_before_the_cache_and_without_it(self, tmp_path: Path, keras_home: Path) -> None:
        write_weights(keras_home / "models" / NAME, _small_vgg16())
        assert f"{tmp_path / NAME}: found no such file" in _refusal(tmp_path)
        model = _small_vgg16()
        write_weights(tmp_path / NAME, model)
        _assert_equal(imagenet_weights("vgg16", tmp_path), model)

    def test_vgg16_itself_is_read(
        self, tmp_path: Path, session_backbone: Callable[[str], keras.Model], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = session_backbone("vgg16")
        write_weights(tmp_path / NAME, model)
        expected = [weight.copy() for weight in model.get_weights()]
        model.layers[-2].set_weights([np.zeros(weight.shape) for weight in model.layers[-2].weights])
        monkeypatch.setattr(pretrained, "build_backbone", session_backbone)
        weights = imagenet_weights("vgg16", tmp_path)
        assert len(weights.layers) == 13
        found = [array for arrays in weights.layers.values() for array in arrays]
        assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))

    def test_names_addresses_and_checksums_are_keras_s_own(self) -> None:
        from keras.src.applications import resnet, vgg16

        assert f"{WEIGHTS_FILES['vgg16'].folder_url}/{WEIGHTS_FILES['vgg16'].name}" == vgg16.WEIGHTS_PATH_NO_TOP
        assert WEIGHTS_FILES["vgg16"].md5 in inspect.getsource(vgg16)
        assert f"{WEIGHTS_FILES['resnet50'].folder_url}/" == resnet.BASE_WEIGHTS_PATH
        assert WEIGHTS_FILES["resnet50"].name == "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
        assert WEIGHTS_FILES["resnet50"].md5 == resnet.WEIGHTS_HASHES["resnet50"][1]


class TestWhatNamesThem:
    def test_the_fingerprint_is_of_the_values_and_not_of_the_file(self, tmp_path: Path) -> None:
        model = _small_vgg16()
        plain, packed = (
            write_weights(tmp_path / "1" / NAME, model),
            write_weights(tmp_path / "2" / NAME, model, compression=9),
        )
        assert plain.read_bytes() != packed.read_bytes()
        one, other = (imagenet_weights("vgg16", path.parent) for path in (plain, packed))
        assert one.fingerprint == other.fingerprint
        another = write_weights(tmp_path / "3" / NAME, _small_vgg16())
        assert imagenet_weights("vgg16", another.parent).fingerprint != one.fingerprint

    @pytest.mark.parametrize("options", [{}, {"compression": 9, "shuffle": True}], ids=["plain", "packed"])
    def test_imagenet_s_values_are_recognised_in_whatever_file_they_come(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
    ) -> None:
        model = _small_vgg16()
        write_weights(tmp_path / NAME, model, **options)
        found = imagenet_weights("vgg16", tmp_path)
        assert found.description == f"not ImageNet's ({NAME})"
        known = dataclasses.replace(WEIGHTS_FILES["vgg16"], fingerprint=found.fingerprint)
        monkeypatch.setattr(pretrained, "WEIGHTS_FILES", {"vgg16": known})
        assert imagenet_weights("vgg16", tmp_path).description == f"ImageNet ({NAME})"
        kernel, bias = model.get_layer("block1_conv1").get_weights()
        model.get_layer("block1_conv1").set_weights([np.nextafter(kernel, np.float32(9)), bias])
        write_weights(tmp_path / NAME, model, **options)
        assert imagenet_weights("vgg16", tmp_path).description == f"not ImageNet's ({NAME})"

    def test_assigning_copies_them_into_a_model(self, tmp_path: Path) -> None:
        write_weights(tmp_path / NAME, _small_vgg16())
        weights = imagenet_weights("vgg16", tmp_path)
        model = _small_vgg16()
        weights.assign(model)
        _assert_equal(weights, model)
        before = weights.layers["block1_conv1"][1].copy()
        model.get_layer("block1_conv1").bias.assign_add(np.ones(4, np.float32))
        np.testing.assert_array_equal(weights.layers["block1_conv1"][1], before)


class TestWhatIsRefused:
    def test_a_missing_file_with_what_to_do(self, tmp_path: Path) -> None:
        text = _refusal(tmp_path)
        assert text.startswith(f"{tmp_path / NAME}: found no such file, expected Keras's ImageNet weights of vgg16")
        assert f"put {NAME} into that folder" in text
        assert "--weights-dir" in text

    def test_a_folder_that_cannot_be_looked_up(self, tmp_path: Path) -> None:
        folder = tmp_path / ("a" * 300)
        assert _refusal(folder).startswith(f"{folder / NAME}: found no such file")

    @pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.95])
    def test_a_file_cut_short(self, tmp_path: Path, kept: float) -> None:
        file = write_weights(tmp_path / NAME, _small_vgg16())
        content = file.read_bytes()
        file.write_bytes(content[: int(kept * len(content))])
        self._assert_says_all(_refusal(tmp_path), tmp_path)

    @pytest.mark.parametrize("content", [b"<html>404</html>", b"\x89HDF\r\n\x1a\n" + bytes(4_000)])
    def test_a_file_of_something_else(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / NAME).write_bytes(content)
        self._assert_says_all(_refusal(tmp_path), tmp_path)

    def test_another_model_s_file(self, tmp_path: Path) -> None:
        write_weights(tmp_path / NAME, _small_resnet50())
        self._assert_says_all(_refusal(tmp_path), tmp_path)

    def test_weights_of_other_shapes(self, tmp_path: Path) -> None:
        images = keras.Input((32, 32, 3))
        chain = keras.Model(images, layers.Conv2D(5, 3)(layers.Conv2D(4, 5)(images)))
        write_weights(tmp_path / NAME, chain)
        self._assert_says_all(_refusal(tmp_path), tmp_path)

    def test_keras_3_s_own_layout(self, tmp_path: Path) -> None:
        with h5py.File(tmp_path / NAME, "w") as file:
            for layer in _small_vgg16().layers:
                for position, values in enumerate(layer.get_weights()):
                    file.create_dataset(f"layers/{layer.name}/vars/{position}", data=values)
        self._assert_says_all(_refusal(tmp_path), tmp_path)

    def test_hdf5_without_a_single_weight(self, tmp_path: Path) -> None:
        with h5py.File(tmp_path / NAME, "w") as file:
            file.attrs["layer_names"] = [b"block1_conv1", b"block5_conv3"]
        self._assert_says_all(_refusal(tmp_path), tmp_path)

    @staticmethod
    def _assert_says_all(text: str, folder: Path) -> None:
        assert text.startswith(f"{folder / NAME}: found a file that does not hold the weights of vgg16 (")
        assert text.endswith(f"), expected {NAME} as Keras publishes it; download it again")
        assert "\n" not in text

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_a_value_that_is_no_finite_number(self, tmp_path: Path, value: float) -> None:
        model = _small_vgg16()
        model.get_layer("block5_conv3").set_weights([np.full((3, 3, 4, 5), value), np.zeros(5)])
        write_weights(tmp_path / NAME, model)
        text = _refusal(tmp_path)
        assert text.startswith(f"{tmp_path / NAME}: found a value that is not finite in layer block5_conv3")
        assert "download it again" in text

    def test_a_download_that_fails_names_three_ways_out_and_leaves_nothing_behind(self, keras_home: Path) -> None:
        text = _refusal(None)
        assert text.startswith(f"vgg16: found no {NAME} in {keras_home / 'models'} and could not download it (")
        for way_out in ("--weights-dir", "give this machine access to file://", "--dataset synthetic"):
            assert way_out in text
        assert not [path for path in keras_home.rglob("*") if path.is_file()]

    def test_a_download_of_another_checksum_leaves_nothing_behind(
        self, tmp_path: Path, keras_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _publish(monkeypatch, write_weights(tmp_path / "published" / NAME, _small_vgg16()), md5="0" * 32)
        for _ in range(2):  # what a first attempt left behind would pass for the cached file in a second
            assert "could not download it (ValueError: Incomplete or corrupted file" in _refusal(None)
            assert not [path for path in keras_home.rglob("*") if path.is_file()]

    def test_a_weights_error_is_a_value_error(self) -> None:
        assert issubclass(WeightsError, ValueError)


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> np.ndarray[Any, Any]:
    """Calibrate on few images, which are returned: calibration is most of the time that drawing takes."""
    monkeypatch.setattr(pretrained, "CALIBRATION_IMAGES", 20)
    dataset = load_synthetic(seed=pretrained.CALIBRATION_SEED, train_count=20, evaluation_count=10)
    return unit_scale(dataset.train_images)


@pytest.mark.usefixtures("few_images")
class TestRandomWeights:
    @pytest.mark.parametrize("backbone", ["vgg16", "resnet50"])
    def test_a_seed_gives_the_same_weights_every_time_and_another_seed_others(
        self, backbone: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, again = random_weights(backbone), random_weights(backbone)
        monkeypatch.setattr(pretrained, "RANDOM_SEED", 1)
        other = random_weights(backbone)
        assert first.fingerprint == again.fingerprint != other.fingerprint
        for name, arrays in first.layers.items():
            for one, same, another in zip(arrays, again.layers[name], other.layers[name], strict=True):
                np.testing.assert_array_equal(one, same)
                assert one.dtype == np.float32
                if one.ndim == 4:
                    assert not np.array_equal(one, another)

    def test_they_say_that_they_are_not_pretrained(self) -> None:
        weights = random_weights("vgg16")
        assert weights.backbone == "vgg16"
        assert weights.description == "seeded random (seed 0), not pretrained"

    def test_the_fingerprint_does_not_depend_on_the_calibration(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = random_weights("vgg16").fingerprint
        monkeypatch.setattr(pretrained, "CALIBRATION_SEED", 9)
        assert random_weights("vgg16").fingerprint == before

    def test_they_are_calibrated_on_images_normalized_as_the_protocol_says(self) -> None:
        weights = random_weights("vgg16", normalization="imagenet_caffe")
        assert weights.fingerprint == random_weights("vgg16").fingerprint
        model = _small_vgg16()
        weights.assign(model)
        pixels = load_synthetic(seed=pretrained.CALIBRATION_SEED, train_count=20, evaluation_count=10).train_images
        first = next(layer for layer in model.layers if layer.weights)
        linear = keras.Model(model.input, keras.ops.conv(model.input, first.kernel, padding="same") + first.bias)
        np.testing.assert_allclose(linear(imagenet_caffe(pixels)).numpy().std(axis=(0, 1, 2)), 1, rtol=1e-3)

    def test_kernels_are_he_uniform_up_to_each_channel_s_scale(self) -> None:
        weights = random_weights("resnet50")  # which keeps its kernels as they were drawn
        kernel = weights.layers["conv1_conv"][0]
        limit = np.sqrt(6 / (7 * 7 * 3))
        assert np.abs(kernel).max() <= limit
        assert np.abs(kernel).max() > 0.95 * limit
        assert abs(kernel.mean()) < 0.1 * limit

    def test_every_channel_of_vgg16_is_standardized_before_it_is_activated(
        self, few_images: np.ndarray[Any, Any]
    ) -> None:
        model = _small_vgg16()
        random_weights("vgg16").assign(model)
        features = keras.ops.convert_to_tensor(few_images)
        for layer in model.layers[1:]:
            if layer.weights:
                linear = (keras.ops.conv(features, layer.kernel, padding="same") + layer.bias).numpy()
                bias = VGG16_LAST_BIAS if layer.name == "block5_conv3" else VGG16_BIAS
                np.testing.assert_allclose(linear.mean(axis=(0, 1, 2)), bias, atol=1e-4)
                np.testing.assert_allclose(linear.var(axis=(0, 1, 2)), 1, rtol=1e-3)
            features = layer(features)

    def test_every_channel_of_resnet50_is_standardized_by_its_batch_normalization(
        self, few_images: np.ndarray[Any, Any]
    ) -> None:
        model = _small_resnet50()
        random_weights("resnet50").assign(model)
        normalizations = [layer for layer in model.layers if layer.name.endswith("_bn")]
        outputs = keras.Model(model.input, [layer.output for layer in normalizations])(few_images)
        scales = [1.0, 1.0, pretrained.RESNET50_BRANCH_SCALE]
        for output, scale in zip(outputs, scales, strict=True):
            np.testing.assert_allclose(output.numpy().mean(axis=(0, 1, 2)), 0, atol=1e-3)
            np.testing.assert_allclose(output.numpy().std(axis=(0, 1, 2)), scale, rtol=1e-2)

    @pytest.mark.parametrize("backbone", ["vgg16", "resnet50"])
    def test_the_features_of_a_real_backbone_are_finite_and_tell_images_apart(
        self,
        backbone: str,
        session_backbone: Callable[[str], keras.Model],
        session_weights: Callable[[str, str], BackboneWeights],
    ) -> None:
        model = session_backbone(backbone)
        session_weights(backbone, "unit_scale").assign(model)
        images = unit_scale(load_synthetic(train_count=10, evaluation_count=10).train_images)
        features = model(images).numpy().reshape(10, -1)
        assert np.isfinite(features).all()
        spread = features.std(axis=0)
        assert (spread > 0.01).mean() > 0.5, "most features are the same for all images"
        assert spread.mean() > 0.2 * np.abs(features).mean() > 0.001
