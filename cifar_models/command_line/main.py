"""The parser of all commands, and what becomes of their errors."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from cifar_models.command_line import compare, list_experiments, predict, summary, train
from cifar_models.command_line.errors import CommandError

PROGRAM = "python -m cifar_models"
EXTRA = ("matplotlib", "PIL", "tabulate")
"""Packages that the extra ``command-line`` installs."""

EXAMPLES = f"""\
examples:
  {PROGRAM} list
  {PROGRAM} summary simple_cnn
  {PROGRAM} train simple_cnn --dataset synthetic --save-model
  {PROGRAM} compare runs/*.json
  {PROGRAM} predict runs/simple_cnn.synthetic.seed0.keras cat.jpg

`{PROGRAM} COMMAND --help` says more of each.
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as those of the commands are."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; `{self.prog} --help` says more\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: None for those of the process.

    Returns:
        The exit status: 0; 1 for a training that diverged, too little memory, or an output that nobody reads on; 2
        for anything that the user can correct; 130 for an interruption.
    """
    _silence_tensorflow()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whose encoding may lack a character of a path or a class name
            stream.reconfigure(errors="backslashreplace")
    parsed = _parser().parse_args(arguments)
    try:
        parsed.run(parsed)
    except CommandError as error:
        return _fail(str(error), error.status)
    except ModuleNotFoundError as error:
        if error.name not in EXTRA:
            raise
        return _fail(f"found no {error.name}, expected it: pip install 'cifar-models[command-line]'", 2)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except BrokenPipeError:  # such as by `| head`; Python would write to the pipe once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        # By its name, since TensorFlow is loaded by few commands.
        if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":
            raise
        reason, *_ = str(error).splitlines() or [type(error).__name__]
        return _fail(f"out of memory ({reason[:200]}): free some, or choose a smaller experiment", 1)
    return 0


def _silence_tensorflow() -> None:
    """Keep TensorFlow's start-up lines and warnings out of the output, unless the user has chosen what it logs.

    What goes wrong is raised as an error as well.
    """
    if "TF_CPP_MIN_LOG_LEVEL" not in os.environ:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        logging.getLogger("tensorflow").setLevel(logging.ERROR)


def _fail(message: str, status: int) -> int:
    sys.stderr.write(f"{PROGRAM}: {message}\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        description="One CIFAR-10 model at a time: see what there is, train it, compare trainings, use the result.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in (list_experiments, summary, train, compare, predict):
        command.add_to(commands)
    return parser
