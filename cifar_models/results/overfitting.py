"""Describes in words what a run's curves show about overfitting."""

from __future__ import annotations

import math
import textwrap

from cifar_models.results.run import Run

CHANCE = 1.96
"""Standard errors on either side of a mean that contain 95 % of normal samples."""

WIDTH = 100
"""Characters in a line."""


def describe_overfitting(run: Run) -> str:
    """Return lines with the gap, the best epoch, the lowest validation loss, and two sentences on what they mean."""
    curves, best = run.curves, run.best_epoch
    lowest = curves.val_loss.index(min(curves.val_loss)) + 1
    return "\n".join(
        [
            f"gap of the last epoch   {run.gap:+.4f} (train accuracy {curves.accuracy[-1]:.4f}, validation accuracy "
            f"{curves.val_accuracy[-1]:.4f})",
            f"best epoch              {best} of {run.epochs} (validation accuracy {curves.val_accuracy[best - 1]:.4f}),"
            f" whose weights are kept",
            f"lowest validation loss  epoch {lowest} ({curves.val_loss[lowest - 1]:.4f}; {curves.val_loss[-1]:.4f} in "
            f"the last epoch)",
            f"end of training         {_end_in_words(run)}",
            "",
            textwrap.fill(f"{_gap_in_words(run)} {_losses_in_words(run, lowest)}", WIDTH),
        ]
    )


def _end_in_words(run: Run) -> str:
    most = run.protocol.get("epochs")
    if not isinstance(most, int):
        return f"after {run.epochs} epochs"
    if run.epochs < most:
        return f"early stopping, after {run.epochs} of at most {most} epochs"
    return f"after all {run.epochs} epochs of the protocol"


def _gap_in_words(run: Run) -> str:
    # Half of the 95 % interval of the validation accuracy, by the binomial standard error sqrt(p (1 - p) / n).
    images = sum(report.images for report in run.evaluation.classes.values())
    validation = run.curves.val_accuracy[-1]
    chance = CHANCE * math.sqrt(max(validation * (1 - validation), 0) / max(images, 1))
    if abs(run.gap) <= chance:
        return (
            f"The gap is within ±{chance:.4f}, which the choice of evaluation images alone can cause: it shows no "
            f"overfitting."
        )
    if run.gap < 0:
        return (
            "The model did better on the evaluation images than on the training images, which can happen if dropout is "
            "active during training or if accuracy still rises fast: it shows no overfitting."
        )
    return (
        f"The model is right on {100 * run.gap:.1f} in 100 more training images than new images: it has learnt details "
        f"of the training images that do not generalise."
    )


def _losses_in_words(run: Run, lowest: int) -> str:
    loss, val_loss = run.curves.loss, run.curves.val_loss
    if run.epochs == 1:
        return "One epoch shows no trend."
    if lowest == run.epochs:
        return "Validation loss was lowest in the last epoch: more epochs may still help."
    if lowest == run.epochs - 1:
        return "Validation loss was lowest in the last epoch but one: a single rise may be chance."
    if loss[-1] < loss[lowest - 1]:
        return (
            f"Since epoch {lowest} validation loss has risen from {val_loss[lowest - 1]:.4f} to {val_loss[-1]:.4f} "
            f"while train loss fell from {loss[lowest - 1]:.4f} to {loss[-1]:.4f}: more epochs only add to the "
            f"overfitting."
        )
    return f"Since epoch {lowest} neither loss has fallen: the training does not converge, which is not overfitting."
