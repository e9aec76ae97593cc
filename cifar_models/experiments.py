"""The table of experiments, and the one place where a training protocol is written."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from cifar_models.storage.fingerprint import fingerprint_json

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Protocol:
    """All that fixes a training beside the model, the data and the seed.

    The defaults are the published report's: Adam, categorical cross-entropy, batches of 128, at most 10 epochs,
    validation on the evaluation images, early stopping on validation accuracy, best weights restored.

    Attributes:
        normalization: a name of ``normalization.FITS``.
        backbone: whose pretrained weights the model starts from, ``vgg16`` or ``resnet50``; None for neither.
        optimizer: Keras's name of it; its other settings are Keras's defaults.
        learning_rate: a step of the optimizer, at the first step.
        learning_rate_schedule: ``constant``, or ``cosine`` to fall to 0 at the last step of the last epoch in the way
            of Loshchilov and Hutter (2017), without restarts.
        batch_size: images a step; an epoch's last batch may be smaller.
        epochs: how many at most.
        patience: epochs without a new best validation accuracy after which training stops.
        precision: Keras's name of a dtype policy; with ``mixed_float16`` layers compute in float16, their weights, the
            probabilities and the loss stay float32, and the loss is scaled against underflow.
        xla: whether XLA compiles the steps, which changes their last digits.
    """

    normalization: str = "unit_scale"
    backbone: str | None = None
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    learning_rate_schedule: str = "constant"
    batch_size: int = 128
    epochs: int = 10
    patience: int = 3
    loss: str = "categorical_crossentropy"
    early_stopping_monitor: str = "val_accuracy"
    precision: str = "float32"
    xla: bool = False

    @property
    def values(self) -> dict[str, Any]:
        """The values by name, as a record has them: those that were added later only where they are not the default.

        So the protocols and records from before have the values, and the fingerprints, that they had.
        """
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in _ADDED_LATER or value != getattr(Protocol, name)
        }

    @property
    def fingerprint(self) -> str:
        """``sha256:`` over ``values``."""
        return fingerprint_json(self.values)


_ADDED_LATER = ("precision", "xla")
"""Fields of ``Protocol`` that came when there were records already."""


@dataclass(frozen=True)
class Experiment:
    """One row of the table: a model builder with the protocol that trains it.

    Attributes:
        name: what runs and baselines are filed under.
        build: returns the uncompiled model.
        protocol: how it is trained.
        description: the model in a few words, for tables.
    """

    name: str
    build: Callable[[], keras.Model]
    protocol: Protocol
    description: str


def _builder(name: str) -> Callable[[], keras.Model]:
    """Return a function of ``builders.py`` by its name: the table can be read without loading Keras and TensorFlow."""

    def build() -> keras.Model:
        from cifar_models.models import builders

        return getattr(builders, name)()

    return build


# The report says "a low learning rate" and gives no number; this is the one of Keras's guide to fine-tuning,
# https://keras.io/guides/transfer_learning/.
FINE_TUNING_LEARNING_RATE = 1e-5

EXPERIMENTS: dict[str, Experiment] = {
    row.name: row
    for row in (
        Experiment("simple_cnn", _builder("simple_cnn"), Protocol(), "two convolutions, dense 512"),
        Experiment(
            "vgg16_frozen",
            _builder("vgg16_frozen"),
            Protocol(backbone="vgg16"),
            "VGG16 frozen, dense softmax",
        ),
        Experiment(
            "improved_cnn",
            _builder("improved_cnn"),
            Protocol(learning_rate_schedule="cosine"),
            "simple_cnn with batch normalization, dropout, L2",
        ),
        Experiment(
            "resnet50_frozen",
            _builder("resnet50_frozen"),
            Protocol(backbone="resnet50"),
            "ResNet50 frozen, dense softmax",
        ),
        Experiment(
            "resnet50_finetuned",
            _builder("resnet50_finetuned"),
            Protocol(backbone="resnet50", learning_rate=FINE_TUNING_LEARNING_RATE),
            "ResNet50, last 30 layers fine-tuned",
        ),
    )
}

VARIANTS: dict[str, dict[str, Any]] = {"mixed_float16": {"precision": "mixed_float16"}, "xla": {"xla": True}}
"""Protocols that any experiment can be trained by instead of its own: what they change, by what the name says of it.

A variant is an experiment too, with runs and baselines filed under its own name, such as ``simple_cnn+xla``.
"""


def variant_name(name: str, variants: Collection[str]) -> str:
    """Return what an experiment is called that is trained by these of ``VARIANTS``."""
    return "+".join([name, *(variant for variant in VARIANTS if variant in variants)])


def find_experiment(name: str) -> Experiment:
    """Return the experiment of that name, a row of the table or a variant of one.

    Raises:
        ValueError: there is none; the message lists those there are.
    """
    row, *variants = name.split("+")
    if row not in EXPERIMENTS or name != variant_name(row, variants):
        behind = "".join(f"[+{variant}]" for variant in VARIANTS)
        raise ValueError(f"experiment: found {name!r}, expected one of {', '.join(EXPERIMENTS)}, or NAME{behind}")
    experiment = EXPERIMENTS[row]
    for variant in variants:
        experiment = replace(
            experiment,
            name=name,
            protocol=replace(experiment.protocol, **VARIANTS[variant]),
            description=f"{experiment.description}; {variant}",
        )
    return experiment
