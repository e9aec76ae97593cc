"""The suite itself, tested: each regression must turn it red by the check that is named for it, and nothing else may.

A regression is an edit of a throw-away copy of the repository, whose own tests are then run in a process of their own.
A broken library is patched in that process, and the copy stays as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.baselines.baselines_file import read_baselines
from benchmarks.judging.judge import judge
from benchmarks.night.exit_status import REGRESSION, STALE
from tests.sensitivity.breakage import Breakage
from tests.sensitivity.broken_library import VARIABLE
from tests.sensitivity.conftest import Row
from tests.sensitivity.library_breakages import BREAKAGES
from tests.sensitivity.regressions import REGRESSIONS, Regression

pytestmark = pytest.mark.sensitivity

ROOT = Path(__file__).parents[2]
FOLDERS = ("cifar_models", "benchmarks", "tests", "baseline_runs", "docs", ".ci", ".github")

EXPERIMENT = "simple_cnn"
SEEDS = 3
UNIT = ("-m", "unit")
EVERY_COMMIT = ("-m", "unit or integration")
NIGHT = ("-m", "benchmark", "--dataset", "synthetic", "-k", EXPERIMENT, "--seeds", str(SEEDS))
BOTH_CNNS = ("-m", "benchmark", "--dataset", "synthetic", "-k", "simple_cnn or improved_cnn", "--seeds", str(SEEDS))
"""A night on libraries: dropout and batch normalization are ``improved_cnn``'s."""

REPETITIONS = 20


@dataclass(frozen=True)
class Outcome:
    """How a session ended: its exit status, the message of each test that failed, and all that it wrote."""

    status: int
    failures: dict[str, str]
    output: str
    seconds: float

    def messages_of(self, node_id: str) -> list[str]:
        """Return the messages of a test that failed, for all its failed parameters if none is named."""
        name = node_id.replace(".py::", ".").replace("::", ".").replace("/", ".")
        return [message for failed, message in self.failures.items() if name in (failed, failed.partition("[")[0])]


@dataclass(frozen=True)
class Copy:
    """A copy of the repository that may be broken."""

    root: Path

    def run(self, *arguments: str, breakage: Breakage | None = None) -> Outcome:
        """Run the copy's tests on the copy's packages: ``python -m`` looks in the current folder first.

        ``breakage`` is a library's fault during the session.
        """
        plugin = ("-p", "tests.sensitivity.broken_library") if breakage else ()
        environment = os.environ | ({VARIABLE: breakage.name} if breakage else {})
        report = self.root / "report.xml"
        started = time.perf_counter()
        session = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}", *plugin, *arguments],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        cases = ElementTree.parse(report).iter("testcase") if report.exists() else ()  # noqa: S314 - pytest wrote it
        failures = {
            # The message first, of which pytest leaves out what is long, then all of it.
            f"{case.get('classname')}.{case.get('name')}": f"{failure.get('message', '')}\n{failure.text or ''}"
            for case in cases
            for failure in case.iter("failure")
        }
        return Outcome(session.returncode, failures, session.stdout, seconds)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Return a copy of what the tests run and read: packages, tests, records, documents, and the files beside them."""
    root = tmp_path / "copy"
    root.mkdir()
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.iterdir():
        if file.is_file():
            shutil.copy(file, root)
    return Copy(root)


def test_it_is_the_copy_that_is_tested_and_what_cannot_be_collected_counts_for_nothing(copy: Copy) -> None:
    (copy.root / "cifar_models" / "datasets" / "normalization.py").write_text("raise RuntimeError('this is the copy')")
    outcome = copy.run(*UNIT, "tests/cifar_models/datasets/test_normalization.py")
    assert "RuntimeError: this is the copy" in outcome.output
    assert outcome.status == pytest.ExitCode.INTERRUPTED
    assert outcome.failures == {}


@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda regression: regression.name)
def test_the_tests_of_every_commit_catch(regression: Regression, copy: Copy, table: list[Row]) -> None:
    regression.apply(copy.root)
    _expect_assertion(copy.run(*UNIT, regression.unit), regression.name, regression.unit, table)


@pytest.mark.parametrize(
    "regression", [regression for regression in REGRESSIONS if regression.night], ids=lambda regression: regression.name
)
def test_the_night_catches(regression: Regression, copy: Copy, table: list[Row]) -> None:
    regression.apply(copy.root)
    _expect_verdict(copy.run(*NIGHT), regression.name, f"{EXPERIMENT} on synthetic: {regression.night}", table)


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)
def test_the_tests_of_every_commit_see_a_library(breakage: Breakage, copy: Copy, table: list[Row]) -> None:
    outcome = copy.run(*UNIT, breakage.unit, breakage=breakage)
    _expect_assertion(outcome, breakage.name, breakage.unit, table, breakage.says)


@pytest.mark.parametrize(
    "breakage", [breakage for breakage in BREAKAGES if breakage.night], ids=lambda breakage: breakage.name
)
def test_the_night_sees_a_library(breakage: Breakage, copy: Copy, table: list[Row]) -> None:
    _expect_verdict(copy.run(*BOTH_CNNS, breakage=breakage), breakage.name, breakage.night, table)


def _expect_assertion(outcome: Outcome, name: str, unit: str, table: list[Row], says: str = "") -> None:
    """Require a unit test to fail by an assertion: an edit that merely crashes would be caught by anything."""
    caught = outcome.status == pytest.ExitCode.TESTS_FAILED and any(
        message.startswith(("assert ", "AssertionError")) and says in message for message in outcome.messages_of(unit)
    )
    by = unit.removeprefix("tests/") if caught else "NOT CAUGHT"
    table.append(Row(name, "unit", by, len(outcome.failures), outcome.seconds))
    assert caught, f"expected {unit} to fail by an assertion that says {says!r}, found:\n{outcome.output}"


def _expect_verdict(outcome: Outcome, name: str, title: str, table: list[Row]) -> None:
    """Require the night's verdict on the experiment that the title of its failure begins with."""
    experiment = title.partition(" ")[0]
    said = "".join(outcome.messages_of(f"benchmarks/test_training.py::test_verdict[{experiment}]"))
    caught = outcome.status in (REGRESSION, STALE) and f"{title}\n" in said
    table.append(Row(name, "night", title if caught else "NOT CAUGHT", len(outcome.failures), outcome.seconds))
    assert caught, f"expected {title!r}, found:\n{outcome.output}"


@pytest.mark.parametrize("repetition", range(REPETITIONS))
def test_the_tests_of_every_commit_raise_no_false_alarm(repetition: int, copy: Copy) -> None:
    outcome = copy.run(*EVERY_COMMIT, f"--hypothesis-seed={repetition}")
    assert outcome.status == pytest.ExitCode.OK, outcome.output


@pytest.mark.parametrize("night", range(REPETITIONS))
def test_the_night_raises_no_false_alarm(night: int) -> None:
    """Trainings with seeds that the baseline was not measured with are judged as a night of their own."""
    from cifar_models.datasets import load_dataset
    from cifar_models.experiments import EXPERIMENTS
    from cifar_models.training.devices import hide_gpus
    from cifar_models.training.train import train

    hide_gpus()
    dataset = load_dataset("synthetic")
    baseline = read_baselines(ROOT / "baselines.json")[EXPERIMENT]["synthetic"]["measured"]
    first = max(baseline.seeds) + 1 + night * SEEDS
    runs = [train(EXPERIMENTS[EXPERIMENT], dataset, seed) for seed in range(first, first + SEEDS)]
    verdicts = judge({EXPERIMENT: runs}, {EXPERIMENT: baseline}, false_alarm_rate=0.01, looks=[SEEDS])[EXPERIMENT]
    assert [(verdict.metric, verdict.effect) for verdict in verdicts if verdict.word != "pass"] == []
