"""No console ends a command: what its encoding lacks is written in another way."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cifar_models.command_line.console import show_on_any_console
from cifar_models.results.run_files import write_run
from tests.factories import make_run

pytestmark = pytest.mark.integration

ENCODINGS = ("ascii", "cp437", "cp1252", "koi8-r", "shift_jis", "utf-8")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_each_sign_is_written_as_it_is_or_in_ascii(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        written = io.BytesIO()
        monkeypatch.setattr(sys, name, io.TextIOWrapper(written, encoding=encoding, write_through=True))
        show_on_any_console()
        getattr(sys, name).write("0.7 ± 0.1 katze_ü_猫_\udcff …")
        text = written.getvalue().decode(encoding)
        assert text.startswith(("0.7 ± 0.1 katze_", "0.7 +/- 0.1 katze_"))
        assert "\\udcff" in text
        assert text.endswith((" …", " ..."))


def test_a_stream_that_is_no_file_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    show_on_any_console()


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "utf-8"])
def test_compare_ends_well_on_every_console(tmp_path: Path, encoding: str) -> None:
    folder = tmp_path / "läufe"
    for seed in range(2):
        write_run(folder, make_run("a", seed, accuracy=0.5 + seed / 4))
    command = [sys.executable, "-m", "cifar_models", "compare", str(folder), "--output", str(tmp_path / "bilder…")]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C.UTF-8"}
    ended = subprocess.run(command, capture_output=True, env=environment, check=False)  # noqa: S603 - ours
    assert (ended.returncode, ended.stderr) == (0, b"")
    text = ended.stdout.decode(encoding)
    assert "0.6250 ± 0.1768" in text or "0.6250 +/- 0.1768" in text
    assert "wrote " in text


@pytest.mark.parametrize("package", ["cifar_models", "benchmarks"])
def test_help_and_errors_are_shown_in_ascii(tmp_path: Path, package: str) -> None:
    command = "compare" if package == "cifar_models" else "page"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for words in (["--help"], [command, "--help"], [command, str(tmp_path / "café")]):
        typed = [sys.executable, "-m", package, *words]
        ended = subprocess.run(typed, capture_output=True, env=environment, check=False)  # noqa: S603 - ours
        assert b"Traceback" not in ended.stderr
        assert ended.returncode == (0 if "--help" in words else 2)
