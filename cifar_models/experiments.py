"""The table of experiments, with the protocol of each one."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from cifar_models.storage.fingerprint import fingerprint_json

if TYPE_CHECKING:
    import keras


PUBLISHED_INPUT_SIZE = 32
HELD_OUT = "held_out"


class ProtocolError(ValueError):
    """A protocol has an invalid value, or does not fit its model."""


@dataclass(frozen=True)
class Protocol:
    """All settings of a training except the model, the data and the seed.

    The defaults are those of the published report: Adam, categorical cross-entropy, batches of 128, at most 10 epochs,
    validation on the evaluation images, early stopping on validation accuracy, best weights restored.

    Attributes:
        normalization: a key of ``normalization.FITS``.
        backbone: the backbone with pretrained weights, ``vgg16`` or ``resnet50``; None for no backbone.
        optimizer: Keras's name of the optimizer. Its other settings have Keras's defaults.
        learning_rate: the learning rate; with a schedule or a warm-up, its highest value.
        learning_rate_schedule: ``constant``, or ``cosine``, which falls to 0 at the last step of the last epoch, as in
            Loshchilov and Hutter (2017), without restarts.
        batch_size: number of images in a step; the last batch of an epoch may be smaller.
        epochs: highest number of epochs.
        patience: number of epochs without a new best validation accuracy after which the training stops.
        loss: Keras's name of the loss.
        early_stopping_monitor: Keras's name of the metric that early stopping monitors.
        precision: Keras's name of a dtype policy. With ``mixed_float16``, layers compute in float16; weights,
            probabilities and loss are float32, and the loss is scaled against underflow.
        xla: whether XLA compiles the training steps, which changes the last digits.
        input_size: height and width, in pixels, to which the model resizes the images bilinearly; 32 or more, because
            no backbone accepts less. 32 leaves the images unchanged.
        validation: the images that early stopping monitors: ``evaluation``, or ``held_out`` for a tenth of the training
            images. Held-out images are not trained on, and the evaluation images are then used once, after the
            training.
        warmup: share of the steps in which the learning rate rises linearly from 0, before it falls.
        momentum: momentum of ``sgd``.
        nesterov: whether the momentum is Nesterov's.
        weight_decay: in each step, each weight is reduced by this share of it, times the learning rate; see Loshchilov
            and Hutter (2019).
        label_smoothing: share of a label that is spread evenly over the classes, in training and validation loss.
        ema_momentum: momentum of an exponential moving average of the weights, updated in each step; 0 for none. At the
            end of each epoch the weights are set to the average, for validation, early stopping and the next epoch.

    Raises:
        ProtocolError: a value is invalid.
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
    input_size: int = PUBLISHED_INPUT_SIZE
    validation: str = "evaluation"
    warmup: float = 0.0
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    ema_momentum: float = 0.0

    def __post_init__(self) -> None:
        self._expect("input_size", self.input_size >= PUBLISHED_INPUT_SIZE, f"{PUBLISHED_INPUT_SIZE} or more")
        self._expect("validation", self.validation in ("evaluation", HELD_OUT), f"evaluation or {HELD_OUT}")
        for name in ("warmup", "momentum", "label_smoothing", "ema_momentum"):
            self._expect(name, 0 <= getattr(self, name) < 1, "0 or more and below 1")
        self._expect("weight_decay", 0 <= self.weight_decay < math.inf, "0 or more")
        cosine, sgd = self.learning_rate_schedule == "cosine", self.optimizer == "sgd"
        self._expect("warmup", cosine or not self.warmup, "0 without the schedule cosine")
        self._expect("momentum", sgd or not self.momentum, "0 without the optimizer sgd")
        self._expect("nesterov", self.momentum > 0 or not self.nesterov, "False without momentum")
        smooth = self.loss == "categorical_crossentropy"
        self._expect("label_smoothing", smooth or not self.label_smoothing, "0 without categorical_crossentropy")

    def _expect(self, name: str, condition: bool, rule: str) -> None:
        if not condition:
            raise ProtocolError(f"{name}: found {getattr(self, name)!r}, expected {rule}")

    @property
    def values(self) -> dict[str, Any]:
        """The values by name, as in a record.

        Fields of ``_ADDED_LATER`` are left out if they have the default, so that the fingerprints of old protocols do
        not change.
        """
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in _ADDED_LATER or value != getattr(Protocol, name)
        }

    @property
    def fingerprint(self) -> str:
        """``sha256:`` and the digest of ``values``."""
        return fingerprint_json(self.values)


_ADDED_LATER = (
    *("precision", "xla", "input_size", "validation"),
    *("warmup", "momentum", "nesterov", "weight_decay", "label_smoothing", "ema_momentum"),
)
"""Fields of ``Protocol`` that are newer than the first records."""


@dataclass(frozen=True)
class Experiment:
    """A row of the table: a model and the protocol that trains it.

    Attributes:
        name: name of the experiment in records and baselines.
        build: returns the uncompiled model; called with ``input_size`` if it is not 32.
        protocol: the protocol of its trainings.
        description: the model in a few words, for tables.
        nights: names of the data sets on which a night trains the experiment by default.
    """

    name: str
    build: Callable[..., keras.Model]
    protocol: Protocol
    description: str
    nights: tuple[str, ...] = ("cifar10", "synthetic")

    def build_model(self) -> keras.Model:
        """Return the uncompiled model for the protocol's input size.

        Raises:
            ProtocolError: the model supports only 32 x 32 pixels.
        """
        size = self.protocol.input_size
        return self.build() if size == PUBLISHED_INPUT_SIZE else self.build(input_size=size)


def _builder(name: str) -> Callable[..., keras.Model]:
    """Return a function that imports ``builders.py`` late, so that the table does not load Keras and TensorFlow."""

    def build(**options: int) -> keras.Model:
        from cifar_models.models import builders

        builder = getattr(builders, name)
        for option, value in options.items():
            if option not in inspect.signature(builder).parameters:
                raise ProtocolError(
                    f"{option}: found {value}, expected {PUBLISHED_INPUT_SIZE} for {name}, which does not pool its "
                    f"features over the image: its dense layer takes those of one size only"
                )
        return builder(**options)

    return build


# The report says "a low learning rate" without a number, so this number is from Keras's guide to fine-tuning,
# https://keras.io/guides/transfer_learning/.
FINE_TUNING_LEARNING_RATE = 1e-5

# Low enough for pretrained layers, and high enough for three epochs with the cosine schedule. Unlike frozen layers,
# those that are fine-tuned run in each step, so there are fewer epochs and smaller images than for frozen backbones.
MATCHED_FINE_TUNING_LEARNING_RATE = 1e-4

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
            # The report gives no schedule: this one is a choice of ours.
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
        # The backbones with the normalization and the larger images that their ImageNet weights expect.
        Experiment(
            "vgg16_matched",
            _builder("vgg16_matched"),
            Protocol(backbone="vgg16", normalization="imagenet_caffe", input_size=96),
            "VGG16 frozen, global average pooling, dense softmax",
            nights=(),
        ),
        Experiment(
            "vgg16_matched_finetuned",
            _builder("vgg16_matched_finetuned"),
            Protocol(
                backbone="vgg16",
                normalization="imagenet_caffe",
                input_size=64,
                learning_rate=MATCHED_FINE_TUNING_LEARNING_RATE,
                learning_rate_schedule="cosine",
                epochs=3,
            ),
            "vgg16_matched, last block fine-tuned",
            nights=(),
        ),
        Experiment(
            "resnet50_matched",
            _builder("resnet50_matched"),
            Protocol(backbone="resnet50", normalization="imagenet_caffe", input_size=96),
            "ResNet50 frozen, global average pooling, dense softmax",
            nights=(),
        ),
        Experiment(
            "resnet50_matched_finetuned",
            _builder("resnet50_matched_finetuned"),
            Protocol(
                backbone="resnet50",
                normalization="imagenet_caffe",
                input_size=64,
                learning_rate=MATCHED_FINE_TUNING_LEARNING_RATE,
                learning_rate_schedule="cosine",
                epochs=3,
            ),
            "resnet50_matched, last 30 layers fine-tuned",
            nights=(),
        ),
        # A reference for ten epochs without pretrained weights. The methods are from K. Jordan, "94% on CIFAR-10 in
        # 3.29 Seconds on a Single GPU" (2024), as far as Keras has them, with a quarter of that network's computation.
        Experiment(
            "reference_cnn",
            _builder("reference_cnn"),
            Protocol(
                normalization="standardize",
                optimizer="sgd",
                learning_rate=0.15,
                learning_rate_schedule="cosine",
                warmup=0.2,
                momentum=0.9,
                nesterov=True,
                weight_decay=5e-3,
                label_smoothing=0.1,
                ema_momentum=0.95,
                patience=10,
            ),
            "seven convolutions, batch normalization, random flips and shifts",
            nights=(),
        ),
    )
}

VARIANTS: dict[str, dict[str, Any]] = {
    **{f"{size}px": {"input_size": size} for size in (32, 48, 64, 96, 128, 160, 192, 224)},
    **{name: {"normalization": name} for name in ("unit_scale", "imagenet_caffe", "standardize")},
    HELD_OUT: {"validation": HELD_OUT},
    "mixed_float16": {"precision": "mixed_float16"},
    "xla": {"xla": True},
}
"""The changes of a protocol that a variant makes, by the suffix in the variant's name.

A variant is an experiment with its own runs and baselines, such as ``simple_cnn+xla`` or
``vgg16_matched+64px+unit_scale``. A name has at most one suffix for the same value, and no suffix that changes nothing,
so that each protocol of an experiment has one name.
"""


def trained_by_nights(dataset: str) -> list[str]:
    """Return the experiments that a night on a data set trains by default."""
    return [name for name in EXPERIMENTS if name not in left_out_by_nights(dataset)]


def left_out_by_nights(dataset: str) -> list[str]:
    """Return the experiments that a night on a data set does not train by default."""
    return [row.name for row in EXPERIMENTS.values() if dataset.removesuffix("-unofficial") not in row.nights]


def variant_name(name: str, variants: Collection[str]) -> str:
    """Return the name of an experiment's variant, with suffixes in the order of ``VARIANTS``."""
    return "+".join([name, *(variant for variant in VARIANTS if variant in variants)])


def variants_in_words() -> str:
    """Return the suffixes that can follow an experiment's name, with those of the same value in one bracket."""
    groups: dict[str, list[str]] = {}
    for variant, changes in VARIANTS.items():
        groups.setdefault(next(iter(changes)), []).append(f"+{variant}")
    return "".join(f"[{'|'.join(group)}]" for group in groups.values())


def find_experiment(name: str) -> Experiment:
    """Return the experiment with this name, a row of the table or a variant.

    Raises:
        ValueError: the name is unknown, or a variant changes nothing.
    """
    row, *variants = name.split("+")
    changed = [value for variant in variants for value in VARIANTS.get(variant, ())]
    if row not in EXPERIMENTS or name != variant_name(row, variants) or len(set(changed)) < len(changed):
        raise ValueError(
            f"experiment: found {name!r}, expected one of {', '.join(EXPERIMENTS)}, or NAME{variants_in_words()}"
        )
    experiment = EXPERIMENTS[row]
    for variant in variants:
        protocol = replace(experiment.protocol, **VARIANTS[variant])
        if protocol == experiment.protocol:
            raise ValueError(f"experiment: found {name!r}, expected it without +{variant}, which changes nothing")
        experiment = replace(
            experiment, name=name, protocol=protocol, description=f"{experiment.description}; {variant}"
        )
    return experiment
