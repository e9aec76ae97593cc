"""Compare runs in a table and figures.

Compare runs from their records, written by `train` or by the benchmark. Runs of one experiment are taken together
unless folder, data, weights or protocol differ. The optimism of an experiment is its accuracy minus the accuracy of its
variant +held_out, if there are runs of both.

Examples:
  python -m cifar_models compare runs
      all runs in a folder, the seeds of an experiment together
  python -m cifar_models compare before/simple_cnn.*.json after/simple_cnn.*.json --output comparisons
      one experiment before and after a change; the first folder is drawn as the baseline
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from cifar_models.command_line.arguments import records_in
from cifar_models.command_line.errors import CommandError, user_errors
from cifar_models.command_line.output import add_output_options, prepare_folder, say, table, write_figures
from cifar_models.experiments import HELD_OUT
from cifar_models.results.run import RunError
from cifar_models.results.run_files import read_run
from cifar_models.results.words import mean_and_deviation, optimism
from cifar_models.storage.files import user_path

if TYPE_CHECKING:
    from cifar_models.figures.style import Panel
    from cifar_models.results.run import Run

PREFIX = "comparison"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("runs", type=user_path, nargs="+", metavar="RUN", help="a run's record, or a folder of records")
    add_output_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print the table and write the figures.

    Raises:
        CommandError: a record is missing or damaged, a folder has none, the runs cannot be drawn together, or files
            cannot be written or already exist.
    """
    try:
        with user_errors(RunError):
            series = _series(records_in(arguments.runs))
        labels = {identity: _label(identity, [*series]) for identity in series}
        lines = [_line(labels[identity], runs, _held_out(identity, series)) for identity, runs in series.items()]
        drawn = _draw({labels[identity]: runs for identity, runs in series.items()})
        figures = {f"{PREFIX}.{what}.png": panels for what, panels in drawn.items()}
    except ValueError as error:  # values that no training can have
        raise CommandError(f"the runs cannot be compared: {error}") from None
    prepare_folder(arguments.output, figures, overwrite=arguments.overwrite)
    headers = ["experiment", "data", "seeds", "accuracy", "optimism", "gap", "macro F1", "best epoch", "epochs"]
    say(table(lines, [*headers, "seconds", "weights"]) + "\n")
    write_figures(arguments.output, figures)


def _series(files: Iterable[Path]) -> dict[tuple[str, ...], list[Run]]:
    """Group runs by experiment, and by whatever else differs."""
    found: dict[tuple[str, ...], list[Run]] = {}
    for file in files:
        run = read_run(file)
        found.setdefault(_identity(run, file.parent), []).append(run)
    return found


def _identity(run: Run, folder: Path) -> tuple[str, ...]:
    """Return what runs in a group have in common: the experiment, then the other parts in the order of a label."""
    return (
        run.experiment,
        f"on {run.dataset}",
        f"in {folder}",
        f"data {_short(run.fingerprints.data)}",
        f"weights {_short(run.fingerprints.weights)}",
        f"protocol {_short(run.fingerprints.protocol)}",
    )


def _label(identity: tuple[str, ...], every: Sequence[tuple[str, ...]]) -> str:
    words = [identity[0]]
    others = [other for other in every if other[0] == identity[0]]
    for position, word in enumerate(identity):
        if any(other[position] != word for other in others):
            words.append(word)
            others = [other for other in others if other[position] == word]
    return " ".join(words)


def _short(fingerprint: str | None) -> str:
    return "none" if fingerprint is None else fingerprint.removeprefix("sha256:")[:8]


def _held_out(identity: tuple[str, ...], series: Mapping[tuple[str, ...], Sequence[Run]]) -> list[Run]:
    """Return the runs that differ from a group only in their seeds and in what early stopping watched.

    If the group's own folder has such runs, those of other folders are left out.
    """

    def model_data_weights(one: Run) -> tuple[str | None, ...]:
        return one.experiment.partition("+")[0], one.fingerprints.data, one.fingerprints.weights

    run = series[identity][0]
    protocol = run.protocol | {"validation": HELD_OUT}
    if run.protocol == protocol:
        return []
    found = [
        (folder, other)
        for (_, _, folder, *_), others in series.items()
        for other in others
        if other.protocol == protocol and model_data_weights(other) == model_data_weights(run)
    ]
    own = [other for folder, other in found if folder == identity[2]]
    return own or [other for _, other in found]


def _line(label: str, runs: Sequence[Run], held_out: Sequence[Run]) -> list[str]:
    return [
        label,
        ", ".join(dict.fromkeys(run.dataset for run in runs)),
        ", ".join(str(run.seed) for run in runs),
        mean_and_deviation([run.accuracy for run in runs]),
        optimism(runs, held_out),
        mean_and_deviation([run.gap for run in runs]),
        mean_and_deviation([fmean(report.f1 for report in run.evaluation.classes.values()) for run in runs]),
        f"{fmean(run.best_epoch for run in runs):.1f}",
        f"{fmean(run.epochs for run in runs):.1f}",
        f"{fmean(run.timings.total for run in runs):.0f}",
        ", ".join(dict.fromkeys(run.weights for run in runs)),
    ]


def _draw(series: Mapping[str, Sequence[Run]]) -> dict[str, list[Panel]]:
    from cifar_models.figures.confusion import confusion_matrix
    from cifar_models.figures.dots import class_f1, comparison
    from cifar_models.figures.learning_curves import learning_curves

    figures = {"learning_curves": learning_curves(series)}
    if len(series) > 1:
        figures["accuracy"] = [
            comparison({label: [run.accuracy for run in runs] for label, runs in series.items()}, {})
        ]
    *before, today = series.values()
    if len(before) < 2 and len({tuple(run.evaluation.classes) for runs in series.values() for run in runs}) == 1:
        baseline = before[0] if before else []
        figures["confusion_matrix"] = confusion_matrix(today, baseline)
        figures["class_f1"] = [class_f1(today, baseline)]
    return figures
