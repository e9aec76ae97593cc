"""Builds virtual environments for a side once, and keeps them in the user's cache folder, named by their contents.

An environment contains the project's dependencies, but not the project: a side's checkout comes first on its path, so
one environment serves many commits. Dependencies that the user does not name keep the versions of the current
environment if the resolver allows it, so that two environments differ as little as possible.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from filelock import FileLock
from packaging.utils import canonicalize_name

from benchmarks.sides.checkouts import clean_environment
from cifar_models.storage.files import user_path
from cifar_models.storage.fingerprint import fingerprint_json

_LINES_SHOWN = 12
_FURTHER_FILE = re.compile(r"\s*(?:-r|--requirement|(?P<constrains>-c|--constraint))[\s=]*(?P<file>\S+)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


_NO_SOLUTION = re.compile(
    r"No solution found|ResolutionImpossible|\(from versions: (?!none)|ailed to build|metadata-generation-failed"
)
"""What uv and pip print if versions conflict, do not exist for this Python, or cannot be built from source."""
_CHANGEABLE = re.compile(r"\s*(?:-e\b|--editable\b|[./\\]|[^-#;\s][^#;]*(?:[/\\@]|\.whl\b))")
"""A line of requirements that installs a folder, a file or an address, whose contents can change."""
_built: set[Path] = set()
"""The environments that this process has built, which it does not build again."""


class BuildError(ValueError):
    """An environment cannot be built."""


class NoSolution(BuildError):
    """The requirements themselves cannot be installed; the machine and the network are not the reason."""


@dataclass(frozen=True)
class Wanted:
    """The environment that the user wants for a side.

    Attributes:
        requirements: in pip's syntax, such as ``tensorflow==2.20.*``.
        files: requirements files.
        python: a version of Python, such as ``3.13``; None for the version of this process.
    """

    requirements: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    python: str | None = None

    @property
    def current(self) -> bool:
        """Whether this is the environment of this process."""
        return self == Wanted()

    def __str__(self) -> str:
        words = [*self.requirements, *(str(file) for file in self.files)]
        return ", ".join([*words, *([f"Python {self.python}"] if self.python else [])]) or "the current environment"


def package_differences(a: Mapping[str, str], b: Mapping[str, str]) -> list[tuple[str, str | None, str | None]]:
    """Return name and both versions of each package whose versions differ, sorted by name.

    Args:
        a: the versions in one environment, by package name.
        b: the versions in the other.

    Returns:
        The tuples; a version is None where the package is not installed.
    """
    names = sorted(a.keys() | b.keys())
    return [(name, a.get(name), b.get(name)) for name in names if a.get(name) != b.get(name)]


def interpreter(
    wanted: Wanted, project: Path, *, say: Callable[[str], None] | None = None, cache: Path | None = None
) -> Path:
    """Return the Python interpreter of an environment; build the environment unless it is in the cache.

    An environment with a folder, a file or an address is built anew by each process, because their contents can change.

    Args:
        wanted: the environment.
        project: the folder with the ``pyproject.toml`` that lists the dependencies.
        say: called with a message before a build, which takes minutes, and if it cannot keep the current versions.
        cache: the folder of environments; None for ``default_cache``.

    Raises:
        NoSolution: versions conflict, do not exist or cannot be built, or the project does not list its dependencies.
        BuildError: Python is missing, the network fails, or the disk is full.
    """
    if wanted.current:
        return Path(sys.executable)
    cache, say = cache or default_cache(), say or (lambda _: None)
    try:
        listed = [line for file in wanted.files for line in requirements_in(file)]
        # A constraint installs nothing.
        installed = [line for file in wanted.files for line in requirements_in(file, constraints=False)]
        named = {_package(line) for line in [*wanted.requirements, *installed]}
        # The user may want an older version than the project allows.
        dependencies = [each for each in _dependencies(project) if _package(each) not in named]
        limited = {_package(line) for line in listed}
        kept = _kept(name for name in map(_package, dependencies) if name not in limited)
        content = [wanted.python or sys.version, sysconfig.get_platform(), wanted.requirements, listed]
        place = cache / fingerprint_json([*content, dependencies, kept]).removeprefix("sha256:")[:16]
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f".{place.name}.lock"):
            old = place not in _built and any(map(_CHANGEABLE.match, [*wanted.requirements, *listed]))
            if old or not _python_of(place).exists():  # an update can have removed the Python that it links to
                say(f"building the environment with {wanted} in {place}")
                _build(place, wanted, dependencies, kept, say)
                _built.add(place)
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(
            f"environment with {wanted}: found {error}, expected readable requirements and a cache that can be written"
        ) from None
    return _python_of(place)


def requirements_in(file: Path, *, constraints: bool = True) -> list[str]:
    """Return the lines of a requirements file and of those that it names with ``-r`` and ``-c``.

    Args:
        file: the requirements file.
        constraints: whether to read the files after ``-c``, which limit versions and install nothing.

    Raises:
        OSError, UnicodeDecodeError: one of them cannot be read.
    """
    lines: list[str] = []
    waiting, seen = [file], set()
    while waiting:
        file = waiting.pop()
        if (resolved := file.resolve()) in seen:
            continue
        seen.add(resolved)
        for line in file.read_text(encoding="utf-8").splitlines():
            lines.append(line)
            if (named := _FURTHER_FILE.match(line)) and (constraints or not named["constrains"]):
                waiting.append(file.parent / named["file"])
    return lines


def default_cache() -> Path:
    """Return the folder of environments in the user's cache folder."""
    return user_path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "cifar-benchmarks" / "environments"


def _dependencies(project: Path) -> list[str]:
    """Return the project's dependencies, without extras."""
    file = project / "pyproject.toml"
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["dependencies"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise NoSolution(f"{file}: found {error!r}, expected the project's dependencies") from None
    return [str(dependency) for dependency in found]


def _kept(names: Iterable[str]) -> list[str]:
    """Return constraints that keep the installed versions of packages."""
    kept = []
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            kept.append(f"{name}=={metadata.version(name)}")
    return kept


def _package(requirement: str) -> str:
    """Return the normalized name of the package in a line of requirements; empty for other lines."""
    found = _NAME.match(requirement.strip())
    return canonicalize_name(found[0]) if found else ""


def _build(
    place: Path, wanted: Wanted, dependencies: Sequence[str], kept: Sequence[str], say: Callable[[str], None]
) -> None:
    """Build an environment in a temporary folder, and move it to its place when it is complete."""
    temporary = place.with_name(f".{place.name}.tmp")  # the caller holds the lock
    try:
        _create(temporary, wanted.python)
        constraints = temporary / "constraints.txt"
        constraints.write_text("\n".join(kept), encoding="utf-8")
        files = [word for file in wanted.files for word in ("-r", str(file))]
        packages = [*dependencies, *wanted.requirements, *files]
        try:
            _install(temporary, [*packages, "-c", str(constraints)])
        except NoSolution:  # other errors, such as a lost connection, must not give other versions
            if not kept:
                raise
            say(f"the packages of the current environment do not fit {wanted}: installing other versions of them")
            _install(temporary, packages)
        shutil.rmtree(place, ignore_errors=True)
        temporary.replace(place)
    except BuildError as error:
        raise type(error)(f"the environment with {wanted} cannot be built: {error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _create(folder: Path, python: str | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if uv := shutil.which("uv"):
        _run([uv, "venv", "--python", python or sys.executable, str(folder)])
        return
    found = shutil.which(f"python{python}") if python else sys.executable
    if not found:
        raise BuildError(
            f"--python: found no python{python}, expected it on the PATH; install it, or install uv, which downloads it"
        )
    _run([found, "-m", "venv", "--without-pip", str(folder)])
    # In a step of its own, because venv hides why it fails. The current environment has no pip if uv made it.
    _run([str(_python_of(folder)), "-m", "ensurepip"])


def _install(folder: Path, packages: Sequence[str]) -> None:
    if uv := shutil.which("uv"):
        _run([uv, "pip", "install", "--python", str(_python_of(folder)), *packages])
    else:
        _run([str(_python_of(folder)), "-m", "pip", "install", "--disable-pip-version-check", *packages])


def _python_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _run(command: Sequence[str]) -> None:
    ended = subprocess.run(  # noqa: S603 - the user's own arguments
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, env=clean_environment(),
    )  # fmt: skip
    if ended.returncode:
        lines = [line.strip() for line in ended.stdout.splitlines() if line.strip()]
        errors = [line for line in lines if "ERROR" in line]  # pip's own, which a traceback of its caller can follow
        kind = NoSolution if _NO_SOLUTION.search(ended.stdout) else BuildError
        raise kind("; ".join((errors or lines)[-_LINES_SHOWN:]) or f"status {ended.returncode}")
