"""A search that is killed, or whose disk is full, loses nothing and leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bisection.record import RECORD
from tests.benchmarks.bisection.projects import add_commits, make_project
from tests.benchmarks.sides.projects import Project
from tests.faults.disks import disk
from tests.faults.nights import PATIENCE, ROOT
from tests.faults.processes import react_to_interrupts

pytestmark = pytest.mark.faults


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A tiny repository with eight commits, of which ``commit5`` trains worse; ``commit4`` waits for a file ``go``."""
    project = make_project(tmp_path / "project")
    go, waits = tmp_path / "go", tmp_path / "waits"
    wait = f"""import pathlib, time
    pathlib.Path({str(waits)!r}).touch()
    while not pathlib.Path({str(go)!r}).exists():
        time.sleep(0.02)"""
    whole, waiting = (f"def fault(seed, first_steps):\n    {code}" for code in ("pass", wait))
    add_commits(project, ("a comment", ""), ("SEEN", "1"), ("a comment", ""))
    for number, old, new in ((4, whole, waiting), (5, waiting, whole)):
        project.replace(old, new)
        if number == 5:
            project.replace("DROP = 0.0", "DROP = 0.05")
        project.commit(f"commit {number}")
        project.git("tag", f"commit{number}")
    add_commits(project, ("a comment", ""), ("a comment", ""))
    return project


class Search:
    """Searches in a process of its own."""

    def __init__(self, project: Project, output: Path) -> None:
        self.project, self.output = project, output
        self.temporary = project.folder.parent / "temporary"
        self.temporary.mkdir(exist_ok=True)

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", "benchmarks", "bisect", "commit0", "main", "--dataset", "synthetic"]
        variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        return subprocess.Popen(  # noqa: S603 - our own words
            [*command, "-k", "simple_cnn", f"--output={self.output}"],
            cwd=self.project.folder,
            env=variables | {"PYTHONPATH": str(ROOT), "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=react_to_interrupts,
        )

    def run(self) -> tuple[int, str, str]:
        process = self.start()
        output, error = process.communicate(timeout=PATIENCE)
        return process.returncode, output, error

    def must_find(self) -> None:
        """Search to the end, after which nothing temporary is left."""
        status, output, error = self.run()
        assert status == 0, error
        assert "commit 5 made the" in output
        assert list(self.temporary.iterdir()) == []
        assert self.project.git("worktree", "list").count("\n") == 0

    @property
    def steps(self) -> list[dict[str, Any]]:
        """What the record has; it must be whole."""
        (record,) = self.output.glob(f"*/{RECORD}")
        steps: list[dict[str, Any]] = json.loads(record.read_text(encoding="utf-8"))["steps"]
        return steps


@pytest.fixture
def search(project: Project, tmp_path: Path) -> Search:
    return Search(project, tmp_path / "output")


@contextmanager
def waiting(search: Search) -> Iterator[subprocess.Popen[str]]:
    """Start a search and wait until it is in the middle of a training."""
    process = search.start()
    deadline = time.monotonic() + PATIENCE
    while not (search.project.folder.parent / "waits").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield process
    process.wait(PATIENCE)
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGHUP])
def test_a_search_that_is_ended_in_the_middle_goes_on(search: Search, number: signal.Signals) -> None:
    before = search.project.state
    with waiting(search) as process:
        process.send_signal(number)
    if number != signal.SIGKILL:
        assert list(search.temporary.iterdir()) == []
        assert search.project.state == before
    steps = search.steps
    assert len(steps) >= 6
    (search.project.folder.parent / "go").touch()
    search.must_find()
    assert search.steps[: len(steps)] == steps
    assert search.project.state == before


def test_no_training_goes_on_after_its_search_was_killed(search: Search) -> None:
    with waiting(search) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8").split()
        assert children
        process.kill()
    deadline = time.monotonic() + PATIENCE
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline, "a training goes on"
        time.sleep(0.02)


def test_a_full_disk_ends_the_search_and_room_lets_it_go_on(search: Search, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    with disk(search.output, "64k") as full:
        status, _, error = search.run()
        assert status in (2, 125), error
        assert error.count("\n") == 1
        assert "No space left on device" in error
        steps = search.steps
        assert steps
        full.resize("16m")
        search.must_find()
        assert search.steps[: len(steps)] == steps


def test_a_full_disk_for_checkouts_ends_the_search_and_skips_nothing(search: Search, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    with disk(search.temporary, "32k") as full:
        status, _, error = search.run()
        assert status == 2, error
        assert error.count("\n") == 1
        assert "No space left on device" in error
        full.resize("64m")
        search.must_find()
    assert not [step for step in search.steps if step["kind"] == "skipped"]


def test_a_folder_that_cannot_be_written_is_said_before_any_training(search: Search) -> None:
    with disk(search.output, "64k") as full:
        full.make_read_only()
        status, output, error = search.run()
    assert (status, error.count("\n")) == (2, 1), error
    assert "Read-only file system" in error
    assert "seed 0" not in output


def test_two_at_once_do_not_disturb_each_other(search: Search, tmp_path: Path) -> None:
    with waiting(search):
        status, _, error = search.run()
        assert (status, error.count("\n")) == (2, 1), error
        assert "found another process that runs this search" in error
        (tmp_path / "go").touch()
    search.must_find()
