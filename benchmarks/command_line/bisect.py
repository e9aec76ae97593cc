"""Find the commit, or the version of a package, that made a metric worse.

Search the commits after GOOD up to BAD for the first one that made the accuracy or the loss worse. Without commits,
search the versions of a package between two --requirement options. Each candidate trains as many seeds as necessary,
and fresh seeds confirm the result. The same command continues a search that was stopped.

Examples:
  python -m benchmarks bisect v1.0 main --dataset synthetic -k simple_cnn
  python -m benchmarks bisect --requirement keras==3.13.2 --requirement keras==3.15.1 --dataset synthetic -k simple_cnn
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
    whole_number,
    write_summary,
)
from cifar_models.command_line.errors import CommandError, user_errors
from cifar_models.command_line.output import say
from cifar_models.results.words import count

if TYPE_CHECKING:
    from benchmarks.bisection.decide import Answer, Limits
    from benchmarks.bisection.record import Bisection

ERROR_RATE = 0.05
MAX_SEEDS = 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "commits", nargs="*", metavar="GOOD BAD", help="branches, tags or hashes; GOOD must be an ancestor of BAD"
    )
    add_training_options(parser)
    add_environment_options(parser)
    parser.add_argument(
        "--max-seeds",
        type=partial(whole_number, least=3),
        default=MAX_SEEDS,
        metavar="M",
        help="train up to M seeds of a candidate, 3 or more (default: %(default)s)",
    )
    parser.add_argument(
        "--error-rate",
        type=partial(number_between, low=0, high=0.5),
        default=ERROR_RATE,
        metavar="RATE",
        help="probability of naming a candidate that changed nothing (default: %(default)s)",
    )
    add_limit_and_output_options(parser, Path("runs/bisections"))


def run(arguments: argparse.Namespace) -> int:
    """Search, print the report, and return the exit status.

    Raises:
        CommandError: an option is wrong, git fails, GOOD or BAD cannot be tested, or the machine fails.
    """
    from benchmarks.sides.checkouts import cleaning_up_when_ended

    with error_in_summary(arguments.summary, "Not searched"):
        if len(arguments.commits) not in (0, 2):
            raise CommandError(f"GOOD BAD: found {len(arguments.commits)}, expected two commits or none")
        require_usable(arguments)
        with cleaning_up_when_ended():
            return _bisect(arguments)


def _bisect(arguments: argparse.Namespace) -> int:
    from benchmarks.bisection.bisect import InUse, bisect, commit_search, environment_of, search_folder, version_search
    from benchmarks.bisection.decide import Limits
    from benchmarks.bisection.loop import EndCannotBeTested
    from benchmarks.bisection.record import RecordError, Settings
    from benchmarks.comparison.selection import parse_keyword
    from benchmarks.night.exit_status import NOT_JUDGED
    from benchmarks.sides.checkouts import CheckoutError, Repository
    from benchmarks.sides.clock import Clock
    from benchmarks.sides.environments import Wanted
    from benchmarks.sides.side import MachineError
    from cifar_models.experiments import EXPERIMENTS, left_out_by_nights
    from cifar_models.training.live_line import LiveLine

    clock = Clock(arguments.minutes)
    wanted = Wanted(tuple(arguments.requirement), tuple(arguments.requirements_file), arguments.python)
    package, revision = None, None
    with user_errors(ValueError, OSError):
        matches = parse_keyword(arguments.keyword, left_out_by_nights(arguments.dataset))
        if not (experiments := [name for name in EXPERIMENTS if matches(name)]):
            raise CommandError(f"-k: found no matching experiment, expected one of {', '.join(EXPERIMENTS)}")
        repository = Repository(Path.cwd())
        if arguments.commits:
            good, bad = arguments.commits
            candidates, code = commit_search(repository, good, bad, wanted, say)
        else:
            revision = repository.working_tree()
            package, candidates, code = version_search(revision, wanted)
        settings = Settings(
            package=package,
            candidates=candidates,
            code=revision.commit if revision else None,
            experiments=experiments,
            dataset=arguments.dataset,
            data_dir=str(arguments.data_dir.resolve()) if arguments.data_dir else None,
            weights_dir=str(arguments.weights_dir.resolve()) if arguments.weights_dir else None,
            gpu=arguments.gpu,
            environment=environment_of(wanted),
        )
    limits = Limits(arguments.error_rate, arguments.max_seeds)
    line = LiveLine(partial(say, end=""), terminal=sys.stdout.isatty())

    def say_line(text: str) -> None:
        line.clear()
        say(text)

    with (
        user_errors(InUse, RecordError, OSError, CheckoutError),
        search_folder(arguments.output, settings) as (folder, bisection),
    ):
        noun = f"versions of {package}" if package else "commits"
        say(f"{len(candidates)} {noun}, from {candidates[0]} (GOOD) to {candidates[-1]} (BAD)")
        done = count(bisection.steps, "step")
        say(f"{folder}: {f'continues after {done}' if bisection.steps else 'a new search'}")
        try:
            answer, note = bisect(repository, folder, bisection, limits, code, clock, say=say_line, show=line.show)
        except (EndCannotBeTested, MachineError) as error:
            raise CommandError(error, status=NOT_JUDGED) from None
        finally:
            line.clear()
        return _report(arguments.summary, folder, bisection, limits, answer, note)


def _report(file: Path | None, folder: Path, bisection: Bisection, limits: Limits, answer: Answer, note: str) -> int:
    """Print the report of a search, and return its exit status."""
    from benchmarks.bisection.decide import Word
    from benchmarks.bisection.record import REPORT
    from benchmarks.bisection.report import markdown, terminal
    from benchmarks.night.exit_status import NOT_JUDGED, PASSED, STALE, UNDECIDED

    say(f"\n{terminal(bisection, limits, answer, note)}\n\nreport: {folder / REPORT}")
    if file is not None and not write_summary(file, markdown(bisection, limits, answer, note)):
        return NOT_JUDGED
    if answer.word is Word.FOUND:
        return PASSED if answer.bad - answer.good == 1 else NOT_JUDGED
    return STALE if answer.word is Word.BETTER else UNDECIDED
