"""What a person or a log sees while a training runs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable

from cifar_models.training.progress import Progress

REFRESH_SECONDS = 0.5


class LiveLine:
    """On a terminal one line that rewrites itself; in a log one plain line an epoch.

    Args:
        write: writes text at once, without a line end of its own.
        terminal: whether a carriage return goes back to the line's start.
        before: written once, before all else, such as the end of a line that another has begun.
    """

    def __init__(self, write: Callable[[str], None], *, terminal: bool, before: str = "") -> None:
        self._write, self._terminal = write, terminal
        self._width = 0
        self._shown = -REFRESH_SECONDS
        self._before = before

    def show(self, title: str, progress: Progress) -> None:
        """Show where a training stands; ``title`` names it."""
        epoch_ended = progress.validation_accuracy is not None
        if not self._terminal:
            if epoch_ended:
                self._write(f"{self._before}{describe(title, progress)}\n")
                self._before = ""
            return
        now = time.monotonic()
        if epoch_ended or now - self._shown >= REFRESH_SECONDS:
            self._shown = now
            # A line that wraps could not be rewritten: a carriage return goes back to its last part only.
            line = describe(title, progress)[: shutil.get_terminal_size().columns - 1]
            self._write(f"{self._before}\r{line:<{self._width}}")
            self._before = ""
            self._width = len(line)

    def clear(self) -> None:
        """Blank the line, for what is written next."""
        if self._width:
            self._write(f"\r{'':<{self._width}}\r")
            self._width = 0


def describe(title: str, progress: Progress) -> str:
    """Return one line: epoch, accuracy, time left at most."""
    if progress.validation_accuracy is None:
        accuracy = f"train accuracy {progress.accuracy:.4f}"
    else:
        accuracy = f"accuracy {progress.validation_accuracy:.4f} (train {progress.accuracy:.4f})"
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    epoch = f"epoch {progress.epoch}/{progress.epochs}"
    return f"{title}  {epoch}  {accuracy}  at most {minutes}:{seconds:02} left"
