"""A program of several commands: one parser, and one way to report what goes wrong."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import NoReturn

from cifar_models.command_line.console import show_on_any_console
from cifar_models.command_line.errors import CommandError


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as those of the commands are."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; `{self.prog} --help` says more\n")


def _silence_tensorflow() -> None:
    """Keep TensorFlow's start-up lines and warnings out of the output, unless the user has chosen what it logs.

    What goes wrong is raised as an error as well.
    """
    if "TF_CPP_MIN_LOG_LEVEL" not in os.environ:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        logging.getLogger("tensorflow").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Program:
    """A command line.

    Attributes:
        name: how it is called.
        description: what it is for.
        examples: lines below the help, without the last one, which names the commands' own help.
        commands: modules with an ``add_to``, which declares the command and sets ``run``.
        extra: the package's extra that installs what the commands need.
        packages: the import names of what that extra installs.
    """

    name: str
    description: str
    examples: str
    commands: Sequence[ModuleType]
    extra: str
    packages: Sequence[str]

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Run the command line.

        Args:
            arguments: None for those of the process.

        Returns:
            The exit status: 0, or what the command returns; 1 for a training that diverged, too little memory or an
            output that nobody reads on; 2 for anything that the user can correct; 130 for an interruption.
        """
        _silence_tensorflow()
        show_on_any_console()
        parsed = self.parser().parse_args(arguments)
        try:
            status = parsed.run(parsed)
        except CommandError as error:
            return self._fail(str(error), error.status)
        except ModuleNotFoundError as error:
            if error.name not in self.packages:
                raise
            return self._fail(f"found no {error.name}, expected it: pip install 'cifar-models[{self.extra}]'", 2)
        except KeyboardInterrupt:
            return self._fail("interrupted", 130)
        except BrokenPipeError:  # such as by `| head`; Python would write to the pipe once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except Exception as error:
            # By its name, since TensorFlow is loaded by few commands.
            if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":
                raise
            reason, *_ = str(error).splitlines() or [type(error).__name__]
            return self._fail(f"out of memory ({reason[:200]}): free some, or choose a smaller experiment", 1)
        return int(status or 0)

    def _fail(self, message: str, status: int) -> int:
        sys.stderr.write(f"{self.name}: {message}\n")
        return status

    def parser(self) -> argparse.ArgumentParser:
        """Return the parser of all commands."""
        parser = _Parser(
            prog=self.name,
            description=self.description,
            epilog=f"{self.examples}\n`{self.name} COMMAND --help` says more of each.\n",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        commands = parser.add_subparsers(metavar="COMMAND", required=True)
        for command in self.commands:
            command.add_to(commands)
        return parser
