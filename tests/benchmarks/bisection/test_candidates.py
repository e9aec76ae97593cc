"""Candidates are trained with their own code, in few processes, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.bisection.candidates import MOST_OPEN, Candidates
from benchmarks.bisection.commits import commits_between
from benchmarks.bisection.decide import Action
from benchmarks.bisection.loop import CannotTest
from benchmarks.bisection.record import Bisection
from benchmarks.sides.checkouts import Repository, Revision
from benchmarks.sides.environments import BuildError, NoSolution, Wanted
from benchmarks.sides.side import Job, MachineError
from tests.benchmarks.bisection.machine import settings
from tests.benchmarks.bisection.projects import add_commits, make_project
from tests.benchmarks.sides.projects import Project

pytestmark = pytest.mark.unit


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = make_project(tmp_path / "project")
    add_commits(project, ("a comment", ""), ("SEEN", "1"), ("HIDDEN", "1"))
    return project


@pytest.fixture
def candidates(project: Project, tmp_path: Path) -> Iterator[Candidates]:
    repository = Repository(project.folder)
    commits, _ = commits_between(repository, "commit0", "main")
    bisection = Bisection(settings(len(commits)))
    bisection.settings.candidates[:] = commits
    with Candidates(
        repository,
        bisection,
        lambda number: (Revision(commits[number].title, commits[number].name), Wanted()),
        Job(dataset="synthetic"),
        tmp_path / "runs",
        say=lambda _: None,
        show=lambda *_: None,
    ) as candidates:
        yield candidates
    assert project.git("worktree", "list").count("\n") == 0


def _train(candidate: int, seed: int = 0, *, first_steps: bool = False) -> Action:
    return Action(candidate, "simple_cnn", seed, first_steps=first_steps)


def test_the_same_code_has_the_same_identity_and_other_code_another(candidates: Candidates) -> None:
    whole = [candidates.take(_train(number)).identity for number in range(4)]
    first = [candidates.take(_train(number, first_steps=True)).identity for number in range(4)]
    assert [whole.index(each) for each in whole] == [0, 0, 2, 3]
    assert [first.index(each) for each in first] == [0, 0, 2, 2], "the last commit shows in whole trainings alone"
    assert candidates.take(_train(0)).identity == whole[0]
    assert candidates.take(_train(0, seed=1)).identity != whole[0]


def test_a_step_has_the_values_of_its_run(candidates: Candidates, tmp_path: Path) -> None:
    step = candidates.take(_train(0))
    assert (step.kind, step.seed, step.diverged, step.data) == ("training", 0, False, "sha256:data")
    assert step.accuracy == 0.923
    assert step.loss == pytest.approx(0.241, abs=1e-3)
    assert candidates.take(_train(0, first_steps=True)).accuracy is None
    (folder,) = (tmp_path / "runs").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["first-steps", "simple_cnn.synthetic.seed0.json"]


def test_no_more_processes_than_needed_are_kept(candidates: Candidates, project: Project) -> None:
    for number in (0, 1, 0, 2, 0, 3):
        candidates.take(_train(number))
        assert project.git("worktree", "list").count("\n") <= MOST_OPEN
    assert list(candidates._open) == [0, 3], "the least recently used one is ended"


def _change(project: Project, code: str, number: int) -> None:
    """Have the trainings of a candidate run some code, in the checkout that the process is still to be started in."""
    project.replace("def fault(seed, first_steps):\n    pass", f"def fault(seed, first_steps):\n    {code}")
    project.commit(f"commit {number}")


class TestWhatFails:
    @pytest.fixture
    def project(self, project: Project, request: pytest.FixtureRequest) -> Project:
        _change(project, request.param, 4)
        return project

    @pytest.mark.parametrize("project", ["raise TrainingDiverged('the loss is NaN')"], indirect=True)
    def test_a_training_that_diverges_is_a_step(self, candidates: Candidates) -> None:
        step = candidates.take(_train(4))
        assert (step.diverged, step.accuracy, step.identity) == (True, None, None)
        assert "the loss is NaN" in (step.reason or "")

    @pytest.mark.parametrize("project", ["raise RuntimeError('no such layer')"], indirect=True)
    def test_a_training_that_fails_says_why(self, candidates: Candidates) -> None:
        with pytest.raises(CannotTest, match="no such layer"):
            candidates.take(_train(4))
        step = candidates.take(_train(4, first_steps=True))
        assert step.identity == "none of candidate 4", "the whole training decides"
        assert "no such layer" in (step.reason or "")

    @pytest.mark.parametrize("project", ["import os; os._exit(3)"], indirect=True)
    def test_a_process_that_ends_is_started_again(self, candidates: Candidates) -> None:
        for _ in range(2):
            with pytest.raises(CannotTest, match="status 3"):
                candidates.take(_train(4))
        assert 4 not in candidates._open

    @pytest.mark.parametrize("project", ["import os; os.kill(os.getpid(), 9)"], indirect=True)
    def test_a_process_that_is_killed_is_the_machine_s_fault(self, candidates: Candidates) -> None:
        with pytest.raises(MachineError, match="killed by SIGKILL"):
            candidates.take(_train(4))


@pytest.mark.parametrize(
    ("error", "expected"),
    [(NoSolution("no versions that go together"), CannotTest), (BuildError("no connection"), MachineError)],
)
def test_only_an_environment_that_no_machine_can_build_is_a_candidate_that_cannot_be_tested(
    candidates: Candidates, monkeypatch: pytest.MonkeyPatch, error: BuildError, expected: type[Exception]
) -> None:
    def fail(*_: object, **__: object) -> Path:
        raise error

    monkeypatch.setattr("benchmarks.bisection.candidates.interpreter", fail)
    with pytest.raises(expected, match=str(error)):
        candidates.take(_train(0))
