"""The tables of numbers in README.md, made from baselines.json so that none is typed in.

``python -m benchmarks readme`` rewrites the part between the two marks. A unit test fails while they differ.
"""

from __future__ import annotations

from statistics import fmean, stdev

from tabulate import tabulate

from benchmarks.baselines.baselines import Baseline, Baselines
from cifar_models.experiments import EXPERIMENTS

BEGIN = "<!-- numbers: written by python -m benchmarks readme -->\n"
END = "<!-- end of numbers -->\n"

DATASETS = {
    "cifar10-unofficial": "CIFAR-10 images from JPEG copies, not the official pixels",
    "synthetic": "the package's own synthetic images; backbones start from seeded random weights, not ImageNet's",
}


def render(baselines: Baselines) -> str:
    """Return the published numbers with the measured ones beside them, as Markdown, a table for each data set."""
    return "\n".join(_section(baselines, dataset, title) for dataset, title in DATASETS.items())


def replace_numbers(text: str, numbers: str) -> str:
    """Return the README's text with the part between the marks replaced.

    Raises:
        ValueError: a mark is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md: found no marks for the numbers, expected {BEGIN!r} and {END!r}")
    return f"{before}{begin}\n{numbers}\n{end}{after}"


def _section(baselines: Baselines, dataset: str, title: str) -> str:
    published_beside = dataset.startswith("cifar10")
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
            _spread(measured, "accuracy"),
            _spread(measured, "gap"),
            f"{fmean(measured.epochs):.1f}",
            f"{fmean(measured.seconds):.0f}",
            f"{measured.seeds[0]} to {measured.seeds[-1]}",
        ]
        if published_beside:
            published = datasets.get("cifar10", {}).get("published")
            line[1:1], line[3:3] = [_mean(published, "accuracy")], [_mean(published, "gap")]
        lines.append(line)
    table = tabulate(lines, headers, tablefmt="pipe", disable_numparse=True)
    return f"Measured on {title} (`{fingerprint[:19]}...`):\n\n{table}\n"


def _mean(baseline: Baseline | None, metric: str) -> str:
    return f"{baseline.metrics[metric].mean:.4f}" if baseline and metric in baseline.metrics else "-"


def _spread(baseline: Baseline, metric: str) -> str:
    values = baseline.metrics[metric].values
    return f"{fmean(values):.4f} ± {stdev(values):.4f}"
