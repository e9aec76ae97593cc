"""A run: the record of one training, written to and read from JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from cifar_models.results.environment import Environment
from cifar_models.results.evaluation import Evaluation, overfitting_gap
from cifar_models.results.source_code import Code
from cifar_models.storage.strict_json import parse_record, read_as, to_json

FORMAT = 2
"""The number of this record's layout; another layout gets another number."""


class RunError(ValueError):
    """A record that is no run: what was found and what was expected."""


@dataclass(frozen=True)
class Curves:
    """One value for each epoch trained: losses, and accuracies in [0, 1]; train values are means over the batches."""

    loss: list[float]
    accuracy: list[float]
    val_loss: list[float]
    val_accuracy: list[float]


@dataclass(frozen=True)
class Timings:
    """Wall-clock seconds: of the frozen part's features (0 if another run had computed them), and of the training."""

    features: float
    training: float

    @property
    def total(self) -> float:
        """Both together."""
        return self.features + self.training


@dataclass(frozen=True)
class Fingerprints:
    """What must agree before this run is compared with another.

    Attributes:
        data: over the data set's arrays.
        weights: over the pretrained weights; None for a model that starts from none.
        protocol: over the protocol's values.
    """

    data: str
    weights: str | None
    protocol: str


@dataclass(frozen=True)
class Run:
    """One training of one experiment with one seed.

    Attributes:
        experiment: the experiment's name.
        seed: of initialisation, dropout and the order of the images.
        dataset: the data set's name.
        weights: what the model started from, in words.
        fingerprints: of data, weights and protocol.
        protocol: the protocol's values by name.
        curves: by epoch.
        evaluation: after the best epoch's weights were restored.
        timings: in seconds.
        environment: package versions, processor and device.
        code: that trained; None if not recorded.
        started: when, in UTC, as YYYY-MM-DDTHH:MM:SS+00:00; None if not recorded.
        peak_memory: the most bytes that the process has held in memory until the run's end, earlier runs included; None
            if not recorded.
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

    @property
    def accuracy(self) -> float:
        """Accuracy on the evaluation images with the best epoch's weights, in [0, 1]."""
        return self.evaluation.accuracy

    @property
    def loss(self) -> float:
        """Cross-entropy in nats on the evaluation images with the best epoch's weights.

        An old record does not have it: then the best epoch's validation loss, which a model's penalties add to.
        """
        recorded = self.evaluation.loss
        return self.curves.val_loss[self.best_epoch - 1] if recorded is None else recorded

    @property
    def best_epoch(self) -> int:
        """From 1, whose weights early stopping restores: the first with the best value of what it watches."""
        if self.protocol.get("early_stopping_monitor") == "val_loss":
            return self.curves.val_loss.index(min(self.curves.val_loss)) + 1
        return self.curves.val_accuracy.index(max(self.curves.val_accuracy)) + 1

    @property
    def gap(self) -> float:
        """Train minus validation accuracy of the last epoch trained."""
        return overfitting_gap(self.curves.accuracy, self.curves.val_accuracy)

    @property
    def epochs(self) -> int:
        """How many epochs were trained."""
        return len(self.curves.loss)

    def to_json(self) -> str:
        """Return the record as JSON text, with sorted keys and its format number."""
        return to_json({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Run:
        """Read what ``to_json`` wrote.

        Raises:
            RunError: not JSON, another format, a key missing or unknown, or a value of the wrong type.
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
