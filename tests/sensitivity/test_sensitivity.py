"""The suite itself, tested: each regression must turn it red by the check that is named for it, and nothing else may.

A regression is an edit of a throw-away copy of the repository, whose own tests are then run in a process of their own.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.baselines import read_baselines
from benchmarks.judge import HIGHER_IS_BETTER
from benchmarks.verdict import Check, judge_night
from tests.sensitivity.conftest import Row
from tests.sensitivity.regressions import REGRESSIONS, Regression

pytestmark = pytest.mark.sensitivity

ROOT = Path(__file__).parents[2]
FOLDERS = ("cifar_models", "benchmarks", "tests", "baseline_runs")

UNIT = ("-m", "unit")
GUARDS = ("tests/cifar_models",)
"""Of the tests of every commit, those that guard a training; the others guard its judges."""
NIGHT = ("-m", "benchmark", "--dataset", "synthetic", "-k", "simple_cnn", "--seeds", "3")

REPETITIONS = 20
FIRST_CLEAN_SEED = 10
"""Above those that the baselines were measured with."""
SEEDS_A_NIGHT = 3


@dataclass(frozen=True)
class Outcome:
    """How a session ended: its exit status, the ids of the tests that failed, and all that it wrote."""

    status: int
    failed: list[str]
    output: str
    seconds: float


@dataclass(frozen=True)
class Copy:
    """A copy of the repository that may be broken."""

    root: Path

    def run(self, *arguments: str) -> Outcome:
        """Run the copy's tests on the copy's packages: ``python -m`` looks in the current folder first."""
        started = time.perf_counter()
        session = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        failed = re.findall(r"^FAILED (.+?)(?: - .*)?$", session.stdout, flags=re.MULTILINE)
        return Outcome(session.returncode, failed, session.stdout, time.perf_counter() - started)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Return a copy of what the tests run and read: the packages, the tests, the records, and the files beside them."""
    root = tmp_path / "copy"
    root.mkdir()
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.iterdir():
        if file.is_file():
            shutil.copy(file, root)
    return Copy(root)


def test_it_is_the_copy_that_is_tested(copy: Copy) -> None:
    (copy.root / "cifar_models" / "normalization.py").write_text("raise RuntimeError('this is the copy')")
    outcome = copy.run(*UNIT, "tests/cifar_models/test_normalization.py")
    assert "RuntimeError: this is the copy" in outcome.output
    assert outcome.status == pytest.ExitCode.INTERRUPTED, "tests that could not be collected have caught nothing"
    assert outcome.failed == []


@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda regression: regression.name)
def test_the_tests_of_every_commit_catch(regression: Regression, copy: Copy, table: list[Row]) -> None:
    regression.apply(copy.root)
    outcome = copy.run(*UNIT, *GUARDS)
    check = re.compile(rf"{re.escape(regression.unit)}(\[|$)")
    caught = outcome.status == pytest.ExitCode.TESTS_FAILED and any(map(check.match, outcome.failed))
    by = regression.unit.removeprefix("tests/") if caught else "NOT CAUGHT"
    table.append(Row(regression.name, "unit", by, len(outcome.failed), outcome.seconds))
    assert caught, f"expected {regression.unit} to fail, found:\n{outcome.output}"


@pytest.mark.parametrize(
    "regression", [regression for regression in REGRESSIONS if regression.night], ids=lambda regression: regression.name
)
def test_the_night_catches(regression: Regression, copy: Copy, table: list[Row]) -> None:
    regression.apply(copy.root)
    outcome = copy.run(*NIGHT)
    caught = outcome.status == pytest.ExitCode.TESTS_FAILED and regression.night in outcome.output
    by = regression.night if caught else "NOT CAUGHT"
    table.append(Row(regression.name, "night", by, len(outcome.failed), outcome.seconds))
    assert caught, f"expected that {regression.night}, found:\n{outcome.output}"


@pytest.mark.parametrize("repetition", range(REPETITIONS))
def test_the_tests_of_every_commit_raise_no_false_alarm(repetition: int, copy: Copy) -> None:
    outcome = copy.run(*UNIT, f"--hypothesis-seed={repetition}")
    assert outcome.status == pytest.ExitCode.OK, outcome.output


@pytest.mark.parametrize("night", range(REPETITIONS))
def test_a_night_raises_no_false_alarm(night: int) -> None:
    """Three trainings with seeds that no baseline has seen are judged as one night."""
    from cifar_models.datasets import load_dataset
    from cifar_models.devices import hide_gpus
    from cifar_models.experiments import EXPERIMENTS
    from cifar_models.training import train

    hide_gpus()
    first = FIRST_CLEAN_SEED + night * SEEDS_A_NIGHT
    dataset = load_dataset("synthetic")
    runs = [train(EXPERIMENTS["simple_cnn"], dataset, seed) for seed in range(first, first + SEEDS_A_NIGHT)]
    baseline = read_baselines(ROOT / "baselines.json")["simple_cnn"]["synthetic"]["measured"]
    assert first > max(baseline.seeds)
    checks = [
        Check(
            experiment="simple_cnn",
            metric=name,
            baseline=tuple(metric.values),
            today=tuple(getattr(run, name) for run in runs),
            tolerance=metric.tolerance,
            higher_is_better=HIGHER_IS_BETTER[name],
        )
        for name, metric in baseline.metrics.items()
    ]
    alarms = [verdict for verdict in judge_night(checks) if verdict.word != "pass"]
    assert not alarms
