"""A run: the record of one training, as a dataclass and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from cifar_models.results.environment import Environment
from cifar_models.results.evaluation import Evaluation, HeldOut
from cifar_models.results.source_code import Code
from cifar_models.storage.strict_json import added_later, parse_record, read_as, to_json

FORMAT = 2
"""Version of the record's layout."""


class RunError(ValueError):
    """A record cannot be read as a run; the message says what was found and what was expected."""


@dataclass(frozen=True)
class Curves:
    """One value for each epoch: losses, and accuracies in [0, 1]. Train values are means over the epoch's batches."""

    loss: list[float]
    accuracy: list[float]
    val_loss: list[float]
    val_accuracy: list[float]


@dataclass(frozen=True)
class Timings:
    """Seconds that a run took.

    Attributes:
        features: wall-clock seconds of the frozen part's features; 0 if an earlier run computed them, a second or two
            in records of older versions.
        training: wall-clock seconds of the training.
        processor: processor seconds of both, over all threads, which other work on the machine hardly changes; None if
            not recorded.
    """

    features: float
    training: float
    processor: float | None = added_later()

    @property
    def total(self) -> float:
        """The sum of the wall-clock seconds."""
        return self.features + self.training


@dataclass(frozen=True)
class Fingerprints:
    """Fingerprints that must agree before two runs are compared; weights is None for a model without a backbone."""

    data: str
    weights: str | None
    protocol: str

    def differing_part(self, other: Fingerprints) -> str:
        """Return the first part that differs: ``data``, ``weights`` or ``protocol``; empty if all agree."""
        parts = (entry.name for entry in fields(self))
        return next((part for part in parts if getattr(self, part) != getattr(other, part)), "")


@dataclass(frozen=True)
class Run:
    """One training of one experiment with one seed.

    Attributes:
        experiment, dataset: names.
        seed: seed of initialisation, dropout and the order of the images.
        weights: description of the weights that the model started from.
        protocol: the protocol's values by name.
        evaluation: metrics with the best epoch's weights.
        code: the code that trained; None if not recorded.
        started: UTC time as YYYY-MM-DDTHH:MM:SS+00:00; None if not recorded.
        peak_memory: the process's highest memory use until the end of the run, in bytes; None if not recorded.
        held_out: metrics with the best epoch's weights on the held-out training images, which the validation curves
            are of; None if these are of the evaluation images.
    """

    experiment: str
    seed: int
    dataset: str
    weights: str
    fingerprints: Fingerprints
    protocol: dict[str, Any]
    curves: Curves
    evaluation: Evaluation
    timings: Timings
    environment: Environment
    code: Code | None
    started: str | None
    peak_memory: int | None
    held_out: HeldOut | None = added_later()  # noqa: RUF009 - a dataclass field

    @property
    def accuracy(self) -> float:
        """Accuracy on the evaluation images with the best epoch's weights, in [0, 1]."""
        return self.evaluation.accuracy

    @property
    def loss(self) -> float:
        """Cross-entropy in nats on the evaluation images with the best epoch's weights.

        For old records, which lack it, the best epoch's validation loss, which includes the model's penalties.
        """
        recorded = self.evaluation.loss
        return self.curves.val_loss[self.best_epoch - 1] if recorded is None else recorded

    @property
    def best_epoch(self) -> int:
        """The epoch, from 1, whose weights early stopping restores: the first with the best monitored value."""
        if self.protocol.get("early_stopping_monitor") == "val_loss":
            return self.curves.val_loss.index(min(self.curves.val_loss)) + 1
        return self.curves.val_accuracy.index(max(self.curves.val_accuracy)) + 1

    @property
    def gap(self) -> float:
        """Train accuracy minus validation accuracy in the last epoch; the published 0.169 is this number."""
        return self.curves.accuracy[-1] - self.curves.val_accuracy[-1]

    @property
    def epochs(self) -> int:
        """Number of epochs trained."""
        return len(self.curves.loss)

    def to_json(self) -> str:
        """Return the record as JSON text with sorted keys and its format number."""
        record = {"format": FORMAT, **asdict(self)}
        for holder, key in ((record, "held_out"), (record["timings"], "processor")):
            if holder[key] is None:
                del holder[key]  # an older version does not know the key
        return to_json(record)

    @classmethod
    def from_json(cls, text: str) -> Run:
        """Read what ``to_json`` wrote.

        Raises:
            RunError: the text is not JSON, has another format, or a key or value is wrong.
        """
        try:
            _, record = parse_record(text, "format", [FORMAT])
            record.pop("checksums", None)  # older records name published files by their checksums
            run: Run = read_as(cls, record, "run")
        except ValueError as error:
            raise RunError(f"{error}; this is not a run that this version of the package can read") from None
        epochs = {len(getattr(run.curves, field.name)) for field in fields(Curves)}
        if len(epochs) != 1 or epochs == {0}:
            raise RunError(f"run.curves: found curves of {sorted(epochs)} epochs, expected one length of 1 or more")
        return run
