"""Renders the generated parts of README.md and docs/."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from statistics import fmean, stdev

from benchmarks.baselines.baseline import Baseline, Baselines
from benchmarks.judging.judge import best_sight, by_experiment
from benchmarks.judging.night_results import read_night_results
from benchmarks.records.night_folder import read_night
from benchmarks.report.terminal import exact_table, verdicts_table
from benchmarks.report.wording import failure_message
from cifar_models.command_line.output import table
from cifar_models.experiments import EXPERIMENTS
from cifar_models.results.words import mean_and_deviation

BEGIN, END = "<!-- {}: written by python -m benchmarks readme -->\n", "<!-- end of {} -->\n"

IMAGES = {
    "cifar10": "the official CIFAR-10 images",
    "synthetic": "the package's own synthetic images; backbones start from seeded random weights, not ImageNet's",
}
"""Description of each data set in the tables."""


def documents(root: Path) -> list[Path]:
    """Return the Markdown files in the repository's folder and in docs/."""
    return [*sorted(root.glob("*.md")), *sorted(root.glob("docs/**/*.md"))]


def refresh(text: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """Return a document's text after replacing the parts between marks.

    ``parts`` has the functions that render them, by the name in the marks.

    Raises:
        ValueError: a part is unknown or has no end mark.
    """
    for name in re.findall(BEGIN.format("(.*?)"), text):
        begin, end = BEGIN.format(name), END.format(name)
        before, _, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if name not in parts or not ended:
            raise ValueError(f"found {begin!r}, expected the name of a part ({', '.join(parts)}) and then {end!r}")
        text = f"{before}{begin}\n{parts[name]()}\n\n{end}{after}"
    return text


def measured_tables(baselines: Baselines, datasets: list[str]) -> str:
    """Return Markdown tables of the measured baselines on each data set, for CIFAR-10 with the published numbers."""
    tables = [_measured_table(baselines, dataset) for dataset in datasets]
    return "\n\n".join(filter(None, tables))


def _measured_table(baselines: Baselines, dataset: str) -> str:
    published_beside = dataset == "cifar10"
    headers = ["experiment", "accuracy", "gap", "epochs", "seconds a run", "seeds"]
    if published_beside:
        headers[1:1], headers[3:3] = ["published accuracy"], ["published gap"]
    lines = []
    fingerprint = ""
    for name in EXPERIMENTS:
        datasets = baselines.get(name, {})
        measured = datasets.get(dataset, {}).get("measured")
        if measured is None:
            continue
        fingerprint = measured.fingerprints.data
        line = [
            f"`{name}`",
            mean_and_deviation(measured.metrics["accuracy"].values),
            mean_and_deviation(measured.metrics["gap"].values),
            f"{fmean(measured.epochs):.1f}",
            f"{fmean(measured.seconds):.0f}",
            f"{measured.seeds[0]} to {measured.seeds[-1]}",
        ]
        if published_beside:
            published = datasets.get("cifar10", {}).get("published")
            line[1:1], line[3:3] = [_mean(published, "accuracy")], [_mean(published, "gap")]
        lines.append(line)
    if not lines:
        return ""
    return f"Measured on {IMAGES[dataset]} (`{fingerprint[:19]}...`):\n\n{table(lines, headers, 'pipe')}"


def _mean(baseline: Baseline | None, metric: str) -> str:
    return f"{baseline.metrics[metric].mean:.4f}" if baseline and metric in baseline.metrics else "-"


def exact_lane_of(folder: Path) -> str:
    """Return the exact lane of a recorded night, as the terminal prints it.

    Raises:
        NightError: the folder is not a night's.
    """
    return exact_table(read_night(folder).exact)


def verdicts_of(folder: Path, experiments: int | None = None) -> str:
    """Return the verdicts on all or on the first experiments of a recorded night, as the terminal prints them.

    Raises:
        NightError: the folder is not a night's.
    """
    night = read_night(folder)
    every = by_experiment(night.verdicts)
    shown = dict(islice(every.items(), experiments))
    rest = "" if len(shown) == len(every) else "\n..."
    return verdicts_table(shown, night.problems) + rest


def sight_of(folder: Path, baselines: Baselines) -> str:
    """Return a Markdown table of the drops that a recorded night detects, and of the spread of the baseline's runs.

    Standard deviations are in points of accuracy; the loss's is converted by the baseline's curves.

    Raises:
        NightError: the folder is not a night's.
    """
    night = read_night(folder)
    lines = []
    for name, verdicts in by_experiment(night.verdicts).items():
        baseline, sight = baselines[name][night.dataset]["measured"], best_sight(verdicts)
        assert sight is not None and sight.points is not None and baseline.nats_per_point  # noqa: S101, PT018 - measured
        accuracy, loss = (baseline.metrics[metric].values for metric in ("accuracy", "loss"))
        lines.append(
            [
                f"`{name}`",
                str(len(accuracy)),
                f"{fmean(accuracy):.3f}",
                f"{100 * stdev(accuracy):.2f}",
                f"{stdev(loss) / baseline.nats_per_point:.2f}",
                str(sight.runs),
                f"{sight.points:.1f} by {sight.metric}",
            ]
        )
    headers = ("experiment", "baseline runs", "accuracy", "by accuracy", "by loss", "seeds a night", "catches")
    return table(lines, headers, "pipe")


def failures_of(folder: Path, baselines: Baselines, records: Path, update_command: str) -> str:
    """Return the failure messages of a recorded night; arguments as in ``night_results`` and ``failure_message``.

    Raises:
        NightError: the folder is not a night's.
    """
    results = read_night_results(folder, baselines, records).experiments
    return "\n".join(filter(None, (failure_message(result, update_command=update_command) for result in results)))
