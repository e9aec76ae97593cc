"""What is seen while a training runs: one rewritten line on a terminal, one line an epoch in a log."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from cifar_models.training import live_line as live
from cifar_models.training.live_line import LOG_SECONDS, REFRESH_SECONDS, LiveLine, describe
from cifar_models.training.progress import FeatureProgress, Progress

pytestmark = pytest.mark.unit

STEP = Progress(epoch=2, epochs=10, step=3, steps=16, accuracy=0.5, validation_accuracy=None, seconds_left=125.4)
EPOCH = dataclasses.replace(STEP, step=16, validation_accuracy=0.25)


class Screen:
    """A terminal: what its last line shows after all carriage returns, and all that was ever written."""

    def __init__(self) -> None:
        self.written = ""
        self._line, self._column = "", 0

    def write(self, text: str) -> None:
        self.written += text
        for character in text:
            if character == "\r":
                self._column = 0
                continue
            if character == "\n":
                self._line, self._column = "", 0
                continue
            self._line = self._line[: self._column] + character + self._line[self._column + 1 :]
            self._column += 1

    @property
    def seen(self) -> str:
        return self._line.rstrip()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stop the time that ``live`` sees, which is the only element, on a terminal wide enough for any line."""
    now = [0.0]
    monkeypatch.setattr(live, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setenv("COLUMNS", "200")
    return now


def test_a_step_is_described_by_its_epoch_train_accuracy_and_time_left() -> None:
    assert describe("simple_cnn seed 0", STEP) == (
        "simple_cnn seed 0  epoch 2/10  train accuracy 0.5000  at most 2:05 left"
    )


def test_an_epoch_is_described_by_both_accuracies() -> None:
    assert describe("simple_cnn seed 0", EPOCH) == (
        "simple_cnn seed 0  epoch 2/10  accuracy 0.2500 (train 0.5000)  at most 2:05 left"
    )


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (600, "10:00"), (6000, "100:00")]
)
def test_the_time_left_is_in_minutes_and_seconds(seconds: float, shown: str) -> None:
    assert describe("t", dataclasses.replace(STEP, seconds_left=seconds)).endswith(f"at most {shown} left")


def test_a_terminal_s_line_is_rewritten_and_a_longer_one_leaves_nothing_behind(clock: list[float]) -> None:
    screen = Screen()
    line = LiveLine(screen.write, terminal=True, before="\n")
    line.show("a long title", EPOCH)
    assert screen.seen == describe("a long title", EPOCH)
    clock[0] += REFRESH_SECONDS
    line.show("short", STEP)
    assert screen.seen == describe("short", STEP)
    line.clear()
    assert screen.seen == ""
    assert screen.written.endswith("\r")
    # It begins on a line of its own, as it was told to.
    assert screen.written.startswith("\n\r")
    assert screen.written.count("\n") == 1


def test_a_terminal_s_line_is_rewritten_twice_a_second_and_at_each_epoch_s_end(clock: list[float]) -> None:
    texts: list[str] = []
    line = LiveLine(texts.append, terminal=True)
    line.show("t", STEP)
    assert len(texts) == 1
    clock[0] += REFRESH_SECONDS / 2
    line.show("t", STEP)
    assert len(texts) == 1
    line.show("t", EPOCH)
    assert len(texts) == 2
    clock[0] += REFRESH_SECONDS
    line.show("t", STEP)
    assert len(texts) == 3


@pytest.mark.usefixtures("clock")
def test_a_terminal_s_line_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = Screen()
    LiveLine(screen.write, terminal=True).show("a long title", EPOCH)
    assert screen.seen == describe("a long title", EPOCH)[:39]


def test_a_line_that_was_never_shown_needs_no_clearing() -> None:
    texts: list[str] = []
    line = LiveLine(texts.append, terminal=True)
    line.clear()
    assert texts == []


def test_a_log_gets_one_plain_line_an_epoch(clock: list[float]) -> None:
    texts: list[str] = []
    line = LiveLine(texts.append, terminal=False)
    for _ in range(3):
        line.show("t", STEP)
        clock[0] += REFRESH_SECONDS
    assert texts == []
    line.show("t", EPOCH)
    line.show("t", dataclasses.replace(EPOCH, epoch=3))
    line.clear()
    first, second = describe("t", EPOCH), describe("t", dataclasses.replace(EPOCH, epoch=3))
    assert "".join(texts) == f"{first}\n{second}\n"


FEATURES = FeatureProgress(images=12_800, all_images=60_000, seconds_left=125.4)


def test_features_are_described_by_their_images_and_the_time_left() -> None:
    assert describe("t", FEATURES) == "t  features of 12,800/60,000 images  2:05 left"


def test_features_are_seen_at_once_on_a_terminal_and_once_a_minute_in_a_log(clock: list[float]) -> None:
    screen, texts = Screen(), list[str]()
    terminal, log = LiveLine(screen.write, terminal=True), LiveLine(texts.append, terminal=False)
    for _ in range(5):
        for line in (terminal, log):
            line.show("t", FEATURES)
        clock[0] += LOG_SECONDS / 2
    assert screen.seen == describe("t", FEATURES)
    assert texts == [f"{describe('t', FEATURES)}\n"] * 2


def test_what_comes_before_a_log_is_written_once() -> None:
    texts: list[str] = []
    line = LiveLine(texts.append, terminal=False, before="...\n")
    line.show("t", EPOCH)
    line.show("t", EPOCH)
    assert "".join(texts).startswith("...\nt ")
    assert "".join(texts).count("...") == 1
