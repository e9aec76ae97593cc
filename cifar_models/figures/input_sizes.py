"""Accuracy and minutes against the input size: a line for each backbone and normalization, and CNNs beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import fmean, stdev
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from cifar_models.experiments import PUBLISHED_INPUT_SIZE, VARIANTS, variant_name
from cifar_models.figures.style import ACCURACY_LABEL, BLACK, GREY, Panel, series_looks
from cifar_models.results.run import Run
from cifar_models.results.words import mean_and_deviation, minutes, processor_minutes

_LEVELS = [(colour, dashes) for colour in (BLACK, GREY) for dashes in ("--", ":", "-.")]
"""Looks of experiments without a backbone."""
_OF_THE_AXES = {"input_size", "normalization"}
"""Values of a protocol that a figure shows, so that no name needs to say them."""
_WITH_POOLING = {"vgg16_frozen": "vgg16_matched", "resnet50_frozen": "resnet50_matched"}
"""Experiments at the published input size, and those that they equal there: a backbone ends in one pixel, so pooling
changes nothing. Both are points of one line."""


@dataclass(frozen=True)
class Sweep:
    """Runs by input size.

    Attributes:
        sizes: of experiments with a backbone: runs by name and input size, in pixels a side, ascending.
        others: of experiments without one, which have no other input size: runs by name.
    """

    sizes: Mapping[str, Mapping[int, Sequence[Run]]]
    others: Mapping[str, Sequence[Run]]

    def rows(self) -> Iterator[tuple[str, int, Sequence[Run]]]:
        """Yield the runs with their experiment's own name, without the input size, and their input size."""
        for by_size in self.sizes.values():
            for size, runs in by_size.items():
                yield _name(runs[0]), size, runs
        for name, runs in self.others.items():
            yield name, PUBLISHED_INPUT_SIZE, runs

    def cost(self) -> tuple[str, Callable[[Sequence[Run]], float | None]]:
        """Return the kind of minutes that a training is measured in, and the function that computes them from runs.

        If all runs trained on the CPU and some recorded their processor time, it is this, which other work on the
        machine hardly changes. Runs without it have no minutes then.
        """
        runs = [run for _, _, some in self.rows() for run in some]
        on_processor = all(run.environment.device == "CPU" for run in runs)
        if on_processor and any(processor_minutes(some) is not None for _, _, some in self.rows()):
            return "processor minutes", processor_minutes
        return "minutes", minutes


def sweep_of(runs: Sequence[Run]) -> Sweep:
    """Group runs by name and input size.

    Raises:
        ValueError: no run of an experiment with a backbone, runs on several data sets, or runs of one name and input
            size that differ in weights or protocol or have the same seed.
    """
    if len(data := {(run.dataset, run.fingerprints.data) for run in runs}) > 1:
        names = ", ".join(sorted({name for name, _ in data}))
        raise ValueError(f"input sizes: found runs on {len(data)} data sets ({names}), expected one")
    sizes: dict[str, dict[int, list[Run]]] = {}
    others: dict[str, list[Run]] = {}
    for run in runs:
        if run.protocol.get("backbone"):
            size = run.protocol.get("input_size", PUBLISHED_INPUT_SIZE)
            group = sizes.setdefault(_line(run), {}).setdefault(size, [])
        else:
            group = others.setdefault(run.experiment, [])
        same = next((other for other in group if other.seed == run.seed), None)
        group.append(run)
        if run.fingerprints != group[0].fingerprints:
            raise ValueError(
                f"input sizes: found runs of {run.experiment} that differ in weights or protocol, expected one of "
                f"each; leave out the records that are out of date"
            )
        if same is not None:
            raise ValueError(
                f"input sizes: found seed {run.seed} twice, of {same.experiment} and of {run.experiment}, expected one "
                f"run of each seed; leave out one of the records"
            )
    if not sizes:
        raise ValueError("input sizes: found no run of an experiment with a backbone, expected one or more")
    return Sweep({name: dict(sorted(by_size.items())) for name, by_size in sizes.items()}, others)


def _name(run: Run) -> str:
    row, *variants = run.experiment.split("+")
    return variant_name(row, [each for each in variants if not _OF_THE_AXES & VARIANTS.get(each, {}).keys()])


def _line(run: Run) -> str:
    row, plus, variants = _name(run).partition("+")
    return f"{_WITH_POOLING.get(row, row)}{plus}{variants}, {run.protocol.get('normalization')}"


def _looks(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return a look for each name: a colour for each experiment, dashes where the weights expect other pixels."""
    pairs = {name: name.split(", ") for name in names}
    experiments = dict.fromkeys(experiment for experiment, _ in pairs.values())
    of_experiments = dict(zip(experiments, series_looks(), strict=False))
    dashed, solid = {"linestyle": "--", "fillstyle": "none"}, {"linestyle": "-", "fillstyle": "full"}
    return {
        name: of_experiments[experiment] | (solid if normalization == "imagenet_caffe" else dashed)
        for name, (experiment, normalization) in pairs.items()
    }


def by_input_size(sweep: Sweep) -> dict[str, Panel]:
    """Return accuracy and ``Sweep.cost`` by input size, by a short name; accuracies with their standard deviation."""
    title, of_one = sweep.cost()

    def minutes_of(runs: Sequence[Run]) -> list[float]:
        found = of_one(runs)
        return [] if found is None else [found]

    def accuracies_of(runs: Sequence[Run]) -> list[float]:
        return [run.accuracy for run in runs]

    return {
        "accuracy": _panel(sweep, f"{ACCURACY_LABEL} by input size (px)", accuracies_of, mean_and_deviation),
        "minutes": _panel(
            sweep, f"{title} of a training by input size (px)", minutes_of, lambda found: f"{found[0]:.1f}", log=True
        ),
    }


def _panel(
    sweep: Sweep,
    title: str,
    values: Callable[[Sequence[Run]], list[float]],
    in_words: Callable[[list[float]], str],
    *,
    log: bool = False,
) -> Panel:
    """Return the panel of some values. What has none is left out, and the others look as in each other panel."""
    sizes = {
        name: {size: found for size, runs in some.items() if (found := values(runs))}
        for name, some in sweep.sizes.items()
    }
    others = {name: values(runs) for name, runs in sweep.others.items()}

    def draw(axes: Axes) -> None:
        looks = _looks(sizes)
        for name, points in sizes.items():
            if points:
                axes.errorbar(
                    [*points],
                    [fmean(some) for some in points.values()],
                    yerr=[stdev(some) if len(some) > 1 else 0.0 for some in points.values()],
                    markersize=4.5,
                    linewidth=1.5,
                    label=name,
                    **looks[name],
                )
        for (name, some), (colour, dashes) in zip(others.items(), cycle(_LEVELS), strict=False):
            if some:
                axes.axhline(fmean(some), color=colour, linestyle=dashes, linewidth=1.5, label=name)
        axes.set_xticks(sorted({size for points in sizes.values() for size in points}))
        if log:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_major_formatter("{x:g}")
        axes.grid(visible=True)

    words = [
        f"{name}: {', '.join(f'{size} px {in_words(some)}' for size, some in points.items())}"
        for name, points in sizes.items()
        if points
    ]
    words += [f"{name}: {in_words(some)} at {PUBLISHED_INPUT_SIZE} px" for name, some in others.items() if some]
    return Panel(title, draw, f"{title.capitalize()}. {'; '.join(words)}.")
