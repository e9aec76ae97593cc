"""Every test file belongs to one tier, and every tier is run by tox: no test is left out by slip of a mark."""

from __future__ import annotations

import ast
import configparser
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
TIERS = {marker.partition(":")[0] for marker in SETTINGS["markers"]} - {"property"}


def _marks(source: str) -> list[str]:
    """Return the names of the marks that a module gives all of its tests."""
    return [
        mark.attr
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "pytestmark"
        for mark in ast.walk(statement.value)
        if isinstance(mark, ast.Attribute) and ast.unparse(mark.value) == "pytest.mark"
    ]


def test_the_scan_sees_the_module_s_own_marks_alone() -> None:
    assert _marks("pytestmark = [pytest.mark.unit, pytest.mark.skipif(True)]\ntext = 'pytest.mark.fuzz'") == [
        "unit",
        "skipif",
    ]
    assert _marks("@pytest.mark.unit\ndef test(): pass") == []


def test_every_file_belongs_to_one_tier() -> None:
    for file in (ROOT / "tests").rglob("test_*.py"):
        tiers = [mark for mark in _marks(file.read_text(encoding="utf-8")) if mark in TIERS]
        assert len(tiers) == 1, f"{file}: found the tiers {tiers}, expected one of {sorted(TIERS)} in pytestmark"


@pytest.mark.parametrize("tier", sorted(TIERS))
def test_every_tier_has_an_environment_of_its_name(tier: str) -> None:
    environments = configparser.ConfigParser(interpolation=None)
    environments.read(ROOT / "tox.ini", encoding="utf-8")
    assert f"pytest -m {tier} " in environments[f"testenv:{tier}"]["commands"]
