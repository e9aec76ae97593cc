"""The tables at a night's end, as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from tabulate import tabulate

from benchmarks.baselines.baselines import Baseline, Baselines
from benchmarks.records.trainings import Training
from benchmarks.statistics.verdict import Verdict


def trainings_table(trainings: Iterable[Training]) -> str:
    """Return one line for each training: its numbers, and what became of it."""
    headers = ["experiment", "seed", "accuracy", "gap", "epochs", "minutes", "training"]
    lines: list[list[str | int]] = []
    for training in trainings:
        run = training.run
        numbers: list[str | int] = [""] * 4
        if run is not None:
            minutes = run.timings.total / 60
            numbers = [f"{run.accuracy:.4f}", f"{run.gap:.4f}", run.epochs, f"{minutes:.1f}"]
        lines.append([training.experiment, training.seed, *numbers, training.description])
    return _table(lines, headers)


def verdicts_table(verdicts: Mapping[str, Sequence[Verdict]], problems: Mapping[str, str]) -> str:
    """Return each experiment's accuracy, gap and F1 of classes against its baseline, and the verdicts.

    Of the classes those that fail are shown, or else the one that lies closest to its allowance. ``catches`` is the
    smallest change for the worse that a night like this does not pass, 95 times in 100, if runs vary as these did.

    Args:
        verdicts: by experiment.
        problems: why an experiment could not be judged, by its name.
    """
    headers = ["experiment", "metric", "baseline", "today", "seeds", "difference", "allowance", "by", "catches"]
    lines: list[list[str | int]] = []
    for name, some in verdicts.items():
        for verdict in _worth_a_line(some):
            lines.append(
                [
                    name,
                    verdict.metric,
                    f"{verdict.baseline:.4f}",
                    f"{verdict.today:.4f}",
                    verdict.runs,
                    f"{verdict.effect:+z.4f}",
                    f"{verdict.allowance:.4f}",
                    verdict.rule if verdict.source == "measured" else "published tolerance",
                    "not known" if verdict.smallest_drop is None else f"{verdict.smallest_drop:.4f}",
                    verdict.word,
                ]
            )
    lines += [[name, *[""] * 8, f"not judged: {why}"] for name, why in problems.items()]
    return _table(lines, [*headers, "verdict"])


def _worth_a_line(verdicts: Sequence[Verdict]) -> list[Verdict]:
    classes = [verdict for verdict in verdicts if verdict.family == "per_class"]
    shown = [verdict for verdict in classes if verdict.word != "pass"]
    if classes and not shown:
        shown = [max(classes, key=lambda verdict: abs(verdict.effect) / verdict.allowance)]
    return [verdict for verdict in verdicts if verdict.family != "per_class"] + shown


def published_table(baselines: Baselines, trainings: Sequence[Training]) -> str:
    """Return the published numbers, this run's means beside them and what ours were trained on; empty if none are."""
    headers = [
        "experiment",
        "published accuracy",
        "ours",
        "published gap",
        "ours",
        "seeds",
        "data",
        "weights",
    ]
    lines: list[list[str | int]] = []
    for experiment in dict.fromkeys(training.experiment for training in trainings):
        published = baselines.get(experiment, {}).get("cifar10", {}).get("published")
        runs = [one.run for one in trainings if one.experiment == experiment and one.run]
        if published is None or not runs:
            continue
        lines.append(
            [
                experiment,
                _mean_of(published, "accuracy"),
                f"{fmean(run.accuracy for run in runs):.4f}",
                _mean_of(published, "gap"),
                f"{fmean(run.gap for run in runs):.4f}",
                len(runs),
                runs[0].dataset,
                runs[0].weights,
            ]
        )
    return _table(lines, headers) if lines else ""


def changes_table(before: Baselines, after: Baselines) -> str:
    """Return what differs between two contents of baselines.json, old value and new."""
    headers = ["experiment", "data", "metric", "old mean", "new mean", "old tolerance", "new tolerance"]
    lines = []
    for experiment, datasets in after.items():
        for dataset, sources in datasets.items():
            new = sources.get("measured")
            old = before.get(experiment, {}).get(dataset, {}).get("measured")
            if new is None or new == old:
                continue
            before_of, after_of = _means_and_tolerances(old), _means_and_tolerances(new)
            for name, (mean, tolerance) in after_of.items():
                former = before_of.get(name, ("none", "none"))
                lines.append([experiment, dataset, name, former[0], mean, former[1], tolerance])
    return _table(lines, headers)


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


def _table(lines: Sequence[Sequence[str | int]], headers: Sequence[str]) -> str:
    # The numbers are formatted already: tabulate would drop trailing zeros and turn '+0.0100' into 0.01.
    return str(tabulate(lines, headers, tablefmt="simple", disable_numparse=True))
