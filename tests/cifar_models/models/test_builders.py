"""The models: their sizes, their layers where the report fixes them, and what all have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from cifar_models.datasets.normalization import IMAGENET_MEAN_BGR, imagenet_caffe
from cifar_models.models import builders

pytestmark = pytest.mark.unit

MATCHED = ["vgg16_matched", "vgg16_matched_finetuned", "resnet50_matched", "resnet50_matched_finetuned"]
NAMES = [
    "simple_cnn",
    "vgg16_frozen",
    "improved_cnn",
    "resnet50_frozen",
    "resnet50_finetuned",
    *MATCHED,
    "reference_cnn",
]
PARAMETERS = {
    "simple_cnn": (2_122_186, 2_122_186),
    "vgg16_frozen": (14_719_818, 5_130),
    "resnet50_frozen": (23_608_202, 20_490),
    "resnet50_finetuned": (23_608_202, 14_470_666),
    "reference_cnn": (629_258, 627_930),
    "vgg16_matched": (14_719_818, 5_130),
    "vgg16_matched_finetuned": (14_719_818, 7_084_554),
    "resnet50_matched": (23_608_202, 20_490),
    "resnet50_matched_finetuned": (23_608_202, 14_470_666),
}

IMAGES = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)


@pytest.fixture
def build(shared_backbones: Callable[[str], keras.Model]) -> Callable[[str], keras.Model]:  # noqa: ARG001
    """Build a model by its name, on a backbone that the session shares."""
    return lambda name: getattr(builders, name)()


def _count(weights: list[Any]) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_published_parameters_are_met(build: Callable[[str], keras.Model], name: str) -> None:
    model = build(name)
    assert (_count(model.weights), _count(model.trainable_weights)) == PARAMETERS[name]
    assert model.count_params() == PARAMETERS[name][0]


@pytest.mark.parametrize("name", NAMES)
def test_every_model_turns_images_into_ten_probabilities(build: Callable[[str], keras.Model], name: str) -> None:
    model = build(name)
    assert model.name == name
    assert model.input_shape == (None, 32, 32, 3)
    assert model.output_shape == (None, 10)
    probabilities = model(IMAGES).numpy()
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_no_model_comes_compiled(build: Callable[[str], keras.Model], name: str) -> None:
    assert not build(name).compiled


@pytest.mark.parametrize("name", NAMES)
def test_every_graph_is_flat(build: Callable[[str], keras.Model], name: str) -> None:
    assert not any(isinstance(layer, keras.Model) for layer in build(name).layers)


def test_simple_cnn_is_the_published_one_layer_for_layer() -> None:
    described = [
        (type(layer).__name__, layer.output.shape[1:], _activation(layer), getattr(layer, "padding", None))
        for layer in builders.simple_cnn().layers[1:]
    ]
    assert described == [
        ("Conv2D", (32, 32, 32), "linear", "same"),
        ("Activation", (32, 32, 32), "relu", None),
        ("MaxPooling2D", (16, 16, 32), None, "valid"),
        ("Conv2D", (16, 16, 64), "linear", "same"),
        ("Activation", (16, 16, 64), "relu", None),
        ("MaxPooling2D", (8, 8, 64), None, "valid"),
        ("Flatten", (4096,), None, None),
        ("Dense", (512,), "relu", None),
        ("Dense", (10,), "softmax", None),
    ]


def _activation(layer: keras.layers.Layer) -> str | None:
    return layer.activation.__name__ if hasattr(layer, "activation") else None


def test_the_convolutions_of_simple_cnn_are_3x3_with_biases() -> None:
    convolutions = [layer for layer in builders.simple_cnn().layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.kernel_size for layer in convolutions] == [(3, 3), (3, 3)]
    assert [layer.strides for layer in convolutions] == [(1, 1), (1, 1)]
    assert all(layer.use_bias for layer in convolutions)


def test_improved_cnn_is_the_one_that_its_baselines_were_measured_with() -> None:
    # Its layers are ours to choose: whoever chooses others measures its baselines anew.
    def block(size: int, filters: int, dropout: float) -> list[tuple[str, tuple[int, ...], Any]]:
        pooled = (size // 2, size // 2, filters)
        return [("Conv2D", (size, size, filters), 1e-4), ("MaxPooling2D", pooled, None), *normalized(pooled, dropout)]

    def normalized(shape: tuple[int, ...], dropout: float) -> list[tuple[str, tuple[int, ...], Any]]:
        return [("BatchNormalization", shape, 0.8), ("Activation", shape, "relu"), ("Dropout", shape, dropout)]

    model = builders.improved_cnn()
    described = [(type(layer).__name__, layer.output.shape[1:], _setting(layer)) for layer in model.layers[1:]]
    assert described == [
        *block(32, 32, 0.1),
        *block(16, 64, 0.1),
        *block(8, 128, 0.2),
        ("Flatten", (2048,), None),
        ("Dense", (256,), 1e-4),
        *normalized((256,), 0.3),
        ("Dense", (10,), None),
    ]
    assert all(layer.trainable for layer in model.layers)


def _setting(layer: keras.layers.Layer) -> Any:
    """Return what regularizes a layer, or the layer's function if nothing does."""
    if penalty := getattr(layer, "kernel_regularizer", None):
        return penalty.l2
    kinds = {"BatchNormalization": "momentum", "Dropout": "rate"}
    if kind := kinds.get(type(layer).__name__):
        return getattr(layer, kind)
    return _activation(layer) if isinstance(layer, keras.layers.Activation) else None


def test_reference_cnn_is_the_one_that_its_numbers_were_measured_with() -> None:
    model = builders.reference_cnn()
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.output.shape[1:] for layer in convolutions] == [
        *((31, 31, 24), (31, 31, 32), (15, 15, 32), (15, 15, 96), (7, 7, 96), (7, 7, 192), (3, 3, 192)),
    ]
    work = sum(np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:3]) for layer in convolutions)
    assert round(work / 1e6) == 30
    normalizations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert [layer.momentum for layer in normalizations] == [0.9] * 7
    assert sum(isinstance(layer, keras.layers.Add) for layer in model.layers) == 3


def test_reference_cnn_flips_and_shifts_images_in_training_only_and_by_whole_pixels() -> None:
    keras.utils.set_random_seed(0)
    _, flip, shift = builders.reference_cnn().layers[:3]
    images = np.repeat(np.random.default_rng(0).random((1, 32, 32, 3), np.float32), 64, axis=0)
    for layer in (flip, shift):
        np.testing.assert_array_equal(layer(images, training=False), images)
    flipped = flip(images, training=True).numpy()
    mirrored = (flipped == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert ((flipped == images).all(axis=(1, 2, 3)) ^ mirrored).all()
    assert 16 < mirrored.sum() < 48
    found = set()
    padded = np.pad(images[0], ((2, 2), (2, 2), (0, 0)), mode="symmetric")
    windows = {(y - 2, x - 2): padded[y : y + 32, x : x + 32] for y in range(5) for x in range(5)}
    for shifted in shift(images, training=True).numpy():
        found |= {place for place, window in windows.items() if np.array_equal(shifted, window)}
    assert {abs(step) for place in found for step in place} == {0, 1, 2}


@pytest.mark.parametrize("name", NAMES)
def test_kernels_start_as_keras_draws_them_by_default(build: Callable[[str], keras.Model], name: str) -> None:
    drawn = [layer for layer in build(name).layers if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)]
    assert {type(layer.kernel_initializer) for layer in drawn} == {keras.initializers.GlorotUniform}
    assert {type(layer.bias_initializer) for layer in drawn} == {keras.initializers.Zeros}


@pytest.mark.parametrize("name", ["vgg16_frozen", "resnet50_frozen", "vgg16_matched", "resnet50_matched"])
def test_of_a_frozen_backbone_only_the_dense_layer_trains(build: Callable[[str], keras.Model], name: str) -> None:
    model = build(name)
    trainable = [layer for layer in model.layers if layer.trainable_weights]
    assert trainable == [model.layers[-1]]
    head = keras.layers.GlobalAveragePooling2D if name in MATCHED else keras.layers.Flatten
    assert type(model.layers[-2]) is head
    assert _activation(model.layers[-1]) == "softmax"


def test_fine_tuning_frees_exactly_the_last_30_of_175_layers(build: Callable[[str], keras.Model]) -> None:
    model = build("resnet50_finetuned")
    backbone, head = model.layers[:-2], model.layers[-2:]
    assert [type(layer).__name__ for layer in head] == ["Flatten", "Dense"]
    assert [layer.trainable for layer in backbone] == [False] * 145 + [True] * 30
    assert all(layer.trainable for layer in head)


@pytest.mark.parametrize(("name", "freed"), [("vgg16_matched_finetuned", 4), ("resnet50_matched_finetuned", 30)])
def test_matched_fine_tuning_frees_the_last_layers_at_any_input_size(name: str, freed: int) -> None:
    model = getattr(builders, name)(input_size=40)
    backbone, head = model.layers[:-2], model.layers[-2:]
    assert [type(layer).__name__ for layer in head] == ["GlobalAveragePooling2D", "Dense"]
    assert type(backbone[1]) is keras.layers.Resizing
    assert [layer.trainable for layer in backbone] == [False] * (len(backbone) - freed) + [True] * freed
    assert all(layer.trainable for layer in head)


@pytest.mark.parametrize(
    ("name", "layers", "output"), [("vgg16", 19, (None, 1, 1, 512)), ("resnet50", 175, (None, 1, 1, 2048))]
)
def test_a_backbone_has_keras_s_layers_without_the_top(
    session_backbone: Callable[[str], keras.Model], name: str, layers: int, output: tuple[int, ...]
) -> None:
    backbone = session_backbone(name)
    assert backbone.name == name
    assert len(backbone.layers) == layers
    assert backbone.input_shape == (None, 32, 32, 3)
    assert backbone.output_shape == output


def test_a_larger_input_is_resized_bilinearly_before_the_backbone_s_first_layer() -> None:
    backbone = builders.build_backbone("vgg16", 64)
    images, resized, first = backbone.layers[:3]
    assert (backbone.input_shape, backbone.output_shape) == ((None, 32, 32, 3), (None, 2, 2, 512))
    assert (type(images), type(resized), first.name) == (keras.layers.InputLayer, keras.layers.Resizing, "block1_conv1")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    # Subtracting a mean and interpolating can change places: it is as if the pixels had been resized.
    expected = tf.image.resize(pixels, (64, 64)).numpy()[..., ::-1] - np.array(IMAGENET_MEAN_BGR)
    np.testing.assert_allclose(resized(imagenet_caffe(pixels)).numpy(), expected, atol=1e-3)


def test_another_backbone_is_refused() -> None:
    with pytest.raises(KeyError, match="vgg19"):
        builders.build_backbone("vgg19")
