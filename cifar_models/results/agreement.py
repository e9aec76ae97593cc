"""Whether a run's record agrees with itself: what it says twice, it must say twice the same.

Such a check needs no baseline and no second training, and finds an error of the suite or of a library by its name:
weights that were not restored, a metric that counts something else, an early stop at another epoch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from cifar_models.results.run import Run
from cifar_models.storage.fingerprint import fingerprint_json

IMAGES_THAT_MAY_DIFFER = 0.001
"""Share of the evaluation images that two predictions by the same weights may place in other classes: with half
precision, batches of other sizes can turn a close call. In float32 on a processor it is none."""

LOSS_ROUNDING = 1e-3
"""Relative difference of two means of the same losses, for the same reason; in float32 it is about 1e-6."""

_EXACT = 1e-6  # of a ratio of counts, which is stored in full


def disagreements(run: Run) -> list[str]:
    """Return what a run's record contradicts itself in, a sentence each with both values; nothing if it agrees."""
    return [
        f"{run.experiment} seed {run.seed}: {sentence}"
        for part in (_counts, _curves, _early_stopping, _protocol)
        for sentence in part(run)
    ]


def _counts(run: Run) -> Iterator[str]:
    """Hold the accuracy and each class's rates against the confusion matrix."""
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
    """Hold what was evaluated after the training, on the images of the validation, against the best epoch's."""
    best = run.best_epoch - 1
    images, accuracy, loss = sum(map(sum, run.evaluation.confusion)), run.accuracy, run.evaluation.loss
    if run.held_out is not None:
        images, accuracy, loss = run.held_out.images, run.held_out.accuracy, run.held_out.loss
    validated = run.curves.val_accuracy[best]
    # Half an image of slack is rounding.
    if not abs(accuracy - validated) <= max(IMAGES_THAT_MAY_DIFFER, 0.5 / max(images, 1)):
        yield (
            f"accuracy is {accuracy:.4f} after the training, but {validated:.4f} in its best epoch {best + 1}, "
            f"whose weights it should have"
        )
    if loss is None:
        return
    # A model's penalties make the validation loss larger than the cross-entropy, never smaller. Label smoothing s makes
    # it (1 - s) times the cross-entropy and s times the mean over the classes of -log p, which is log(10) or more.
    smoothing = run.protocol.get("label_smoothing", 0.0)
    validated = (run.curves.val_loss[best] - smoothing * math.log(len(run.evaluation.classes))) / (1 - smoothing)
    if not loss <= validated * (1 + LOSS_ROUNDING) + LOSS_ROUNDING:
        yield (
            f"loss is {loss:.4f} after the training, but no more than {validated:.4f} in its best epoch {best + 1}, "
            f"whose weights it should have"
        )


def _early_stopping(run: Run) -> Iterator[str]:
    """Hold the number of epochs against the protocol's most and its patience."""
    most, patience = run.protocol.get("epochs"), run.protocol.get("patience")
    if not isinstance(most, int) or not isinstance(patience, int):
        return
    expected = min(most, run.best_epoch + patience)
    if run.epochs != expected:
        yield (
            f"it trained {run.epochs} epochs, but early stopping with patience {patience} ends after {expected} of at "
            f"most {most} where epoch {run.best_epoch} is the best"
        )


def _protocol(run: Run) -> Iterator[str]:
    """Hold the protocol's values against its fingerprint, and against what was held out."""
    held_out = run.protocol.get("validation") == "held_out"
    if held_out and run.held_out is None:
        yield "its protocol holds training images out, but its record has no result on them"
    if run.held_out is not None and not held_out:
        yield "its record has a result on held-out training images, but its protocol holds none out"
    if (expected := fingerprint_json(run.protocol)) != run.fingerprints.protocol:
        yield f"the protocol's fingerprint is {run.fingerprints.protocol}, but its values have {expected}"


def _close(found: float, expected: float) -> bool:
    return math.isclose(found, expected, rel_tol=_EXACT, abs_tol=_EXACT)
