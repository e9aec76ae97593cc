"""Compare two commits, or two environments, by training both.

Train two sides in turn with the same seeds, and judge side B against side A with the statistics of a night. With one
commit, A is the commit and B is the working tree. With two commits, A is the first and B is the second. Without
commits, both sides are the working tree. --requirement, -r and --python define the environment of side B. Side A always
has the current environment.

Examples:
  python -m benchmarks compare main --dataset synthetic -k simple_cnn
  python -m benchmarks compare --requirement 'tensorflow==2.20.*' --dataset synthetic
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.command_line.arguments import (
    add_environment_options,
    add_limit_and_output_options,
    add_training_options,
    error_in_summary,
    number_between,
    require_usable,
    today,
    whole_number,
    write_summary,
)
from benchmarks.statistics import FALSE_ALARM_RATE
from benchmarks.statistics.seeds import BLOCK, first_seed_of
from cifar_models.command_line.errors import CommandError, user_errors
from cifar_models.command_line.output import say
from cifar_models.experiments import variant_name

if TYPE_CHECKING:
    from benchmarks.comparison.comparison import Comparison, Settings
    from benchmarks.comparison.records import ComparisonFolder
    from benchmarks.sides.side import Ready
    from benchmarks.sides.two_sides import Party


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("commits", nargs="*", metavar="COMMIT", help="at most two: branches, tags or hashes")
    add_training_options(parser)
    parser.add_argument("--mixed-precision", action="store_true", help="train in Keras's mixed_float16")
    parser.add_argument("--xla", action="store_true", help="train with steps that XLA compiles")
    add_environment_options(parser)
    parser.add_argument(
        "--seeds",
        type=partial(whole_number, least=3),
        metavar="N",
        help="first judge an experiment after N seeds, 3 or more (default: as many as at a night's first look, and at "
        "least 3)",
    )
    parser.add_argument(
        "--max-seeds",
        type=whole_number,
        metavar="M",
        help="train up to M seeds of an undecided experiment (default: twice as many as --seeds)",
    )
    parser.add_argument(
        "--first-seed",
        type=partial(whole_number, least=0),
        metavar="S",
        help="first seed, to repeat a comparison of another day (default: the first seed of a night of today)",
    )
    parser.add_argument(
        "--false-alarm-rate",
        type=partial(number_between, low=0, high=0.5),
        default=FALSE_ALARM_RATE,
        metavar="RATE",
        help="probability that two equal sides do not pass, over all checks (default: %(default)s)",
    )
    add_limit_and_output_options(parser, Path("runs/comparisons"))


def run(arguments: argparse.Namespace) -> int:
    """Compare, print the results, and return the exit status of a night with these results.

    Raises:
        CommandError: an option is wrong, git fails, an environment cannot be built, or a side cannot train.
    """
    from benchmarks.sides.checkouts import cleaning_up_when_ended

    with error_in_summary(arguments.summary, "Not compared"), cleaning_up_when_ended():
        return _compare(arguments, _settings(arguments))


def _settings(arguments: argparse.Namespace) -> Settings:
    from benchmarks.comparison.comparison import Settings

    seeds, most = arguments.seeds, arguments.max_seeds
    if len(arguments.commits) > 2:
        raise CommandError(f"COMMIT: found {len(arguments.commits)}, expected at most two")
    if not arguments.commits and not (arguments.requirement or arguments.requirements_file or arguments.python):
        raise CommandError(
            "COMMIT: found neither a commit nor an environment, expected one; `compare main` compares main with the "
            "working tree, and --requirement 'tensorflow==2.20.*' compares two environments"
        )
    if most is not None and seeds is None:
        raise CommandError(f"--max-seeds: found {most} without --seeds, expected both")
    if most is not None and most < seeds:
        raise CommandError(f"--max-seeds: found {most}, expected {seeds} or more, as --seeds says")
    if seeds is not None and (highest := most or 2 * seeds) > BLOCK:
        raise CommandError(
            f"--seeds, --max-seeds: found up to {highest}, expected at most {BLOCK}; without --max-seeds it is twice "
            f"--seeds"
        )
    first = arguments.first_seed
    if first is not None and first >= 2**32 - BLOCK:
        raise CommandError(f"--first-seed: found {first}, expected 0 to {2**32 - BLOCK - 1}")
    require_usable(arguments)
    return Settings(
        dataset=arguments.dataset,
        first_seed=first_seed_of(today()) if first is None else first,
        seeds=seeds,
        max_seeds=most,
        false_alarm_rate=arguments.false_alarm_rate,
    )


def _compare(arguments: argparse.Namespace, settings: Settings) -> int:
    from benchmarks.comparison.comparison import Comparison
    from benchmarks.comparison.records import ComparisonFolder
    from benchmarks.comparison.selection import in_both, parse_keyword
    from benchmarks.night.exit_status import NOT_JUDGED
    from benchmarks.sides.checkouts import CheckoutError, Repository
    from benchmarks.sides.clock import Clock
    from benchmarks.sides.environments import BuildError, Wanted
    from benchmarks.sides.side import Job, SideError
    from benchmarks.sides.two_sides import two_parties, two_sides
    from cifar_models.experiments import left_out_by_nights
    from cifar_models.training.live_line import LiveLine

    clock = Clock(arguments.minutes)
    wanted = Wanted(tuple(arguments.requirement), tuple(arguments.requirements_file), arguments.python)
    data_dir, weights_dir = (path and str(path.resolve()) for path in (arguments.data_dir, arguments.weights_dir))
    job = Job(dataset=arguments.dataset, data_dir=data_dir, weights_dir=weights_dir, gpu=arguments.gpu)
    line = LiveLine(partial(say, end=""), terminal=sys.stdout.isatty())
    chosen = {"mixed_float16": arguments.mixed_precision, "xla": arguments.xla}
    variants = [variant for variant, wished in chosen.items() if wished]
    with user_errors(ValueError):
        matches = parse_keyword(arguments.keyword, left_out := left_out_by_nights(arguments.dataset))
    with user_errors(CheckoutError):
        repository = Repository(Path.cwd())
        parties = two_parties(repository, arguments.commits, wanted)
    for party in parties:
        say(str(party))
    with user_errors(OSError):
        folder = ComparisonFolder(arguments.output)
    try:
        with (
            folder,
            user_errors(CheckoutError, BuildError),
            two_sides(repository, parties, (folder.a, folder.b), job, say) as (a, b),
        ):
            with user_errors(ValueError):
                names = in_both(a.ready.experiments, b.ready.experiments, matches)
            if others := [name for name in left_out if name not in names]:
                say(f"not compared: {', '.join(others)} (-k NAME compares one)")
            names = [variant_name(name, variants) for name in names]
            say(f"data: {a.ready.dataset}, {a.ready.data}")
            say(f"records: {folder.path}")
            comparison = Comparison(a, b, names, settings, clock, line.show)
            try:
                comparison.run()
            finally:
                line.clear()
    except SideError as error:
        raise CommandError(error, status=NOT_JUDGED) from None
    return _report(arguments.summary, comparison, folder, parties, (a.ready, b.ready))


def _report(
    file: Path | None,
    comparison: Comparison,
    folder: ComparisonFolder,
    parties: tuple[Party, Party],
    ready: tuple[Ready, Ready],
) -> int:
    """Write and print the results of a comparison, and return its exit status."""
    from benchmarks.comparison.differences import what_differs
    from benchmarks.comparison.views import differences_text, results_text, summary, trainings_text
    from benchmarks.night.exit_status import exit_status

    results, baselines = folder.results(comparison, data=ready[0].data)
    what = what_differs(parties, ready, comparison.pairs)
    for title, text in (
        ("trainings", trainings_text(comparison.pairs)),
        ("what differs", differences_text(what)),
        (f"verdicts, false-alarm rate {comparison.settings.false_alarm_rate:g}", results_text(results)),
    ):
        say(f"\n== {title} ==\n{text}")
    say()
    kept = True
    try:
        folder.write(comparison, results, baselines)
        say(f"records: {folder.path}; python -m benchmarks page {folder.b} --baselines {folder.baselines} draws them")
    except OSError as error:
        kept = False
        say(f"records: {folder.path} contains the runs, but the results could not be written ({error})")
    if file is not None:
        kept &= write_summary(file, summary(results, parties, what))
    return exit_status(
        [result.word for result in results.experiments],
        failed_otherwise=comparison.failed,
        not_judged=bool(comparison.problems) or not kept,
    )
