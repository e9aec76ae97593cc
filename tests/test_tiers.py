"""Every test file belongs to one tier, and every tier is run by tox: no test is left out by slip of a mark."""

from __future__ import annotations

import ast
import configparser
import os
import re
import tomllib
from importlib import metadata
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


def test_every_tier_is_run_by_one_environment() -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "tox.ini", encoding="utf-8")
    run = {
        section.removeprefix("testenv:"): re.findall(r'pytest -m (?:"([^"]+)"|(\w+))', settings[section]["commands"])
        for section in settings.sections()
        if section.startswith("testenv:")
    }
    tiers = {name: {tier for pair in found for tier in " ".join(pair).split()} - {"or"} for name, found in run.items()}
    assert tiers.pop("nightly") == tiers["benchmark"]
    assert sorted(tier for some in tiers.values() for tier in some) == sorted(TIERS)


def test_every_commit_is_checked_in_the_environments_of_tox_alone() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert not re.search(r"pytest|tox exec|tox run", script)
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "tox.ini", encoding="utf-8")
    every_commit = settings["tox"]["env_list"].replace(" ", "")
    assert f"tox -e {every_commit},benchmark\n" in script
    workflow = (ROOT / ".github" / "workflows" / "unit.yml").read_text(encoding="utf-8")
    assert f"tox -e {every_commit.replace('lowest,', '')}\n" in workflow
    assert "tox -e lowest\n" in workflow


@pytest.mark.parametrize("workflow", sorted((ROOT / ".github" / "workflows").iterdir()), ids=lambda path: path.name)
def test_every_job_of_a_workflow_has_a_time_limit_and_no_secret(workflow: Path) -> None:
    """What zizmor does not check. It checks permissions, pinned actions, credentials and concurrency."""
    text = workflow.read_text(encoding="utf-8")
    jobs = re.split(r"^  (?=\w+:$)", text.partition("\njobs:\n")[2], flags=re.MULTILINE)[1:]
    assert jobs
    assert [job for job in jobs if not re.search(r"^    timeout-minutes: \d+$", job, re.MULTILINE)] == []
    # A new commit replaces the last one. A night is worth more than the one that waits for its machine.
    assert f"cancel-in-progress: {'false' if workflow.name == 'benchmark.yml' else 'true'}" in text
    assert "secrets." not in text
    assert "self-hosted" not in text or "pull_request" not in text


def test_the_lowest_versions_are_those_that_are_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    tested = ("command-line", "report", "benchmarks", "parallel", "tests")
    declared = [*project["dependencies"], *(each for name in tested for each in extras[name])]
    pairs = (re.fullmatch(r"([\w-]+)>=([\d.]+)(?:,<\d+)?", each) for each in declared if "[" not in each)
    minima = {pair[1]: pair[2] for pair in pairs if pair}
    pinned = dict(re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / ".ci" / "lowest.txt").read_text(), flags=re.MULTILINE))
    assert {name: _release(version) for name, version in pinned.items()} == {
        name: _release(version) for name, version in minima.items()
    }
    assert f"tensorflow[and-cuda]>={pinned['tensorflow']};" in extras["gpu"][0]


@pytest.mark.skipif("UV_CONSTRAINT" not in os.environ, reason="only tox -e lowest limits the versions")
def test_the_versions_that_are_installed_are_the_lowest_ones() -> None:
    pinned = re.findall(r"^([\w-]+)==([\d.]+)$", Path(os.environ["UV_CONSTRAINT"]).read_text(), flags=re.MULTILINE)
    assert pinned
    installed = {name: _release(metadata.version(name)) for name, _ in pinned}
    assert installed == {name: _release(version) for name, version in pinned}


def _release(version: str) -> tuple[int, ...]:
    """Return a version's numbers without zeros at the end: 9 is 9.0.0."""
    return tuple(map(int, re.sub(r"(\.0)+$", "", version).split(".")))
