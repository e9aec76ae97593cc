"""What a person or a log sees while a training runs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable

from cifar_models.training.progress import FeatureProgress, Progress

REFRESH_SECONDS = 0.5
LOG_SECONDS = 60
"""Between two lines about features in a log. Features that take less time have none."""


class LiveLine:
    """On a terminal one line that rewrites itself; in a log one plain line an epoch, and one a minute before the first.

    Args:
        write: writes text at once, without a line end of its own.
        terminal: whether a carriage return goes back to the line's start.
        before: written once, before all else, such as the end of a line that another has begun.
    """

    def __init__(self, write: Callable[[str], None], *, terminal: bool, before: str = "") -> None:
        self._write, self._terminal = write, terminal
        self._width = 0
        self._shown = -REFRESH_SECONDS
        self._logged = time.monotonic()
        self._before = before

    def show(self, title: str, progress: Progress | FeatureProgress) -> None:
        """Show where a training stands; ``title`` names it."""
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


def describe(title: str, progress: Progress | FeatureProgress) -> str:
    """Return one line: the images or the epoch, the accuracy, and the time left."""
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    left = f"{minutes}:{seconds:02} left"
    if isinstance(progress, FeatureProgress):
        return f"{title}  features of {progress.images:,}/{progress.all_images:,} images  {left}"
    if progress.validation_accuracy is None:
        accuracy = f"train accuracy {progress.accuracy:.4f}"
    else:
        accuracy = f"accuracy {progress.validation_accuracy:.4f} (train {progress.accuracy:.4f})"
    return f"{title}  epoch {progress.epoch}/{progress.epochs}  {accuracy}  at most {left}"
