"""Lists the versions of a package between a good one and a bad one, from the package's registry."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from importlib.util import find_spec

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from benchmarks.bisection.record import Candidate
from benchmarks.sides.checkouts import clean_environment


class VersionsError(ValueError):
    """The versions of a package cannot be searched."""


def two_versions(requirements: Sequence[str]) -> tuple[Requirement, Requirement, list[str]]:
    """Return the two requirements of one package, GOOD's first, and the requirements of other packages.

    Args:
        requirements: all requirements, in pip's syntax.

    Raises:
        VersionsError: a requirement is invalid, or there is not exactly one package with two requirements.
    """
    by_name: defaultdict[str, list[Requirement]] = defaultdict(list)
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise VersionsError(
                f"--requirement: found {text!r} ({' '.join(str(error).split())}), expected one such as 'keras==3.12.*'"
            ) from None
        by_name[canonicalize_name(requirement.name)].append(requirement)
    repeated = [some for some in by_name.values() if len(some) > 1]
    if len(repeated) != 1 or len(repeated[0]) != 2:
        raise VersionsError(
            f"GOOD BAD: found neither commits nor one package with two requirements in "
            f"{', '.join(requirements) or 'no --requirement'}, expected one of them; give two commits, or "
            f"--requirement 'keras==3.12.*' --requirement 'keras==3.15.*'"
        )
    ((good, bad),) = repeated
    return good, bad, [str(some[0]) for some in by_name.values() if len(some) == 1]


def versions_between(good: Requirement, bad: Requirement, python: str | None = None) -> list[Candidate]:
    """Return the versions of a package between two, oldest first, without yanked versions and pre-releases.

    Args:
        good: a requirement; the newest version that fulfils it is the first candidate.
        bad: a requirement; the newest version that fulfils it is the last candidate.
        python: the version of Python that the versions must support; None for this process's.

    Raises:
        VersionsError: the registry cannot be read, has no such version, or GOOD is not older than BAD.
    """
    listed = sorted(map(Version, _listed(good.name, python)))
    ends = []
    for requirement in (good, bad):
        matching = list(requirement.specifier.filter(listed))
        if not matching:
            shown = ", ".join(map(str, listed[-8:]))
            raise VersionsError(
                f"--requirement {requirement}: found no such version, expected one for this Python that is neither "
                f"yanked nor a pre-release; the newest are {shown}"
            )
        ends.append(matching[-1])
    first, last = ends
    if not first < last:
        raise VersionsError(
            f"--requirement: found {good.name} {first} for GOOD and {last} for BAD, expected GOOD to be older; give "
            f"the older version first"
        )
    return [Candidate(str(version)) for version in listed if first <= version <= last]


def pinned(requirement: Requirement, version: str) -> str:
    """Return a requirement of exactly one version, with the same extras."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}=={version}"


def _listed(package: str, python: str | None) -> list[str]:
    """Return the versions that ``pip index versions`` lists; it leaves out yanked versions and pre-releases."""
    pip = [sys.executable, "-m", "pip"]
    if not find_spec("pip"):
        uv = shutil.which("uv")
        if not uv:
            raise VersionsError(
                f"{package}: found neither pip in {sys.prefix} nor uv on the PATH, expected one of them to list the "
                f"versions; install pip with python -m ensurepip"
            )
        pip = [uv, "tool", "run", "pip"]
    chosen = ["--python-version", python] if python else []
    command = [*pip, "index", "versions", package, *chosen, "--disable-pip-version-check"]
    ended = subprocess.run(  # noqa: S603 - pip with the user's own arguments
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=clean_environment()
    )
    found = re.search(r"^Available versions: (.+)$", ended.stdout, re.MULTILINE)
    if not found:
        lines = [line.strip() for line in ended.stderr.splitlines() if "ERROR" in line] or ended.stderr.splitlines()
        why = " ".join(lines[-1:]) or "pip printed none"
        raise VersionsError(f"{package}: found no versions ({why}), expected those that the package index has")
    return found[1].split(", ")
