"""Which sessions with workers begin a night, which asks for data: those that select a training or a verdict."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from benchmarks.night.workers import _selects_benchmark

pytestmark = pytest.mark.unit

TRAININGS = "benchmarks/test_training.py"


@pytest.mark.parametrize(
    ("words", "selects"),
    [
        ("", False),
        ("-m benchmark", True),
        ("-m benchmark --collect-only", False),
        ("-m unit", False),
        ("-m 'not browser'", True),
        ("-m 'not browser' tests", False),
        ("-m 'not browser' tests/test_other.py::test_it", False),
        ("-m 'not browser' tests benchmarks", True),
        (f"-m 'not browser' {TRAININGS}", True),
        (f"-m 'not browser' {TRAININGS}::test_verdict", True),
        ("-m benchmark .", True),
        ("-m 'not browser' benchmarks/test_other.py", False),
        ("-m benchmark -k vgg16_frozen", True),
        ("-m benchmark -k 'test_verdict and not vgg16'", True),
        ("-m benchmark -k seed2 --first-seed 0", True),
        ("-m benchmark -k seed3 --first-seed 0", False),
        ("-m benchmark -k seed3 --first-seed 0 --seeds 4", True),
        ("-m 'not browser' -k test_imports", False),
        ("-m 'not browser' -k 'not frozen'", True),
        ("-m benchmark -k 'frozen and cnn'", False),
    ],
)
def test_only_what_selects_a_training_or_a_verdict_begins_a_night(
    pytester: pytest.Pytester, words: str, selects: bool
) -> None:
    shutil.copy(Path(__file__).parents[3] / "pyproject.toml", pytester.path)
    for file in (TRAININGS, "benchmarks/test_other.py", "tests/test_other.py"):
        (pytester.path / file).parent.mkdir(exist_ok=True)
        (pytester.path / file).touch()
    config = pytester.parseconfig("-p", "benchmarks.plugin", "-n", "2", *shlex.split(words))
    assert _selects_benchmark(config) == selects
