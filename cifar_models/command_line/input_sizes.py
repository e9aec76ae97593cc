"""Show accuracy and minutes against the input size.

Print and draw the accuracy and the minutes of recorded runs against their input size: a line for each experiment with a
backbone and each normalization, and a level for each experiment without a backbone.

Examples:
  python -m cifar_models train vgg16_matched+64px
  python -m cifar_models train vgg16_matched+128px
  python -m cifar_models train simple_cnn
  python -m cifar_models input-sizes runs
"""

from __future__ import annotations

import argparse

from cifar_models.command_line.arguments import records_in
from cifar_models.command_line.errors import user_errors
from cifar_models.command_line.output import add_output_options, prepare_folder, say, table, write_figures
from cifar_models.results.run_files import read_run
from cifar_models.results.words import mean_and_deviation
from cifar_models.storage.files import user_path

PREFIX = "input_sizes"


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
    from cifar_models.figures.input_sizes import by_input_size, sweep_of

    with user_errors(ValueError):  # a RunError is one
        sweep = sweep_of([read_run(path) for path in records_in(arguments.runs)])
        figures = {f"{PREFIX}.{name}.png": [panel] for name, panel in by_input_size(sweep).items()}
    prepare_folder(arguments.output, figures, overwrite=arguments.overwrite)
    title, cost = sweep.cost()
    lines = [
        [
            name,
            str(runs[0].protocol["normalization"]),
            f"{size} px",
            ", ".join(str(one.seed) for one in runs),
            mean_and_deviation([one.accuracy for one in runs]),
            "-" if (found := cost(runs)) is None else f"{found:.1f}",
        ]
        for name, size, runs in sweep.rows()
    ]
    say(table(lines, ["experiment", "normalization", "input", "seeds", "accuracy", title]) + "\n")
    write_figures(arguments.output, figures)
