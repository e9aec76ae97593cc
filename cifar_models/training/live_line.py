"""Shows the progress of a training on a terminal or in a log."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable

from cifar_models.training.progress import Progress

REFRESH_SECONDS = 0.5


class LiveLine:
    """Shows progress as one line that is updated on a terminal, or as one line an epoch in a log.

    Args:
        write: writes and flushes text, without adding a line end.
        terminal: whether a carriage return moves to the start of the line.
        before: text to write once, before the first line, such as a line end.
    """

    def __init__(self, write: Callable[[str], None], *, terminal: bool, before: str = "") -> None:
        self._write, self._terminal = write, terminal
        self._width = 0
        self._shown = -REFRESH_SECONDS
        self._before = before

    def show(self, title: str, progress: Progress) -> None:
        """Show the progress of the training with this title."""
        epoch_ended = progress.validation_accuracy is not None
        if not self._terminal:
            if epoch_ended:
                self._write(f"{self._before}{describe(title, progress)}\n")
                self._before = ""
            return
        now = time.monotonic()
        if epoch_ended or now - self._shown >= REFRESH_SECONDS:
            self._shown = now
            # Cut the line, because a carriage return does not go back to the start of a wrapped line.
            line = describe(title, progress)[: shutil.get_terminal_size().columns - 1]
            self._write(f"{self._before}\r{line:<{self._width}}")
            self._before = ""
            self._width = len(line)

    def clear(self) -> None:
        """Clear the line."""
        if self._width:
            self._write(f"\r{'':<{self._width}}\r")
            self._width = 0


def describe(title: str, progress: Progress) -> str:
    """Return one line with epoch, accuracy and the longest time left."""
    if progress.validation_accuracy is None:
        accuracy = f"train accuracy {progress.accuracy:.4f}"
    else:
        accuracy = f"accuracy {progress.validation_accuracy:.4f} (train {progress.accuracy:.4f})"
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    epoch = f"epoch {progress.epoch}/{progress.epochs}"
    return f"{title}  {epoch}  {accuracy}  at most {minutes}:{seconds:02} left"
