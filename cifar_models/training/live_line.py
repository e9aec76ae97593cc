"""Shows the progress of a training on a terminal or in a log."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable

from cifar_models.training.progress import FeatureProgress, Progress

REFRESH_SECONDS = 0.5
LOG_SECONDS = 60
"""Time between two lines about features in a log. There is no line if the features take less."""


class LiveLine:
    """Shows progress: on a terminal as one line that is updated, in a log as one line for each epoch.

    Before the first epoch, a log gets one line a minute.

    Args:
        write: writes and flushes text, without adding a line end.
        terminal: whether a carriage return moves the cursor to the start of the line.
        before: text to write once before the first line, such as a line end.
    """

    def __init__(self, write: Callable[[str], None], *, terminal: bool, before: str = "") -> None:
        self._write, self._terminal = write, terminal
        self._width = 0
        self._shown = -REFRESH_SECONDS
        self._logged = time.monotonic()
        self._before = before

    def show(self, title: str, progress: Progress | FeatureProgress) -> None:
        """Show the progress of the training with this title."""
        before_training = isinstance(progress, FeatureProgress)
        epoch_ended = isinstance(progress, Progress) and progress.validation_accuracy is not None
        if not self._terminal:
            if epoch_ended or (before_training and time.monotonic() - self._logged >= LOG_SECONDS):
                self._logged = time.monotonic()
                self._write(f"{self._before}{describe(title, progress)}\n")
                self._before = ""
            return
        now = time.monotonic()
        if epoch_ended or now - self._shown >= REFRESH_SECONDS:
            self._shown = now
            # Shorten the line, because a carriage return does not move to the start of a wrapped line.
            line = describe(title, progress)[: shutil.get_terminal_size().columns - 1]
            self._write(f"{self._before}\r{line:<{self._width}}")
            self._before = ""
            self._width = len(line)

    def clear(self) -> None:
        """Clear the line."""
        if self._width:
            self._write(f"\r{'':<{self._width}}\r")
            self._width = 0


def describe(title: str, progress: Progress | FeatureProgress) -> str:
    """Return one line with images or epoch, accuracy, and the time left in minutes and seconds."""
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    left = f"{minutes}:{seconds:02} left"
    if isinstance(progress, FeatureProgress):
        return f"{title}  features of {progress.images:,}/{progress.all_images:,} images  {left}"
    if progress.validation_accuracy is None:
        accuracy = f"train accuracy {progress.accuracy:.4f}"
    else:
        accuracy = f"accuracy {progress.validation_accuracy:.4f} (train {progress.accuracy:.4f})"
    return f"{title}  epoch {progress.epoch}/{progress.epochs}  {accuracy}  at most {left}"
