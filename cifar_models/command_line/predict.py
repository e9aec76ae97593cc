"""``predict``: what a saved model sees in a picture."""

from __future__ import annotations

import argparse
from typing import Any

from cifar_models.command_line.arguments import prepare_keras
from cifar_models.command_line.errors import CommandError
from cifar_models.command_line.output import say
from cifar_models.storage.files import user_path

TOP = 3
"""How many classes are shown."""


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "predict",
        help="what a saved model sees in a picture",
        description=f"Print the {TOP} most probable classes of a picture. The largest square in its middle is resized "
        "to 32x32, in RGB. A model file is loaded in Keras's safe mode: no code that it carries is run.",
        epilog="example:\n  python -m cifar_models predict runs/simple_cnn.cifar10.seed0.keras cat.jpg",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=user_path, metavar="MODEL", help="a .keras file that `train --save-model` wrote")
    parser.add_argument("image", type=user_path, metavar="IMAGE", help="a picture file of any size that Pillow reads")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Load both, predict, print.

    Raises:
        CommandError: a model or a picture that cannot be read, or a model that gives no probabilities.
    """
    from cifar_models.command_line.picture import ImageFileError, read_image

    try:
        image = read_image(arguments.image)  # first, as it takes no TensorFlow
    except ImageFileError as error:
        raise CommandError(error) from None
    prepare_keras(gpu=False)
    from cifar_models.models.saved_model import ModelFileError, load_classifier

    try:
        classifier = load_classifier(arguments.model)
        (probabilities,) = classifier.predict(image)
    except ModelFileError as error:
        raise CommandError(error) from None
    width = max(map(len, classifier.class_names))
    for label in (-probabilities).argsort(kind="stable")[:TOP]:
        say(f"{classifier.class_names[label]:<{width}}  {probabilities[label]:.4f}")
