"""A comparison that is killed, told to end, or without room: worktrees go, records stay, one sentence says what it was.

The commands run in processes of their own, in tiny repositories whose trainings take no time.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks.sides.projects import Project
from tests.benchmarks.sides.test_venv_and_pip import make_wheel
from tests.faults.disks import disk
from tests.faults.nights import PATIENCE, ROOT
from tests.faults.processes import react_to_interrupts

pytestmark = pytest.mark.faults

OPTIONS = ("--dataset=synthetic", "-k=simple_cnn", "--first-seed=0")
MAIN = "import sys; from benchmarks.command_line.main import main; sys.exit(main(sys.argv[1:]))"


@dataclass
class House:
    """A tiny repository, and a folder for its worktrees."""

    project: Project
    temporary: Path

    @contextmanager
    def comparing(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Start a comparison in a process and a process group of its own."""
        variables = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(self.temporary)}
        process = subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-P", "-c", MAIN, "compare", *words, *OPTIONS],
            cwd=self.project.folder,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=react_to_interrupts,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def compare(self, *words: str) -> tuple[int, str]:
        """Compare to the end; return status and output."""
        with self.comparing(*words) as process:
            output, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, output

    @property
    def pause(self) -> Path:
        return self.temporary.parent / "paused"

    def pause_b_in_its_second_training(self) -> None:
        self.project.fault(
            "run['curves']['loss'][0] = 0.0\nimport os, time\nif seed == 1:\n"
            f"    open({str(self.pause)!r}, 'w').write(str(os.getpid()))\n    time.sleep(600)"
        )

    def wait_for_the_pause(self, process: subprocess.Popen[str]) -> int:
        """Wait until B is in the middle of a training; return its process."""
        deadline = time.monotonic() + PATIENCE
        while not (self.pause.exists() and self.pause.read_text(encoding="utf-8")):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return int(self.pause.read_text(encoding="utf-8"))

    @property
    def kept(self) -> list[str]:
        """The runs that are recorded, with the folder of their side."""
        return sorted(
            f"{path.parent.name} {path.name}" for path in self.project.folder.glob("runs/comparisons/*/*/*.seed*.json")
        )


RUNS = [
    *(f"baseline_runs simple_cnn.synthetic.seed{seed}.json" for seed in (0, 1)),
    "night simple_cnn.synthetic.seed0.json",
]
"""What is recorded when B is in its second training."""


@pytest.fixture
def house(tmp_path: Path) -> House:
    for name in ("project", "temporary"):
        (tmp_path / name).mkdir()
    return House(Project(tmp_path / "project"), tmp_path / "temporary")


def _is_gone(number: int) -> bool:
    """Return whether a process has ended, as far as anyone can tell."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def _until_gone(number: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _is_gone(number):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
def test_told_to_end_in_the_middle_of_a_training(house: House, number: signal.Signals, status: int) -> None:
    house.pause_b_in_its_second_training()
    before = house.project.state
    with house.comparing("main") as process:
        side = house.wait_for_the_pause(process)
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == status, output
    assert "Traceback" not in output
    assert _is_gone(side)
    assert list(house.temporary.iterdir()) == []
    assert house.project.state == before
    assert house.kept == RUNS
    assert "records: runs/comparisons/" in output


def test_killed_in_the_middle_of_a_training(house: House) -> None:
    before = house.project.state
    house.pause_b_in_its_second_training()
    with house.comparing("main") as process:
        side = house.wait_for_the_pause(process)
        process.kill()
        process.wait(PATIENCE)
    _until_gone(side)
    assert house.kept == RUNS
    left = {path for path in house.temporary.iterdir() if (path / "checkout").exists()}
    assert len(left) == 2
    house.project.git("checkout", "--quiet", "--", "cifar_models")
    assert house.project.state | {"worktrees": ""} == before | {"worktrees": ""}
    status, output = house.compare("main")  # which removes what the other one has left
    assert status == 0, output
    assert not left & {*house.temporary.iterdir()}
    assert house.project.state == before


def test_two_at_once_do_not_disturb_each_other(house: House) -> None:
    house.pause_b_in_its_second_training()
    with house.comparing("main") as process:
        house.wait_for_the_pause(process)
        status, output = house.compare("main", "main")
        assert status == 0, output
        assert process.poll() is None
        assert len([*house.temporary.glob("*/checkout/cifar_models")]) == 2
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert [*house.temporary.glob("*/checkout")] == []


def test_no_room_for_a_checkout(house: House) -> None:
    house.project.write("cifar_models/large.bin", "x" * 200_000)
    house.project.commit()
    before = house.project.state
    with disk(house.temporary, "100k"):
        status, output = house.compare("main", "main")
        assert list(house.temporary.iterdir()) == []
    assert status == 2, output
    assert re.search(r"unable to write file .*, which has 0\.\d MB free; free more, or set TMPDIR\n$", output)
    assert "Traceback" not in output
    assert house.project.state == before


def test_no_room_for_a_record(house: House) -> None:
    house.project.fault("run['curves']['loss'][0] = 0.0")
    with disk(house.project.folder / "runs", "32k"):
        status, output = house.compare("main")
        kept = house.kept
    assert status == 125, output
    assert "trained, but its record cannot be kept: OSError: [Errno 28] No space left on device" in output
    assert "Traceback" not in output
    assert kept
    assert list(house.temporary.iterdir()) == []


def test_no_room_for_an_environment(house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    with disk(cache, "256k"):
        status, output = house.compare("--requirement", str(make_wheel(tmp_path, size=10**6)))
        assert [path for path in cache.rglob("python*") if path.is_file()] == []
    assert status == 2, output
    assert "No space left on device" in output
    assert "Traceback" not in output
    assert list(house.temporary.iterdir()) == []
