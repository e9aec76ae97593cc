"""``input-sizes``: accuracy and minutes against the input size, from the records of runs."""

from __future__ import annotations

import argparse
from typing import Any

from cifar_models.command_line.arguments import records_in
from cifar_models.command_line.errors import CommandError, user_errors
from cifar_models.command_line.output import add_output_options, prepare_folder, say, table, write_figures
from cifar_models.results.run_files import read_run
from cifar_models.results.words import mean_and_deviation, minutes
from cifar_models.storage.files import user_path

PREFIX = "input_sizes"

EXAMPLES = """\
example:
  for size in 32 64 128; do python -m cifar_models train vgg16_matched+${size}px; done
  python -m cifar_models train simple_cnn
  python -m cifar_models input-sizes runs
"""


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "input-sizes",
        help="accuracy and minutes against the input size",
        description="Print and draw the accuracy and the minutes of runs against their input size: a line for each "
        "experiment with a backbone and each normalization, and a level for each experiment without a backbone.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runs", type=user_path, nargs="+", metavar="RUN", help="a run's record, or a folder of records")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print the table and write the figures.

    Raises:
        CommandError: a record that is missing or damaged, a folder without any, runs that do not belong together, or
            files that cannot be written or are there already.
    """
    from cifar_models.figures.input_sizes import by_input_size, sweep_of

    with user_errors(ValueError):  # a RunError is one
        sweep = sweep_of([read_run(path) for path in records_in(arguments.runs)])
        figures = {f"{PREFIX}.{name}.png": [panel] for name, panel in by_input_size(sweep).items()}
    prepare_folder(arguments.output, figures, overwrite=arguments.overwrite)
    groups = [(name, f"{size} px", runs) for name, by_size in sweep.sizes.items() for size, runs in by_size.items()]
    groups += [(name, "32 px", runs) for name, runs in sweep.others.items()]
    lines = [
        [
            name,
            size,
            ", ".join(str(one.seed) for one in runs),
            mean_and_deviation([one.accuracy for one in runs]),
            f"{minutes(runs):.1f}",
        ]
        for name, size, runs in groups
    ]
    say(table(lines, ["experiment", "input", "seeds", "accuracy", "minutes"]))
    say()
    try:
        write_figures(arguments.output, figures)
    except OSError as error:
        raise CommandError(f"--output: {error}; expected a folder that can be written") from None
