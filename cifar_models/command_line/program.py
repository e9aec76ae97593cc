"""Runs a program with several commands, and reports errors in one line."""

from __future__ import annotations

import argparse
import inspect
import logging
import os
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import NoReturn

from cifar_models.command_line.console import show_on_any_console
from cifar_models.command_line.errors import CommandError

_HELP_WIDTH = 80


class _Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; `{self.prog} --help` says more\n")


def _silence_tensorflow() -> None:
    """Hide TensorFlow's log, unless the user has set its level; errors are raised in any case."""
    if "TF_CPP_MIN_LOG_LEVEL" not in os.environ:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        logging.getLogger("tensorflow").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Program:
    """A command-line program.

    Attributes:
        examples: text below the help.
        commands: by name, a module with ``add_arguments(parser)`` and ``run(arguments)``. Its docstring is the
            command's help: a summary, further paragraphs, and last the examples.
        extra: the extra of this package that installs what the commands need.
        packages: import names of the packages in that extra.
    """

    name: str
    description: str
    examples: str
    commands: Mapping[str, ModuleType]
    extra: str
    packages: Sequence[str]

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Run the program with these arguments, or with those of the process.

        Returns:
            The exit status: that of the command, 0 if it returns none; 1 if a training diverged, memory ran out or the
            output was closed; 2 for errors that the user can correct; 130 for an interruption.
        """
        _silence_tensorflow()
        show_on_any_console()
        parsed = self.parser().parse_args(arguments)
        try:
            return parsed.run(parsed) or 0
        except CommandError as error:
            return self._fail(str(error), error.status)
        except ModuleNotFoundError as error:
            if error.name not in self.packages:
                raise
            return self._fail(f"found no {error.name}, expected it: pip install 'cifar-models[{self.extra}]'", 2)
        except KeyboardInterrupt:
            return self._fail("interrupted", 130)
        except BrokenPipeError:  # for example by `| head`; without dup2, Python would write to the pipe again at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except Exception as error:
            # Compare the name, because most commands do not load TensorFlow.
            if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":
                raise
            reason, *_ = str(error).splitlines() or [type(error).__name__]
            return self._fail(f"out of memory ({reason[:200]}): free some, or choose a smaller experiment", 1)

    def _fail(self, message: str, status: int) -> int:
        sys.stderr.write(f"{self.name}: {message}\n")
        return status

    def parser(self) -> argparse.ArgumentParser:
        """Return the parser of all commands."""
        formatter = argparse.RawDescriptionHelpFormatter
        parser = _Parser(
            prog=self.name,
            description=self.description,
            epilog=f"{self.examples}\n`{self.name} COMMAND --help` says more about a command.\n",
            formatter_class=formatter,
        )
        commands = parser.add_subparsers(metavar="COMMAND", required=True)
        for name, module in self.commands.items():
            *paragraphs, examples = inspect.cleandoc(module.__doc__ or "\n\n").split("\n\n")
            description = "\n\n".join(textwrap.fill(" ".join(each.split()), _HELP_WIDTH) for each in paragraphs)
            command = commands.add_parser(
                name,
                help=" ".join("".join(paragraphs[:1]).split()).rstrip("."),
                description=description,
                epilog=examples,
                formatter_class=formatter,
            )
            module.add_arguments(command)
            command.set_defaults(run=module.run)
        return parser
