"""The table of broken libraries fits the libraries: on every commit, so that a new version of one moves the table."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.sensitivity.breakage import Breakage
from tests.sensitivity.broken_library import VARIABLE, break_library, pytest_configure
from tests.sensitivity.library_breakages import BREAKAGES

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
OURS = ("cifar_models", "benchmarks", "tests")


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)
class TestEachBreakage:
    def test_it_replaces_what_a_library_has_until_it_is_undone(self, breakage: Breakage) -> None:
        owner, name = breakage.owner()
        before = getattr(owner, name)
        with pytest.MonkeyPatch.context() as patch:
            breakage.apply(patch)
            assert getattr(owner, name) is not before
        assert getattr(owner, name) == before  # two accesses to a method of a C type are equal and not the same
        assert breakage.target.partition(".")[0] not in OURS

    def test_the_check_that_is_to_catch_it_exists(self, breakage: Breakage) -> None:
        file, *names = breakage.unit.partition("[")[0].split("::")
        body = ast.parse((ROOT / file).read_text()).body
        for name in names:
            found = [node for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name]
            assert found, f"{file} has no {name}: name the test that catches {breakage.name!r} now"
            body = found[0].body

    def test_a_golden_trajectory_is_to_name_what_broke(self, breakage: Breakage) -> None:
        assert bool(breakage.says) == breakage.unit.startswith("tests/golden/")


def test_no_breakage_is_listed_twice() -> None:
    assert len({breakage.name for breakage in BREAKAGES}) == len(BREAKAGES) >= 25


def test_the_plugin_breaks_what_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    breakage = BREAKAGES[0]
    owner, name = breakage.owner()
    before = getattr(owner, name)
    monkeypatch.setenv(VARIABLE, breakage.name)
    try:
        break_library()
        assert getattr(owner, name) is not before
    finally:
        setattr(owner, name, before)


@pytest.mark.parametrize("value", ["", "dropout does everything"])
def test_another_name_is_refused_with_those_there_are(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(
        pytest.UsageError, match=f"BREAK_LIBRARY: found '{value}', expected one of: {BREAKAGES[0].name}"
    ):
        break_library()


def test_a_session_in_which_nothing_is_broken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(pytest.UsageError, match="BREAK_LIBRARY: found no such environment variable, expected the name"):
        pytest_configure()
