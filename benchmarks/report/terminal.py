"""The tables at the end of a night, as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from benchmarks.baselines.baseline import Baseline, Baselines
from benchmarks.records.exact import Exact
from benchmarks.records.trainings import Training
from benchmarks.report.tables import verdict_table
from benchmarks.statistics.verdict import Verdict
from cifar_models.command_line.output import table


def trainings_table(trainings: Iterable[Training]) -> str:
    """Return a line for each training with its numbers and outcome."""
    headers = ("experiment", "seed", "accuracy", "gap", "epochs", "minutes", "training")
    rows = []
    for training in trainings:
        run = training.run
        numbers = ["", "", "", ""]
        if run is not None:
            minutes = run.timings.total / 60
            numbers = [f"{run.accuracy:.4f}", f"{run.gap:.4f}", str(run.epochs), f"{minutes:.1f}"]
        rows.append([training.experiment, str(training.seed), *numbers, training.description])
    return table(rows, headers)


def verdicts_table(verdicts: Mapping[str, Sequence[Verdict]], problems: Mapping[str, str]) -> str:
    """Return the verdicts by experiment, and why the experiments in ``problems`` were not judged."""
    headers = ("experiment", *verdict_table(()).headers)
    rows = [[name, *row] for name, some in verdicts.items() for row in verdict_table(some).rows]
    rows += [[name, *[""] * (len(headers) - 2), f"not judged: {why}"] for name, why in problems.items()]
    return table(rows, headers)


def exact_table(exact: Sequence[Exact]) -> str:
    """Return the comparisons with recorded runs, those that are not identical first."""
    rows = [[one.experiment, str(one.seed), str(one)] for one in sorted(exact, key=lambda one: one.identical)]
    return table(rows, ["experiment", "seed", "to the last digit"])


def published_table(baselines: Baselines, trainings: Sequence[Training]) -> str:
    """Return the published numbers and the means of the runs on the official CIFAR-10 images; empty without any."""
    headers = ("experiment", "published accuracy", "ours", "published gap", "ours", "seeds", "weights")
    rows = []
    for experiment in dict.fromkeys(training.experiment for training in trainings):
        published = baselines.get(experiment, {}).get("cifar10", {}).get("published")
        runs = [one.run for one in trainings if one.experiment == experiment and one.run]
        runs = [run for run in runs if run.dataset == "cifar10"]
        if published is None or not runs:
            continue
        accuracy, gap = fmean(run.accuracy for run in runs), fmean(run.gap for run in runs)
        rows.append(
            [
                experiment,
                _mean_of(published, "accuracy"),
                f"{accuracy:.4f}",
                _mean_of(published, "gap"),
                f"{gap:.4f}",
                str(len(runs)),
                runs[0].weights,
            ]
        )
    return table(rows, headers) if rows else ""


def changes_table(before: Baselines, after: Baselines) -> str:
    """Return the old and new values that differ between two contents of baselines.json."""
    headers = ("experiment", "data", "metric", "old mean", "new mean", "old tolerance", "new tolerance")
    rows = []
    for experiment, datasets in after.items():
        for dataset, sources in datasets.items():
            new = sources.get("measured")
            old = before.get(experiment, {}).get(dataset, {}).get("measured")
            if new is None or new == old:
                continue
            before_of, after_of = _means_and_tolerances(old), _means_and_tolerances(new)
            for name, (mean, tolerance) in after_of.items():
                former = before_of.get(name, ("none", "none"))
                rows.append([experiment, dataset, name, former[0], mean, former[1], tolerance])
    return table(rows, headers)


def _means_and_tolerances(baseline: Baseline | None) -> dict[str, tuple[str, str]]:
    if baseline is None:
        return {}
    shown = {name: (f"{metric.mean:.4f}", f"{metric.tolerance:.4f}") for name, metric in baseline.metrics.items()}
    if baseline.f1 is not None:
        mean = fmean(value for values in baseline.f1.values.values() for value in values)
        shown["F1, all classes"] = f"{mean:.4f}", f"{baseline.f1.tolerance:.4f}"
    return shown


def _mean_of(baseline: Baseline, metric: str) -> str:
    return f"{baseline.metrics[metric].mean:.4f}" if metric in baseline.metrics else "not published"
