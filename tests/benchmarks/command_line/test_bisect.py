"""``bisect`` as a user sees it, in tiny repositories whose trainings take no time."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bisection import versions
from benchmarks.bisection.record import RECORD
from benchmarks.sides import environments
from tests.benchmarks.bisection.projects import add_commits, make_project
from tests.benchmarks.sides.projects import Project
from tests.cifar_models.command_line.conftest import Command

pytestmark = pytest.mark.unit

SIMPLE = ("--dataset", "synthetic", "-k", "simple_cnn")
SEARCHES = Path("runs/bisections")
COMMENT, WORSE = ("a comment", ""), ("DROP", "0.05")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A tiny repository with six commits, of which ``commit4`` trains worse."""
    project = make_project(tmp_path / "project")
    add_commits(project, COMMENT, ("SEEN", "1"), COMMENT, WORSE, COMMENT)
    return project


@pytest.fixture
def bisect(in_the_project: Callable[[str], Command]) -> Command:
    return in_the_project("bisect")


def _only_search() -> Path:
    (folder,) = SEARCHES.iterdir()
    return folder


def _steps() -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = json.loads((_only_search() / RECORD).read_text(encoding="utf-8"))["steps"]
    return steps


def _fault(project: Project, number: int, code: str) -> None:
    """Amend the history: have the trainings of one commit run some lines first."""
    project.git("checkout", "--quiet", f"commit{number}")
    project.replace("def fault(seed, first_steps):\n    pass", f"def fault(seed, first_steps):\n    {code}")
    project.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    project.git("tag", "--force", f"commit{number}")
    for later in range(number + 1, 6):
        # Each commit's file as it was, on top of the amended one.
        project.git("checkout", "--quiet", f"commit{later}", "--", "cifar_models")
        project.git("commit", "--quiet", "--message", f"commit {later}")
        project.git("tag", "--force", f"commit{later}")
    project.git("branch", "--force", "main")
    project.git("checkout", "--quiet", "main")


def test_the_commit_that_made_it_worse_is_named(bisect: Command, project: Project) -> None:
    ended = bisect("commit0", "main", *SIMPLE)
    assert ended.status == 0, ended.error
    assert "\n6 commits, from " in f"\n{ended.output}"
    commit = project.git("rev-parse", "--short=10", "commit4")
    answer = rf"^{commit} commit 4 made the accuracy of simple_cnn worse: 0\.\d+ before it and 0\.\d+ with it, on \d+"
    assert re.search(answer, ended.output, re.MULTILINE)
    assert "A commit that changes nothing is named with a probability of at most 5 %." in ended.output
    report = (_only_search() / "report.md").read_text(encoding="utf-8")
    assert "commit 4 made the accuracy of simple\\_cnn worse" in report
    assert "fresh seeds with it: confirmed" in report
    records = sorted(path.name for path in _only_search().glob("runs/*/*.json"))
    assert "simple_cnn.synthetic.seed0.json" in records


def test_the_same_command_says_the_same_again_without_a_training(bisect: Command) -> None:
    first = bisect("commit0", "main", *SIMPLE)
    steps = _steps()
    again = bisect("commit0", "main", *SIMPLE)
    assert _steps() == steps
    assert again.status == 0
    assert again.output.partition("==")[2] == first.output.partition("==")[2]


def test_uncommitted_changes_are_left_alone_and_not_searched(bisect: Command, project: Project) -> None:
    project.replace("DROP = 0.05", "DROP = 0.5")
    project.write("cifar_models/new.py", "raise SystemExit")
    assert bisect("commit0", "main", *SIMPLE).status == 0


@pytest.fixture
def can_be_interrupted() -> Iterator[None]:
    """Have Ctrl+C interrupt this process, also if it was started in the background, where a shell has it ignored."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.mark.usefixtures("can_be_interrupted")
def test_a_search_that_is_interrupted_goes_on_where_it_stopped(bisect: Command, project: Project) -> None:
    go = project.folder.parent / "go"
    stop = f"import os, signal; os.path.exists({str(go)!r}) or os.kill(os.getppid(), signal.SIGINT)"
    _fault(project, 2, stop)
    ended = bisect("commit0", "main", *SIMPLE)
    assert (ended.status, ended.error) == (130, "python -m benchmarks: interrupted\n")
    before = _steps()
    assert before
    go.touch()
    ended = bisect("commit0", "main", *SIMPLE)
    assert ended.status == 0, ended.error
    assert f"continues after {len(before)} steps" in ended.output
    assert _steps()[: len(before)] == before


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('no such layer')", "RuntimeError: no such layer"),
        ("import os; os._exit(3)", "status 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
    ],
)
def test_a_commit_that_cannot_be_trained_is_skipped(bisect: Command, project: Project, code: str, reason: str) -> None:
    _fault(project, 3, f"if not first_steps: {code}")
    ended = bisect("commit0", "main", *SIMPLE)
    assert ended.status == 125, ended.error
    assert re.search(rf"commit 3: skipped: .*{reason}", ended.output)
    assert re.search(
        r"^one of the 2 commits after \w{10} commit 2 up to \w{10} commit 4, of which 1 commit cannot be tested, made",
        ended.output,
        re.MULTILINE,
    )


def test_a_commit_that_does_not_import_is_skipped(bisect: Command, project: Project) -> None:
    project.write("cifar_models/experiments.py", "def unfinished(")
    project.commit("unfinished")
    project.git("revert", "--no-edit", "HEAD")
    ended = bisect("commit3", "main", *SIMPLE)
    assert ended.status == 0, ended.error
    assert "commit 4 made the accuracy of simple_cnn worse" in ended.output


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL, perhaps for lack of memory"),
        ("raise MemoryError('no room')", "MemoryError: no room; free memory, and run the command again"),
    ],
)
def test_a_machine_that_fails_ends_the_search_and_loses_nothing(
    bisect: Command, project: Project, code: str, found: str
) -> None:
    go = project.folder.parent / "go"
    _fault(project, 2, f"import os\n    if not os.path.exists({str(go)!r}) and not first_steps: {code}")
    ended = bisect("commit0", "main", *SIMPLE)
    assert ended.status == 125
    assert found in ended.error
    assert ended.error.count("\n") == 1
    steps = _steps()
    assert not [step for step in steps if step["kind"] == "skipped"]
    go.touch()
    assert bisect("commit0", "main", *SIMPLE).status == 0
    assert _steps()[: len(steps)] == steps


def test_an_end_that_cannot_be_tested_is_said_in_one_sentence(bisect: Command, project: Project) -> None:
    _fault(project, 5, "raise RuntimeError('no such layer')")
    ended = bisect("commit0", "main", *SIMPLE)
    assert ended.status == 125
    assert re.search(r"BAD, \w{10} commit 5, cannot be tested: .*no such layer; give another one\n$", ended.error)


def test_ends_that_do_not_differ_are_not_searched(bisect: Command) -> None:
    ended = bisect("commit0", "commit3", *SIMPLE, "--max-seeds", "6")
    assert ended.status == 11
    assert "GOOD and BAD do not differ significantly, so nothing was searched." in ended.output
    assert re.search(
        r"The smallest changes that are found with a probability of 95 % are: accuracy of simple_cnn: 0\.0",
        ended.output,
    )
    assert {step["candidate"] for step in _steps()} == {0, 3}


def test_identical_ends_are_said_to_be_identical(bisect: Command) -> None:
    ended = bisect("commit0", "commit1", *SIMPLE)
    assert ended.status == 11
    assert "GOOD and BAD give the same numbers, to the last digit" in ended.output


def test_a_better_end_is_not_searched(bisect: Command, project: Project) -> None:
    add_commits(project, ("DROP", "-0.05"))
    ended = bisect("commit5", "main", *SIMPLE)
    assert ended.status == 10
    assert "BAD is better than GOOD: the accuracy of simple_cnn is 0.8" in ended.output


def test_too_little_time_is_said_and_the_report_has_what_is_known(bisect: Command, tmp_path: Path) -> None:
    ended = bisect("commit0", "main", *SIMPLE, "--minutes", "1e-9", "--summary", tmp_path / "summary.md")
    assert ended.status == 11
    assert "no further training fits into --minutes 1e-09. GOOD and BAD do not differ significantly so far." in (
        ended.output
    )
    assert "GOOD and BAD do not differ" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_a_summary_that_cannot_be_written_is_said_after_the_answer(bisect: Command, tmp_path: Path) -> None:
    ended = bisect("commit0", "commit1", *SIMPLE, "--summary", tmp_path / "missing" / "summary.md")
    assert ended.status == 125
    assert "GOOD and BAD give the same numbers" in ended.output
    assert "summary: could not be written" in ended.output


def test_a_search_that_another_process_goes_on_with_is_left_alone(bisect: Command) -> None:
    from filelock import FileLock

    bisect("commit0", "main", *SIMPLE, "--minutes", "1e-9")
    with FileLock(_only_search() / ".lock"):
        ended = bisect("commit0", "main", *SIMPLE)
    assert ended.status == 2
    assert "found another process that runs this search, expected none" in ended.error


def test_a_damaged_record_is_refused(bisect: Command) -> None:
    bisect("commit0", "main", *SIMPLE, "--minutes", "1e-9")
    (_only_search() / RECORD).write_text('{"format": 1', encoding="utf-8")
    ended = bisect("commit0", "main", *SIMPLE)
    assert ended.status == 2
    assert re.search(rf"{RECORD}: .*found no JSON.*; remove .* to start again\n$", ended.error)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("main", "GOOD BAD: found 1, expected two commits or none"),
        ("commit0 commit1 main", "GOOD BAD: found 3, expected two commits or none"),
        ("", "found neither commits nor one package with two requirements in no --requirement"),
        ("main commit0", "BAD is older, so exchange the two"),
        ("commit0 nothing", "nothing: found no such commit"),
        ("commit0 main --max-seeds 2", "--max-seeds: found '2', expected a whole number, 3 or more"),
        ("commit0 main --error-rate 1", "--error-rate: found '1', expected a number above 0 and below 0.5"),
        ("commit0 main --minutes 0", "--minutes: found '0', expected a number above 0"),
        ("commit0 main -k nothing", "-k: found no matching experiment, expected one of simple_cnn, "),
        ("commit0 main -k (", "-k: found '('"),
        ("commit0 main --data-dir nowhere", "--data-dir: found no folder nowhere, expected one"),
        ("commit0 main -r nowhere.txt", "nowhere.txt"),
        ("commit0 main --output pyproject.toml", "pyproject.toml"),
    ],
)
def test_a_user_error_is_one_line_and_status_2(bisect: Command, words: str, found: str) -> None:
    ended = bisect(*words.split(), "--dataset", "synthetic")
    assert (ended.status, found in ended.error, ended.error.count("\n")) == (2, True, 1), ended.error


def test_outside_of_a_repository_it_is_said(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    ended = command("bisect", "commit0", "main", *SIMPLE)
    assert (ended.status, ended.error.count("\n")) == (2, 1)
    assert "expected a clone of the project" in ended.error


class TestVersions:
    """Versions of a package that decide how well the tiny project trains, without any registry."""

    @pytest.fixture
    def bisect(self, bisect: Command, project: Project, monkeypatch: pytest.MonkeyPatch) -> Command:
        """Return what searches versions 1.0 to 1.7, of which 1.5 trains worse and 1.2 cannot be installed."""
        project.git("checkout", "--quiet", "commit0")
        project.replace("DROP = 0.0", "import os, sys; DROP = 0.05 * (os.environ.get('VERSION', '') >= '1.5')")
        listed = ", ".join(f"1.{minor}" for minor in reversed(range(8)))
        monkeypatch.setattr(versions, "_listed", lambda *_: listed.split(", "))
        self.built: list[Sequence[str]] = []

        def interpreter(wanted: environments.Wanted, *_: object, **__: object) -> Path:
            self.built.append(wanted.requirements)
            version = wanted.requirements[-1].partition("==")[2]
            if version == "1.2":
                raise environments.NoSolution("found no versions that go together")
            python = project.folder.parent / f"python{version}"
            python.write_text(f'#!/bin/sh\nVERSION={version} exec "{sys.executable}" "$@"\n')
            python.chmod(0o755)
            return python

        monkeypatch.setattr("benchmarks.bisection.candidates.interpreter", interpreter)
        return bisect

    def test_the_first_version_that_trains_worse_is_named(self, bisect: Command) -> None:
        wanted = ("--requirement", "thing==1.0", "--requirement", "thing>=1", "--requirement", "other<2")
        ended = bisect(*wanted, *SIMPLE)
        assert ended.status == 0, ended.error
        assert "8 versions of thing, from 1.0 (GOOD) to 1.7 (BAD)" in ended.output
        assert "1.5 made the loss of simple_cnn worse" in ended.output
        assert all(requirements[0] == "other<2" for requirements in self.built)

    def test_a_version_that_cannot_be_installed_is_skipped(self, bisect: Command) -> None:
        ended = bisect("--requirement", "thing==1.1", "--requirement", "thing==1.5", *SIMPLE)
        assert ended.status == 0, ended.error
        ended = bisect("--requirement", "thing==1.2", "--requirement", "thing==1.5", *SIMPLE)
        assert ended.status == 125
        assert "GOOD, 1.2, cannot be tested: found no versions that go together; give another one" in ended.error


def test_a_search_that_is_not_possible_is_said_in_the_summary_too(bisect: Command, tmp_path: Path) -> None:
    ended = bisect("commit0", *SIMPLE, "--summary", tmp_path / "summary.md")
    assert ended.status == 2
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert text == "## Not searched\n\nGOOD BAD: found 1, expected two commits or none\n"


def test_a_signal_that_ends_the_command_removes_the_worktrees(bisect: Command, project: Project) -> None:
    _fault(project, 2, "import os, signal; os.kill(os.getppid(), signal.SIGTERM); import time; time.sleep(60)")
    assert bisect("commit0", "main", *SIMPLE).status == 128 + signal.SIGTERM
    assert project.git("worktree", "list").count("\n") == 0
