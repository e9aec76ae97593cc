"""Checks that the parts of a run's record agree with each other.

The checks need no baseline and no second training. They find errors of the suite or of a library, such as weights that
were not restored, a wrong metric, or early stopping at a wrong epoch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from cifar_models.results.run import Run
from cifar_models.storage.fingerprint import fingerprint_json

IMAGES_THAT_MAY_DIFFER = 0.001
"""Share of the evaluation images for which two predictions by the same weights may differ: with half precision the
batch size can change a close decision. In float32 on a CPU there is no difference."""

LOSS_ROUNDING = 1e-3
"""Allowed relative difference of two means of nearly the same losses, for the same reason; in float32 it is about 1e-6.
The evaluation's loss can be smaller, because only there no image counts for more than 16.1 nats."""

_EXACT = 1e-6  # allowed difference of a ratio of counts, which is stored in full


def disagreements(run: Run) -> list[str]:
    """Return a sentence with both values for each contradiction in a run's record; an empty list if there is none."""
    return [
        f"{run.experiment} seed {run.seed}: {sentence}"
        for part in (_counts, _curves, _early_stopping, _protocol)
        for sentence in part(run)
    ]


def _counts(run: Run) -> Iterator[str]:
    """Compare the accuracy and each class's rates with the confusion matrix."""
    evaluation = run.evaluation
    counts = np.array(evaluation.confusion, dtype=np.float64)
    if counts.shape != (len(evaluation.classes), len(evaluation.classes)) or not counts.sum() > 0:
        yield f"the confusion matrix has the shape {counts.shape}, but there are {len(evaluation.classes)} classes"
        return
    right = float(np.trace(counts) / counts.sum())
    if not _close(evaluation.accuracy, right):
        yield f"accuracy is {evaluation.accuracy:.6f}, but its confusion matrix makes it {right:.6f}"
    for position, (name, report) in enumerate(evaluation.classes.items()):
        images, predicted = float(counts[position].sum()), float(counts[:, position].sum())
        found = float(counts[position, position])
        expected = {
            "images": images,
            "precision": found / predicted if predicted else 0.0,
            "recall": found / images if images else 0.0,
            "f1": 2 * found / (images + predicted) if images + predicted else 0.0,
        }
        for rate, value in expected.items():
            if not _close(getattr(report, rate), value):
                yield f"{rate} of {name} is {getattr(report, rate):.6g}, but its confusion matrix makes it {value:.6g}"


def _curves(run: Run) -> Iterator[str]:
    """Compare the evaluation after the training with the validation in the best epoch, on the same images."""
    best = run.best_epoch - 1
    images, accuracy, loss = sum(map(sum, run.evaluation.confusion)), run.accuracy, run.evaluation.loss
    if run.held_out is not None:
        images, accuracy, loss = run.held_out.images, run.held_out.accuracy, run.held_out.loss
    validated = run.curves.val_accuracy[best]
    # Half an image allows for rounding.
    if not abs(accuracy - validated) <= max(IMAGES_THAT_MAY_DIFFER, 0.5 / max(images, 1)):
        yield (
            f"accuracy is {accuracy:.4f} after the training, but {validated:.4f} in its best epoch {best + 1}, "
            f"whose weights should be restored"
        )
    if loss is None:
        return
    # A model's penalties can only make the validation loss larger than the cross-entropy. Label smoothing s makes it
    # 1 - s of the cross-entropy plus s of the mean of -log p over the classes, which is at least log(10).
    smoothing = run.protocol.get("label_smoothing", 0.0)
    validated = (run.curves.val_loss[best] - smoothing * math.log(len(run.evaluation.classes))) / (1 - smoothing)
    if not loss <= validated * (1 + LOSS_ROUNDING) + LOSS_ROUNDING:
        yield (
            f"loss is {loss:.4f} after the training, but at most {validated:.4f} in its best epoch {best + 1}, whose "
            f"weights should be restored"
        )


def _early_stopping(run: Run) -> Iterator[str]:
    """Compare the number of epochs with the protocol's maximum and patience."""
    most, patience = run.protocol.get("epochs"), run.protocol.get("patience")
    if not isinstance(most, int) or not isinstance(patience, int):
        return
    expected = min(most, run.best_epoch + patience)
    if run.epochs != expected:
        yield (
            f"it trained {run.epochs} epochs, but with best epoch {run.best_epoch} and patience {patience} early "
            f"stopping ends after {expected} of at most {most}"
        )


def _protocol(run: Run) -> Iterator[str]:
    """Compare the protocol's values with its fingerprint, and with the held-out images."""
    held_out = run.protocol.get("validation") == "held_out"
    if held_out and run.held_out is None:
        yield "its protocol holds training images out, but its record has no result on them"
    if run.held_out is not None and not held_out:
        yield "its record has a result on held-out training images, but its protocol holds none out"
    if (expected := fingerprint_json(run.protocol)) != run.fingerprints.protocol:
        yield f"the protocol's fingerprint is {run.fingerprints.protocol}, but its values have {expected}"


def _close(found: float, expected: float) -> bool:
    return math.isclose(found, expected, rel_tol=_EXACT, abs_tol=_EXACT)
