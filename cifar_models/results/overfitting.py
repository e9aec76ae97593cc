"""What a run's curves say about overfitting, in numbers and in words."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass

from cifar_models.results.run import Run

CHANCE = 1.96
"""Standard errors within which 95 % of all samples' means lie, if they are normal."""

WIDTH = 100
"""Characters in a line of words."""


@dataclass(frozen=True)
class Overfitting:
    """What a run's curves say about overfitting.

    Attributes:
        gap: train minus validation accuracy of the last epoch.
        chance: half of the 95 % interval of the last epoch's validation accuracy, by the binomial standard error
            sqrt(p (1 - p) / n) on n validation images: a smaller gap may be one of this sample of images alone.
        best_epoch: from 1, whose weights were restored: the first with the best value of what early stopping watched.
        lowest_loss_epoch: from 1, the first with the lowest validation loss.
        epochs: how many were trained.
        most_epochs: how many the protocol allows; None if the record does not say.
    """

    gap: float
    chance: float
    best_epoch: int
    lowest_loss_epoch: int
    epochs: int
    most_epochs: int | None

    @property
    def stopped_early(self) -> bool:
        """Whether early stopping ended the training."""
        return self.most_epochs is not None and self.epochs < self.most_epochs


def analyse_overfitting(run: Run) -> Overfitting:
    """Return what a run's curves say about overfitting."""
    curves = run.curves
    images = sum(report.images for report in run.evaluation.classes.values())
    if run.held_out is not None:
        images = run.held_out.images
    validation = curves.val_accuracy[-1]
    lowest_loss = curves.val_loss.index(min(curves.val_loss)) + 1
    most = run.protocol.get("epochs")
    return Overfitting(
        gap=run.gap,
        chance=CHANCE * math.sqrt(max(validation * (1 - validation), 0) / max(images, 1)),
        best_epoch=run.best_epoch,
        lowest_loss_epoch=lowest_loss,
        epochs=run.epochs,
        most_epochs=most if isinstance(most, int) else None,
    )


def describe_overfitting(run: Run) -> str:
    """Return the analysis of a run as lines of text: its numbers, and a plain sentence on what they mean."""
    found = analyse_overfitting(run)
    curves = run.curves
    if found.stopped_early:
        ended = f"early stopping, after {found.epochs} of at most {found.most_epochs} epochs"
    elif found.most_epochs is not None:
        ended = f"all {found.epochs} epochs of the protocol"
    else:
        ended = f"after {found.epochs} epochs"
    return "\n".join(
        [
            f"gap of the last epoch   {found.gap:+.4f} (train accuracy {curves.accuracy[-1]:.4f}, validation accuracy "
            f"{curves.val_accuracy[-1]:.4f})",
            f"best epoch              {found.best_epoch} of {found.epochs} (validation accuracy "
            f"{curves.val_accuracy[found.best_epoch - 1]:.4f}), whose weights are kept",
            f"lowest validation loss  epoch {found.lowest_loss_epoch} "
            f"({curves.val_loss[found.lowest_loss_epoch - 1]:.4f}; {curves.val_loss[-1]:.4f} in the last epoch)",
            f"ended by                {ended}",
            "",
            textwrap.fill(f"{_gap_in_words(found)} {_losses_in_words(run, found)}", WIDTH),
        ]
    )


def _gap_in_words(found: Overfitting) -> str:
    if abs(found.gap) <= found.chance:
        return (
            f"The gap is within the ±{found.chance:.4f} that the choice of validation images alone makes: no "
            f"overfitting to be seen in it."
        )
    if found.gap < 0:
        return (
            "The model did better on the validation images than on the training images, as it may where dropout is "
            "active in training only, or while an epoch still brings much: no overfitting to be seen in it."
        )
    return (
        f"The model is right on {100 * found.gap:.1f} in 100 more of its training images than of new ones: it has "
        f"learnt details of the training images that do not carry over."
    )


def _losses_in_words(run: Run, found: Overfitting) -> str:
    loss, val_loss = run.curves.loss, run.curves.val_loss
    lowest = found.lowest_loss_epoch - 1
    if found.epochs == 1:
        return "One epoch shows no trend."
    if found.lowest_loss_epoch == found.epochs:
        return "Validation loss was at its lowest in the last epoch: more epochs may still help."
    if found.lowest_loss_epoch == found.epochs - 1:
        return "Validation loss was at its lowest in the last epoch but one: a single rise may be chance."
    if loss[-1] < loss[lowest]:
        return (
            f"Since epoch {found.lowest_loss_epoch} validation loss has risen from {val_loss[lowest]:.4f} to "
            f"{val_loss[-1]:.4f} while train loss fell from {loss[lowest]:.4f} to {loss[-1]:.4f}: more epochs only add "
            f"to the overfitting."
        )
    return (
        f"Since epoch {found.lowest_loss_epoch} neither loss has come down: that is a training which does not settle, "
        f"not overfitting."
    )
