"""The commands there are, their help, and errors in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from cifar_models.command_line import list_experiments
from cifar_models.command_line import main as main_module
from cifar_models.experiments import EXPERIMENTS
from tests.cifar_models.command_line.conftest import Command

pytestmark = pytest.mark.integration

COMMANDS = ("list", "summary", "train", "compare", "predict")


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS)])
def test_every_help_has_an_example(command: Command, words: tuple[str, ...]) -> None:
    ended = command(*words, "--help")
    assert ended.status == 0
    assert ended.output.startswith(" ".join(["usage: python -m cifar_models", *words]))
    assert "\n  python -m cifar_models" in ended.output.casefold().partition("example")[2]


def test_the_help_lists_the_commands_and_a_command_s_the_experiments(command: Command) -> None:
    assert all(f"\n    {name} " in command("--help").output for name in COMMANDS)
    assert all(name in command("train", "--help").output for name in EXPERIMENTS)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), "required: COMMAND"),
        (("trian",), "'trian'"),
        (("train",), "required: NAME"),
        (("train", "simple_cnn", "--dataset", "mnist"), "'mnist'"),
        (("train", "simple_cnn", "--seed", "-1"), "--seed: found '-1', expected a whole number from 0 to 4294967295"),
        (("train", "simple_cnn", "--seed", "4294967296"), "--seed: found '4294967296', expected"),
        (("train", "simple_cnn", "--seed", "one"), "--seed: found 'one', expected"),
        (("train", "simple"), "experiment: found 'simple', expected one of simple_cnn, "),
        (("summary", "simple"), "experiment: found 'simple', expected one of simple_cnn, "),
        (("predict", "model.keras"), "required: IMAGE"),
    ],
)
def test_what_the_user_has_mistaken_is_one_line_and_status_2(
    command: Command, words: tuple[str, ...], found: str
) -> None:
    ended = command(*words)
    assert (ended.status, ended.output) == (2, "")
    assert ended.error.startswith("python -m cifar_models")
    assert found in ended.error
    assert ended.error.count("\n") == 1


def _raise(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run(_: object) -> None:
        raise error

    monkeypatch.setattr(list_experiments, "run", run)


@pytest.mark.parametrize("name", ["matplotlib", "PIL", "tabulate"])
def test_a_package_that_is_not_installed_is_named_with_the_remedy(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _raise(monkeypatch, ModuleNotFoundError(f"No module named {name!r}", name=name))
    ended = command("list")
    assert ended.status == 2
    assert ended.error == (
        f"python -m cifar_models: found no {name}, expected it: pip install 'cifar-models[command-line]'\n"
    )


def test_what_is_missing_of_the_package_itself_is_a_bug(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    _raise(monkeypatch, ModuleNotFoundError("No module named 'cifar_models.absent'", name="cifar_models.absent"))
    with pytest.raises(ModuleNotFoundError):
        command("list")


def test_an_interruption_is_no_traceback(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    _raise(monkeypatch, KeyboardInterrupt())
    ended = command("list")
    assert (ended.status, ended.error) == (130, "python -m cifar_models: interrupted\n")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "MemoryError"),
        (MemoryError("Unable to allocate 9 GiB"), "Unable to allocate 9 GiB"),
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\na tensor"), "OOM when allocating"),
    ],
)
def test_too_little_memory_is_one_line(
    command: Command, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    _raise(monkeypatch, error)
    ended = command("list")
    assert (ended.status, ended.output) == (1, "")
    assert ended.error == (
        f"python -m cifar_models: out of memory ({reason}): free some, or choose a smaller experiment\n"
    )


def test_every_other_error_is_a_bug(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    _raise(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        command("list")


def _process(*words: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
    """Run a command in a new process, without the variables that are None."""
    kept = {name: value for name, value in os.environ.items() if name not in variables}
    environment = kept | {name: value for name, value in variables.items() if value is not None}
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "cifar_models", *words],
        capture_output=True,
        env=environment,
        text=True,
        check=False,
        timeout=300,
    )


def test_tensorflow_says_nothing_before_or_between_a_command_s_own_lines() -> None:
    ended = _process("summary", "simple_cnn", TF_CPP_MIN_LOG_LEVEL=None, COLUMNS="100")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith('Model: "simple_cnn"')
    assert _process("summary", "simple_cnn", TF_CPP_MIN_LOG_LEVEL="0").stderr != ""


def test_a_character_that_the_output_cannot_show_is_written_in_another_way() -> None:
    ended = _process("predict", "m\u00f6del.keras", "c\u00e4t.jpg", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ended.returncode == 2
    assert ended.stderr.startswith("python -m cifar_models: c\\xe4t.jpg: ")


@pytest.mark.parametrize("home", [None, "nowhere"])
def test_a_user_without_a_home_needs_none(tmp_path: Path, home: str | None) -> None:
    there = str(tmp_path / home) if home else None
    ended = _process("summary", "simple_cnn", HOME=there, KERAS_HOME=None, TF_CPP_MIN_LOG_LEVEL=None)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_whoever_has_read_enough_may_close_the_pipe() -> None:
    # The pipe's other end is closed before the command writes a word; it is run without what pytest captures with.
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "cifar_models", "list"], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_tensorflow_s_notices_are_silenced_unless_the_user_wants_them(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    command("list")
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    command("list")
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_the_program_is_named_as_it_is_called() -> None:
    assert main_module.NAME == "python -m cifar_models"
