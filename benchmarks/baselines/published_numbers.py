"""The numbers of the published report on its five trainings on CIFAR-10; none of them was measured here."""

from __future__ import annotations

from dataclasses import dataclass

from cifar_models.datasets.batches import CLASS_NAMES


@dataclass(frozen=True)
class PublishedTraining:
    """One training of the report; values that it does not give are None or empty.

    Attributes:
        accuracy: on the 10,000 test images, in [0, 1].
        gap: train minus validation accuracy in the last epoch.
        comment: our description of what its log shows or the report leaves open.
        validation_accuracy: by epoch, in [0, 1], from its log.
        f1: of each class, in label order, and their mean ``macro_f1``, in [0, 1] with two digits.
        seconds_per_epoch: on one shared GPU, from its log; the middle of a range.
    """

    accuracy: float
    gap: float | None
    comment: str
    validation_accuracy: tuple[float, ...] = ()
    f1: tuple[float, ...] = ()
    macro_f1: float | None = None
    seconds_per_epoch: float | None = None

    @property
    def f1_by_class(self) -> dict[str, float]:
        """F1 by class name; empty if not published."""
        return dict(zip(CLASS_NAMES, self.f1, strict=True)) if self.f1 else {}


PUBLISHED_NUMBERS: dict[str, PublishedTraining] = {
    "simple_cnn": PublishedTraining(
        accuracy=0.6763,
        gap=0.169,
        comment="overfits: best at epoch 5, stopped early after epoch 8",
        validation_accuracy=(0.5828, 0.6407, 0.6722, 0.6736, 0.6763, 0.6712, 0.6700, 0.6649),
        f1=(0.73, 0.80, 0.56, 0.45, 0.61, 0.56, 0.76, 0.71, 0.77, 0.73),
        macro_f1=0.67,
        seconds_per_epoch=3.0,
    ),
    "vgg16_frozen": PublishedTraining(
        accuracy=0.5769,
        gap=0.016,
        comment="hardly overfits, and still rises at the last of 10 epochs",
        validation_accuracy=(0.4928, 0.5273, 0.5425, 0.5507, 0.5570, 0.5645, 0.5681, 0.5702, 0.5734, 0.5769),
        f1=(0.64, 0.63, 0.47, 0.42, 0.53, 0.52, 0.64, 0.61, 0.68, 0.60),
        macro_f1=0.58,
        seconds_per_epoch=9.5,
    ),
    "improved_cnn": PublishedTraining(
        accuracy=0.7525, gap=None, comment="the best of the five; its layers are not given, ours are our choice"
    ),
    "resnet50_frozen": PublishedTraining(
        accuracy=0.3491,
        gap=None,
        comment="far below VGG16; its weights expect centred pixels and get pixels divided by 255",
    ),
    "resnet50_finetuned": PublishedTraining(
        accuracy=0.3425, gap=None, comment="30 of 175 layers freed gain nothing; its learning rate is not given"
    ),
}
"""By experiment, in the report's order."""
