"""Draws accuracy and loss by epoch: runs on the range of a baseline's runs, and published curves with ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cifar_models.figures.style import (
    ACCURACY_LABEL,
    GREY,
    LOSS_LABEL,
    VERMILION,
    Panel,
    series_looks,
)
from cifar_models.results.run import Run
from cifar_models.results.words import count


def learning_curves(
    runs_by_name: Mapping[str, Sequence[Run]],
    band: Sequence[Run] = (),
    *,
    differs_since: Mapping[str, int | None] = {},
) -> list[Panel]:
    """Show accuracy and loss by epoch: a line for each run, solid for validation, dashed for train.

    Args:
        runs_by_name: by name in the legend, one run or more, drawn in one colour.
        band: runs to compare with, such as a baseline's, drawn as the range of their values at each epoch: grey for
            validation, hatched for train.
        differs_since: by field of ``Curves``, the epoch since which the mean is outside the band; marked for
            ``val_accuracy`` and ``val_loss``.

    Raises:
        ValueError: there is no run at all, or none for a name.
    """
    if not runs_by_name or not all(runs_by_name.values()):
        raise ValueError(f"curves: found no run of {', '.join(runs_by_name) or 'anything'}, expected one or more")

    def panel(title: str, train: str, validation: str) -> Panel:
        epoch = differs_since.get(validation)

        def draw(axes: Axes) -> None:
            if band:
                _fill_range(axes, _curves(band, validation), "baseline, validation")
                _fill_range(axes, _curves(band, train), "baseline, train", hatch="////")
            for (name, runs), look in zip(runs_by_name.items(), series_looks(), strict=False):
                width, size = (1.6, 4) if len(runs) == 1 else (1.0, 2.5)
                drawn = {**look, "linewidth": width, "markersize": size}
                _draw_lines(axes, _curves(runs, validation), f"{name}, validation", **drawn)
                _draw_lines(axes, _curves(runs, train), f"{name}, train", ls="--", markerfacecolor="white", **drawn)
            if epoch:
                axes.axvline(epoch, color=VERMILION, linestyle=":", linewidth=2, label="validation differs since")
            _label_epochs(axes)

        words = [_in_words(name, runs, train, validation) for name, runs in runs_by_name.items()]
        if band:
            words.append(f"behind them, {_in_words('the baseline', band, train, validation)}")
        if epoch:
            words.append(f"validation lies outside the baseline's range since epoch {epoch}")
        return Panel(f"{title} by epoch", draw, f"{title.capitalize()} by epoch. {'; '.join(words)}.")

    return [panel(ACCURACY_LABEL, "accuracy", "val_accuracy"), panel(LOSS_LABEL, "loss", "val_loss")]


def published_curves(published: Mapping[str, Sequence[float]], ours: Mapping[str, Sequence[Run]]) -> Panel:
    """Show validation accuracy by epoch: the published curves as lines, ours as range and mean.

    Args:
        published: by experiment, one value in [0, 1] for each epoch.
        ours: by experiment, our runs, one or more; experiments may be missing.

    Raises:
        ValueError: there is no published curve, or an experiment of ours has no run.
    """
    if not published or not all(ours.values()):
        raise ValueError("curves: found none, expected one published or more, and one run or more of ours")

    curves = {name: _curves(runs, "val_accuracy") for name, runs in ours.items()}
    means = {name: _shared_means(some) for name, some in curves.items()}

    def draw(axes: Axes) -> None:
        for (name, curve), look in zip(published.items(), series_looks(), strict=False):
            _draw_lines(axes, [curve], f"{name}, published", markersize=4, **look)
            if name in ours:
                _fill_range(axes, curves[name], f"{name}, range of ours", color=look["color"], alpha=0.25)
                _draw_lines(axes, [means[name]], f"{name}, mean of ours", ls="--", color=look["color"])
        _label_epochs(axes)

    words = []
    for name, curve in published.items():
        words.append(f"{name} published, best {max(curve):.4f} at epoch {1 + int(np.argmax(curve))} of {len(curve)}")
        if name in ours:
            words.append(f"mean of {count(ours[name], 'run')} of ours, best {max(means[name]):.4f}")
    title = f"validation {ACCURACY_LABEL} by epoch"
    return Panel(title, draw, f"Validation accuracy by epoch. {'; '.join(words)}.")


def _curves(runs: Sequence[Run], name: str) -> list[list[float]]:
    return [getattr(run.curves, name) for run in runs]


def _draw_lines(axes: Axes, curves: Sequence[Sequence[float]], label: str, **look: Any) -> None:
    """Draw a line for each curve, with one legend entry for all."""
    for number, curve in enumerate(curves):
        axes.plot(range(1, len(curve) + 1), curve, label=label if number == 0 else "_", **look)


def _shared_means(curves: Sequence[Sequence[float]]) -> list[float]:
    """Return the mean at each epoch that all curves reached."""
    return [fmean(values) for values in zip(*curves, strict=False)]


def _label_epochs(axes: Axes) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=True)


def _fill_range(
    axes: Axes, curves: Sequence[Sequence[float]], label: str, *, color: str = GREY, alpha: float = 0.5, hatch: str = ""
) -> None:
    """Fill the range between the lowest and the highest of the curves that reached each epoch."""
    reached = [[curve[epoch] for curve in curves if len(curve) > epoch] for epoch in range(max(map(len, curves)))]
    axes.fill_between(
        range(1, len(reached) + 1),
        [min(values) for values in reached],
        [max(values) for values in reached],
        facecolor="none" if hatch else color,
        edgecolor=color,
        alpha=alpha,
        hatch=hatch or None,
        linewidth=0.5,
        label=label,
    )


def _in_words(name: str, runs: Sequence[Run], train: str, validation: str) -> str:
    """Return the means of the best and the last validation value and of the last train value."""
    fewest, most = min(run.epochs for run in runs), max(run.epochs for run in runs)
    epochs = f"{most} epoch{'s' if most > 1 else ''}" if fewest == most else f"{fewest} to {most} epochs"
    best = fmean((min if validation == "val_loss" else max)(getattr(run.curves, validation)) for run in runs)
    last, last_train = (fmean(getattr(run.curves, curve)[-1] for run in runs) for curve in (validation, train))
    return (
        f"{name}, {count(runs, 'run')} of {epochs}: validation {best:.4f} at its best and {last:.4f} at the end, where "
        f"train is {last_train:.4f}"
    )
