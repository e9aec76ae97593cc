"""The tables at a night's end, as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from tabulate import tabulate

from benchmarks.baselines import Baseline, Baselines
from benchmarks.judge import Judgement
from cifar_models.run import Run


@dataclass(frozen=True)
class Row:
    """What became of one benchmark item.

    Attributes:
        experiment: its name.
        seed: of the training.
        verdict: ``pass``; each metric's ``regression`` or ``stale``; ``recorded`` (not judged); or what kept
            it from being judged.
        run: the training's record; None if it gave none.
        judgements: one for each metric judged.
    """

    experiment: str
    seed: int
    verdict: str
    run: Run | None = None
    judgements: Sequence[Judgement] = field(default=())


def summary_table(rows: Iterable[Row]) -> str:
    """Return one line for each benchmark item: its numbers, its baseline's, and the verdict."""
    headers = ["experiment", "seed", "accuracy", "baseline", "difference", "allowance"]
    headers += ["gap", "baseline", "difference", "allowance", "epochs", "minutes", "verdict"]
    lines = []
    for row in rows:
        judged = {judgement.metric: judgement for judgement in row.judgements}
        line: list[str | int] = [row.experiment, row.seed]
        for metric in ("accuracy", "gap"):
            line.append(f"{getattr(row.run, metric):.4f}" if row.run else "")
            if metric in judged:
                judgement = judged[metric]
                line += [f"{judgement.baseline:.4f}", f"{judgement.difference:+.4f}"]
                line += [f"{judgement.allowance:.4f}"]
            else:
                line += ["", "", ""]
        if row.run:
            seconds = row.run.timings.features + row.run.timings.training
            line += [row.run.epochs, f"{seconds / 60:.1f}"]
        else:
            line += ["", ""]
        lines.append([*line, row.verdict])
    return _table(lines, headers)


def published_table(baselines: Baselines, rows: Sequence[Row]) -> str:
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
    for experiment in dict.fromkeys(row.experiment for row in rows):
        published = baselines.get(experiment, {}).get("cifar10", {}).get("published")
        runs = [row.run for row in rows if row.experiment == experiment and row.run]
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
            for name, metric in new.metrics.items():
                former = old.metrics.get(name) if old else None
                lines.append(
                    [
                        experiment,
                        dataset,
                        name,
                        f"{former.mean:.4f}" if former else "none",
                        f"{metric.mean:.4f}",
                        f"{former.tolerance:.4f}" if former else "none",
                        f"{metric.tolerance:.4f}",
                    ]
                )
    return _table(lines, headers)


def _mean_of(baseline: Baseline, metric: str) -> str:
    return f"{baseline.metrics[metric].mean:.4f}" if metric in baseline.metrics else "not published"


def _table(lines: Sequence[Sequence[str | int]], headers: Sequence[str]) -> str:
    # The numbers are formatted already: tabulate would drop trailing zeros and turn '+0.0100' into 0.01.
    return str(tabulate(lines, headers, tablefmt="simple", disable_numparse=True))
