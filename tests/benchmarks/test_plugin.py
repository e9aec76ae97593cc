"""Which items a session collects, and in which order: by whole sessions."""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.benchmarks.sessions import (
    ROOT,
    TABLE,
    TRAINING,
    VERDICT,
    Bench,
    lines,
)

pytestmark = pytest.mark.integration


def test_a_selection_of_nothing_loads_nothing(bench: Bench) -> None:
    result = bench.benchmark("-k", "no_such_experiment")
    result.assert_outcomes(deselected=6)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert bench.events == []


def test_a_list_of_the_items_loads_nothing(bench: Bench) -> None:
    result = bench.benchmark("--collect-only", "-q", "--seeds", "2")
    assert result.ret == pytest.ExitCode.OK
    trainings = [f"{TRAINING}[{name}-seed{seed}]" for name in TABLE for seed in range(2)]
    assert lines(result, "::") == trainings + [f"{VERDICT}[{name}]" for name in TABLE]
    assert bench.events == []


@pytest.fixture
def small_tests(bench: Bench) -> Bench:
    bench.pytester.mkdir("tests")
    (bench.pytester.path / "tests/test_small.py").write_text(
        "import pytest\n"
        "def test_unmarked(): pass\n"
        "@pytest.mark.unit\n"
        "def test_unit(): pass\n"
        "@pytest.mark.property\n"
        "def test_property(): pass\n",
        encoding="utf-8",
    )
    return bench


@pytest.mark.parametrize(("options", "passed"), [([], 3), (["-m", "unit"], 2), (["-m", "unit and not property"], 1)])
def test_no_training_is_started_but_by_its_mark(small_tests: Bench, options: list[str], passed: int) -> None:
    result = small_tests.run(*options)
    result.assert_outcomes(passed=passed, deselected=17 - passed)
    assert result.ret == pytest.ExitCode.OK
    assert small_tests.events == []
    assert not lines(result, "data:|trainings on")


def test_a_package_that_cannot_be_imported_is_a_collection_error_of_pytest_s(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.pytester.makepyfile("import benchmarks.night.night")
    monkeypatch.setitem(sys.modules, "benchmarks.night.night", None)
    result = bench.run("-m", "unit")
    assert result.ret == pytest.ExitCode.INTERRUPTED, "git bisect run takes 1 for a commit that trains badly"


def test_a_mark_that_is_not_declared_is_an_error(bench: Bench) -> None:
    (bench.pytester.path / "benchmarks/test_marks.py").write_text(
        "import pytest\n@pytest.mark.bencmark\ndef test_misspelt(): pass\n", encoding="utf-8"
    )
    bench.record()
    result = bench.benchmark()
    result.assert_outcomes(errors=1)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*'bencmark' not found in `markers` configuration option*"])
    assert bench.trained == []


def test_verdicts_come_last_in_whatever_order_items_are_run(bench: Bench) -> None:
    bench.record()
    (bench.pytester.path / "reversing.py").write_text(
        "def pytest_collection_modifyitems(items): items.reverse()", encoding="utf-8"
    )
    bench.pytester.syspathinsert()
    result = bench.benchmark("-p", "reversing", "-v")
    assert result.ret == pytest.ExitCode.OK
    assert [("test_verdict" in line) for line in lines(result, "PASSED")] == [False] * 3 + [True] * 3


@pytest.mark.parametrize("ours", [True, False])
def test_a_warning_is_an_error_in_the_suite_s_own_code_alone(pytester: pytest.Pytester, ours: bool) -> None:
    shutil.copy(ROOT / "pyproject.toml", pytester.path)
    warning = "import warnings\ndef warn(): warnings.warn('old', stacklevel=1)\n"
    pytester.mkpydir("tests")
    (pytester.path / "library.py").write_text(warning, encoding="utf-8")
    test = "import pytest\n@pytest.mark.unit\ndef test_warns(): warn()\n"
    (pytester.path / "tests/test_small.py").write_text(
        (warning if ours else "from library import warn\n") + test, encoding="utf-8"
    )
    result = pytester.runpytest_subprocess("-m", "unit")
    result.assert_outcomes(passed=not ours, failed=ours, warnings=not ours)
