"""Classify a picture with a saved model.

Print the three most probable classes of a picture. The largest square in its middle is resized to 32x32, in RGB. The
model file is loaded in Keras's safe mode, which runs no code from the file.

Example:
  python -m cifar_models predict runs/simple_cnn.cifar10.seed0.keras cat.jpg
"""

from __future__ import annotations

import argparse

from cifar_models.command_line.arguments import prepare_keras
from cifar_models.command_line.errors import user_errors
from cifar_models.command_line.output import say
from cifar_models.storage.files import user_path

TOP = 3
"""Number of classes to print."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", type=user_path, metavar="MODEL", help="a .keras file that `train --save-model` wrote")
    parser.add_argument("image", type=user_path, metavar="IMAGE", help="a picture file of any size that Pillow reads")


def run(arguments: argparse.Namespace) -> None:
    """Load the picture and the model, predict, and print the classes.

    Raises:
        CommandError: the model or the picture cannot be read, or the model's outputs are not probabilities.
    """
    from cifar_models.command_line.picture import ImageFileError, read_image

    with user_errors(ImageFileError):
        image = read_image(arguments.image)  # first, because it does not need TensorFlow
    prepare_keras(gpu=False)
    from cifar_models.models.saved_model import ModelFileError, load_classifier

    with user_errors(ModelFileError):
        classifier = load_classifier(arguments.model)
        (probabilities,) = classifier.predict(image)
    width = max(map(len, classifier.class_names))
    for label in (-probabilities).argsort(kind="stable")[:TOP]:
        say(f"{classifier.class_names[label]:<{width}}  {probabilities[label]:.4f}")
