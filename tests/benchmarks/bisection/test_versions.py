"""Which versions of a package are searched, by what pip lists."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from benchmarks.bisection import versions
from benchmarks.bisection.versions import VersionsError, pinned, two_versions, versions_between

pytestmark = pytest.mark.unit

LISTED = "keras (3.15.1)\nAvailable versions: 3.15.1, 3.15.0, 3.14.1, 3.14.0, 3.13.2, 3.9.0\n  INSTALLED: 3.15.1\n"


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Return the commands of pip that were run; each prints ``LISTED``."""
    ran: list[Sequence[str]] = []

    def run(command: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        found = "keras" in command
        error = "WARNING: a warning\nERROR: No matching distribution found for keraz\n"
        return subprocess.CompletedProcess(command, int(not found), LISTED if found else "", "" if found else error)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(versions, "find_spec", lambda _: True)
    return ran


@pytest.fixture
def no_pip(commands: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The current environment has no pip, as one that uv made; return the commands that were run."""
    monkeypatch.setattr(versions, "find_spec", lambda _: None)
    return commands


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        ("keras==3.14.*", "keras==3.15.*", "3.14.1 3.15.0 3.15.1"),
        ("keras==3.14.0", "keras>=3", "3.14.0 3.14.1 3.15.0 3.15.1"),
        ("keras<3.10", "keras==3.13.2", "3.9.0 3.13.2"),
    ],
)
def test_all_between_the_newest_that_match_are_candidates(good: str, bad: str, expected: str) -> None:
    found = versions_between(Requirement(good), Requirement(bad))
    assert [candidate.name for candidate in found] == expected.split()


def test_the_versions_are_those_for_the_python_that_is_asked_for(commands: list[Sequence[str]]) -> None:
    versions_between(Requirement("keras==3.14.*"), Requirement("keras==3.15.*"), "3.13")
    ((*_, index, listed, name, python, number, _),) = commands
    assert (index, listed, name, python, number) == ("index", "versions", "keras", "--python-version", "3.13")


def test_without_pip_uv_runs_it(no_pip: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    versions_between(Requirement("keras==3.14.*"), Requirement("keras==3.15.*"))
    ((*tool, index, _, _, _),) = no_pip
    assert (*tool, index) == (str(uv), "tool", "run", "pip", "index")


def test_without_pip_and_uv_is_an_error(
    no_pip: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VersionsError, match=r"found neither pip in .* nor uv on the PATH, .* python -m ensurepip"):
        versions_between(Requirement("keras==3.14.*"), Requirement("keras==3.15.*"))
    assert no_pip == []


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize(
    ("good", "bad", "found"),
    [
        ("keras==3.12.*", "keras==3.15.*", "--requirement keras==3.12.*: found no such version, expected one for this"),
        ("keras==3.15.*", "keras==3.14.*", "found keras 3.15.1 for GOOD and 3.14.1 for BAD, expected GOOD to be older"),
        ("keras==3.15.*", "keras==3.15.1", "found keras 3.15.1 for GOOD and 3.15.1 for BAD"),
        ("keraz==1", "keraz==2", "keraz: found no versions (ERROR: No matching distribution found for keraz)"),
    ],
)
def test_versions_that_cannot_be_searched_are_refused_in_one_sentence(good: str, bad: str, found: str) -> None:
    with pytest.raises(VersionsError) as error:
        versions_between(Requirement(good), Requirement(bad))
    assert found in str(error.value)
    assert "\n" not in str(error.value)


def test_two_requirements_of_one_package_are_the_ends_and_others_hold_for_all() -> None:
    good, bad, others = two_versions(["Keras==3.14.*", "numpy<3", "keras==3.15.*", "tensorflow==2.20.*"])
    assert (str(good), str(bad)) == ("Keras==3.14.*", "keras==3.15.*")
    assert others == ["numpy<3", "tensorflow==2.20.*"]


@pytest.mark.parametrize(
    "requirements",
    [
        [],
        ["keras==3.14.*"],
        ["keras==3.14.*", "tensorflow==2.20.*"],
        ["keras==3.13.*", "keras==3.14.*", "keras==3.15.*"],
        ["keras==3.14.*", "keras==3.15.*", "numpy<2", "numpy>2"],
    ],
)
def test_other_numbers_of_requirements_are_refused(requirements: list[str]) -> None:
    with pytest.raises(
        VersionsError,
        match="found neither commits nor one package with two requirements in ",
    ):
        two_versions(requirements)


def test_what_is_no_requirement_is_refused() -> None:
    with pytest.raises(VersionsError, match=r"^--requirement: found 'ke ras' ") as error:
        two_versions(["ke ras", "keras"])
    assert "\n" not in str(error.value)


def test_a_version_is_pinned_with_its_extras() -> None:
    assert pinned(Requirement("tensorflow[and-cuda]==2.20.*"), "2.20.0") == "tensorflow[and-cuda]==2.20.0"
    assert pinned(Requirement("keras>=3"), "3.15.1") == "keras==3.15.1"
