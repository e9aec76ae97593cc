"""Accuracy and loss by epoch: of runs over the range of a baseline's, and the published curves beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cifar_models.figures.style import (
    ACCURACY_LABEL,
    GREY,
    LOSS_LABEL,
    SERIES_COLOURS,
    SERIES_MARKERS,
    VERMILION,
    Panel,
)
from cifar_models.results.run import Run
from cifar_models.results.words import count

_PANELS = ((ACCURACY_LABEL, "accuracy", "val_accuracy"), (LOSS_LABEL, "loss", "val_loss"))


def learning_curves(
    runs_by_name: Mapping[str, Sequence[Run]],
    band: Sequence[Run] = (),
    *,
    differs_since: Mapping[str, int | None] = {},
) -> list[Panel]:
    """Show accuracy and loss by epoch, from 1: a line for each run, solid for validation, dashed for train.

    Args:
        runs_by_name: one run or more under each name of the legend; a name has its own colour and marker.
        band: runs to compare with, such as a baseline's: from their lowest to their highest value at each epoch, over
            those that reached it; grey for validation, hatched for train.
        differs_since: by the name of a curve of ``Curves``, the epoch since which its mean lies outside the band; that
            of ``val_accuracy`` and of ``val_loss`` is marked.

    Raises:
        ValueError: there is no run at all, or none under a name.
    """
    if not runs_by_name or not all(runs_by_name.values()):
        raise ValueError(f"curves: found no run of {', '.join(runs_by_name) or 'anything'}, expected one or more")

    def panel(title: str, train: str, validation: str) -> Panel:
        epoch = differs_since.get(validation)

        def draw(axes: Axes) -> None:
            if band:
                _fill_range(axes, [getattr(run.curves, validation) for run in band], "baseline, validation")
                _fill_range(axes, [getattr(run.curves, train) for run in band], "baseline, train", hatch="////")
            for (name, runs), colour, marker in zip(
                runs_by_name.items(), cycle(SERIES_COLOURS), cycle(SERIES_MARKERS), strict=False
            ):
                for curve, style, fill in ((validation, "-", colour), (train, "--", "white")):
                    what = "validation" if curve == validation else "train"
                    for number, run in enumerate(runs):
                        values = getattr(run.curves, curve)
                        axes.plot(
                            range(1, len(values) + 1),
                            values,
                            linestyle=style,
                            linewidth=1.6 if len(runs) == 1 else 1.0,
                            color=colour,
                            marker=marker,
                            markersize=4 if len(runs) == 1 else 2.5,
                            markerfacecolor=fill,
                            label=f"{name}, {what}" if number == 0 else "_",  # one entry of the legend for all runs
                        )
            if epoch:
                axes.axvline(epoch, color=VERMILION, linestyle=":", linewidth=2, label="validation differs since")
            _label_epochs(axes)

        words = [_in_words(name, runs, train, validation) for name, runs in runs_by_name.items()]
        if band:
            words.append(f"behind them, {_in_words('the baseline', band, train, validation)}")
        if epoch:
            words.append(f"validation lies outside the baseline's range since epoch {epoch}")
        return Panel(f"{title} by epoch", draw, f"{title.capitalize()} by epoch. {'; '.join(words)}.")

    return [panel(*each) for each in _PANELS]


def published_curves(published: Mapping[str, Sequence[float]], ours: Mapping[str, Sequence[Run]]) -> Panel:
    """Show validation accuracy by epoch, from 1: the published curves as lines, ours as their range and mean.

    Args:
        published: by experiment, one value for each epoch, in [0, 1].
        ours: our runs of some of these experiments, one or more each.

    Raises:
        ValueError: there is no published curve, or an experiment of ours has no run.
    """
    if not published or not all(ours.values()):
        raise ValueError("curves: found none, expected one published or more, and one run or more of ours")

    def draw(axes: Axes) -> None:
        for (name, curve), colour, marker in zip(
            published.items(), cycle(SERIES_COLOURS), cycle(SERIES_MARKERS), strict=False
        ):
            axes.plot(
                range(1, len(curve) + 1), curve, color=colour, marker=marker, markersize=4, label=f"{name}, published"
            )
            if name in ours:
                _fill_range(axes, _validation(ours[name]), f"{name}, range of ours", colour=colour, alpha=0.25)
                means = _shared_means(_validation(ours[name]))
                axes.plot(range(1, len(means) + 1), means, "--", color=colour, label=f"{name}, mean of ours")
        _label_epochs(axes)

    words = []
    for name, curve in published.items():
        words.append(f"{name} published, best {max(curve):.4f} at epoch {1 + int(np.argmax(curve))} of {len(curve)}")
        if name in ours:
            best = max(_shared_means(_validation(ours[name])))
            words.append(f"mean of {count(ours[name], 'run')} of ours, best {best:.4f}")
    title = f"validation {ACCURACY_LABEL} by epoch"
    return Panel(title, draw, f"Validation accuracy by epoch. {'; '.join(words)}.")


def _validation(runs: Sequence[Run]) -> list[list[float]]:
    return [run.curves.val_accuracy for run in runs]


def _shared_means(curves: Sequence[Sequence[float]]) -> list[float]:
    """Return the mean at each epoch that all curves reached."""
    return [fmean(values) for values in zip(*curves, strict=False)]


def _label_epochs(axes: Axes) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=True)


def _fill_range(
    axes: Axes,
    curves: Sequence[Sequence[float]],
    label: str,
    *,
    hatch: str | None = None,
    colour: str = GREY,
    alpha: float = 0.5,
) -> None:
    """Fill from the lowest to the highest curve, over those that reached an epoch."""
    epochs = range(1, max(map(len, curves)) + 1)
    reached = [[curve[epoch - 1] for curve in curves if len(curve) >= epoch] for epoch in epochs]
    axes.fill_between(
        epochs,
        [min(values) for values in reached],
        [max(values) for values in reached],
        facecolor="none" if hatch else colour,
        edgecolor=colour,
        alpha=alpha,
        hatch=hatch,
        linewidth=0.5,
        label=label,
    )


def _in_words(name: str, runs: Sequence[Run], train: str, validation: str) -> str:
    """Return the best and the last mean of validation, and the last of train."""
    fewest, most = min(run.epochs for run in runs), max(run.epochs for run in runs)
    epochs = f"{most} epoch{'s' if most > 1 else ''}" if fewest == most else f"{fewest} to {most} epochs"
    best = fmean((min if validation == "val_loss" else max)(getattr(run.curves, validation)) for run in runs)
    last, last_train = (fmean(getattr(run.curves, curve)[-1] for run in runs) for curve in (validation, train))
    return (
        f"{name}, {count(runs, 'run')} of {epochs}: validation {best:.4f} at its best and {last:.4f} at the end, where "
        f"train is {last_train:.4f}"
    )
