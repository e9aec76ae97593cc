"""One function a model, each returning an uncompiled ``keras.Model`` from 32x32 RGB images to ten probabilities.

A builder with an argument ``input_size`` builds the model for a larger input: its first layer resizes the images.

Backbones are built with Keras's own initialisation; their pretrained weights are assigned afterwards (see
``pretrained.py``), so that a builder needs no file and no network. All graphs are flat: a backbone's layers are the
model's own layers, which is what lets ``freezing.py`` cut inside one.
"""

from __future__ import annotations

import keras
from keras import layers

from cifar_models.datasets.dataset import CLASS_COUNT, IMAGE_SHAPE
from cifar_models.models.freezing import freeze, unfreeze_last

WEIGHT_DECAY = 1e-4
"""The factor of ``improved_cnn``'s L2 penalty."""

BATCH_NORMALIZATION_MOMENTUM = 0.8
"""Keras's 0.99 averages over some 100 steps. In ten epochs the weights change faster than that: evaluated with averages
that lag behind, the model loses one to three points of accuracy against averages of its present weights."""

REFERENCE_MOMENTUM = 0.9
"""The momentum of batch normalization in ``reference_cnn``, whose learning rate falls to 0."""

FREED_LAYERS = {"vgg16": 4, "resnet50": 30}
"""How many of a backbone's last layers fine-tuning frees: VGG16's last block, and the published 30 of ResNet50."""


def simple_cnn() -> keras.Model:
    """Two convolution blocks and a dense layer, 2,122,186 parameters: the published report's first model."""
    images = keras.Input(IMAGE_SHAPE, name="images")
    features = images
    for filters in (32, 64):
        features = layers.Conv2D(filters, 3, padding="same")(features)
        features = layers.Activation("relu")(features)
        features = layers.MaxPooling2D()(features)
    features = layers.Flatten()(features)
    features = layers.Dense(512, activation="relu")(features)
    return keras.Model(images, _classify(features), name="simple_cnn")


def improved_cnn() -> keras.Model:
    """``simple_cnn`` with a third block, batch normalization, dropout and L2: 621,802 parameters.

    Each block pools before it normalizes and activates: max pooling commutes with ReLU, and a quarter of the values
    is a quarter of the work.
    """
    images = keras.Input(IMAGE_SHAPE, name="images")
    decay = keras.regularizers.L2(WEIGHT_DECAY)
    features = images
    for filters, dropout in ((32, 0.1), (64, 0.1), (128, 0.2)):
        # Without biases, here and below: the batch normalization that follows would cancel them.
        features = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_regularizer=decay)(features)
        features = layers.MaxPooling2D()(features)
        features = layers.Dropout(dropout)(_normalized_relu(features))
    features = layers.Flatten()(features)
    features = layers.Dense(256, use_bias=False, kernel_regularizer=decay)(features)
    features = layers.Dropout(0.3)(_normalized_relu(features))
    return keras.Model(images, _classify(features), name="improved_cnn")


def vgg16_frozen() -> keras.Model:
    """VGG16 without its top, all of it frozen, and a dense softmax: 5,130 of 14,719,818 parameters train."""
    return _on_backbone(_frozen_backbone("vgg16"), name="vgg16_frozen")


def resnet50_frozen() -> keras.Model:
    """ResNet50 without its top, all of it frozen, and a dense softmax: 20,490 of 23,608,202 parameters train."""
    return _on_backbone(_frozen_backbone("resnet50"), name="resnet50_frozen")


def resnet50_finetuned() -> keras.Model:
    """ResNet50 with the last 30 of its 175 layers freed: 14,470,666 of 23,608,202 parameters train."""
    return _on_backbone(_partly_freed_backbone("resnet50"), name="resnet50_finetuned")


def vgg16_matched(input_size: int = IMAGE_SHAPE[0]) -> keras.Model:
    """VGG16 without its top, frozen, global average pooling and a dense softmax: 5,130 of 14,719,818 train."""
    return _on_pooled_backbone(_frozen_backbone("vgg16", input_size), name="vgg16_matched")


def vgg16_matched_finetuned(input_size: int = IMAGE_SHAPE[0]) -> keras.Model:
    """``vgg16_matched`` with VGG16's last block freed, its last 4 of 19 layers: 7,084,554 parameters train."""
    return _on_pooled_backbone(_partly_freed_backbone("vgg16", input_size), name="vgg16_matched_finetuned")


def resnet50_matched(input_size: int = IMAGE_SHAPE[0]) -> keras.Model:
    """ResNet50 without its top, frozen, global average pooling and a dense softmax: 20,490 of 23,608,202 train."""
    return _on_pooled_backbone(_frozen_backbone("resnet50", input_size), name="resnet50_matched")


def resnet50_matched_finetuned(input_size: int = IMAGE_SHAPE[0]) -> keras.Model:
    """``resnet50_matched`` with the layers freed that ``resnet50_finetuned`` frees: 14,470,666 parameters train."""
    return _on_pooled_backbone(_partly_freed_backbone("resnet50", input_size), name="resnet50_matched_finetuned")


def reference_cnn() -> keras.Model:
    """Seven convolutions for ten epochs: 629,258 parameters, 30 million multiplications an image.

    The second convolution of each block is a residual branch. Images are flipped and shifted in training only.
    """
    images = keras.Input(IMAGE_SHAPE, name="images")
    features = layers.RandomFlip("horizontal")(images)
    # By up to two pixels, and by whole ones: without interpolation nothing is blurred.
    features = layers.RandomTranslation(2 / 32, 2 / 32, fill_mode="reflect", interpolation="nearest")(features)
    features = _normalized_relu(layers.Conv2D(24, 2, use_bias=False)(features), REFERENCE_MOMENTUM)
    for filters in (32, 96, 192):
        features = layers.Conv2D(filters, 3, padding="same", use_bias=False)(features)
        features = _normalized_relu(layers.MaxPooling2D()(features), REFERENCE_MOMENTUM)
        branch = layers.Conv2D(filters, 3, padding="same", use_bias=False)(features)
        features = layers.Add()([features, _normalized_relu(branch, REFERENCE_MOMENTUM)])
    return keras.Model(images, _classify(layers.GlobalMaxPooling2D()(features)), name="reference_cnn")


def build_backbone(name: str, input_size: int = IMAGE_SHAPE[0]) -> keras.Model:
    """Build a backbone for 32x32 RGB images, without its top and with Keras's own initialisation.

    Args:
        name: ``vgg16`` (output ``(N, 1, 1, 512)``) or ``resnet50`` (output ``(N, 1, 1, 2048)``).
        input_size: pixels a side that the images are resized to, bilinearly, before the backbone's first layer; the
            output is so much larger.

    Raises:
        KeyError: another name.
    """
    application = {"vgg16": keras.applications.VGG16, "resnet50": keras.applications.ResNet50}[name]
    if input_size == IMAGE_SHAPE[0]:
        return application(include_top=False, weights=None, input_shape=IMAGE_SHAPE, name=name)
    images = keras.Input(IMAGE_SHAPE, name="images")
    resized = layers.Resizing(input_size, input_size, name="resized")(images)
    backbone = application(include_top=False, weights=None, input_tensor=resized)
    return keras.Model(images, backbone.output, name=name)  # whose input is the tensor, and not a list of it


def _normalized_relu(features: keras.KerasTensor, momentum: float = BATCH_NORMALIZATION_MOMENTUM) -> keras.KerasTensor:
    normalized = layers.BatchNormalization(momentum=momentum)(features)
    return layers.Activation("relu")(normalized)


def _frozen_backbone(name: str, input_size: int = IMAGE_SHAPE[0]) -> keras.Model:
    backbone = build_backbone(name, input_size)
    freeze(backbone)
    return backbone


def _partly_freed_backbone(name: str, input_size: int = IMAGE_SHAPE[0]) -> keras.Model:
    backbone = _frozen_backbone(name, input_size)
    unfreeze_last(backbone, FREED_LAYERS[name])
    return backbone


def _on_backbone(backbone: keras.Model, *, name: str) -> keras.Model:
    return keras.Model(backbone.input, _classify(layers.Flatten()(backbone.output)), name=name)


def _on_pooled_backbone(backbone: keras.Model, *, name: str) -> keras.Model:
    return keras.Model(backbone.input, _classify(layers.GlobalAveragePooling2D()(backbone.output)), name=name)


def _classify(features: keras.KerasTensor) -> keras.KerasTensor:
    # Whatever the other layers compute in: a probability that float16 rounds to 0 has no logarithm.
    return layers.Dense(CLASS_COUNT, activation="softmax", name="probabilities", dtype="float32")(features)
