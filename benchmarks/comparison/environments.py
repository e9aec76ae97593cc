"""Virtual environments for a side, built once and kept in the user's cache folder by what is in them.

The project itself is not installed: a side's checkout comes first on its path, so one environment serves many commits.
Its dependencies are. Those that the user does not name keep the versions of the current environment where the
resolver allows it, so that two environments differ in as little as possible.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from filelock import FileLock

from benchmarks.comparison.checkouts import clean_environment
from cifar_models.storage.files import user_path
from cifar_models.storage.fingerprint import fingerprint_json

_LINES_SHOWN = 12
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class BuildError(ValueError):
    """An environment that cannot be built: what was found, what was expected, and the resolver's last lines."""


@dataclass(frozen=True)
class Wanted:
    """What a side's environment is asked for.

    Attributes:
        requirements: as pip takes them, such as ``tensorflow==2.20.*``.
        files: requirements files.
        python: a version, such as ``3.13``; None for that of this process.
    """

    requirements: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    python: str | None = None

    @property
    def current(self) -> bool:
        """Whether nothing is asked for, which is the environment of this process."""
        return self == Wanted()

    def __str__(self) -> str:
        """Return it in words."""
        words = [*self.requirements, *(str(file) for file in self.files)]
        return ", ".join([*words, *([f"Python {self.python}"] if self.python else [])]) or "the current environment"


@dataclass(frozen=True)
class Difference:
    """A package that two environments do not have in the same version; None where one does not have it."""

    package: str
    a: str | None
    b: str | None


def differences(a: Mapping[str, str], b: Mapping[str, str]) -> list[Difference]:
    """Return what differs between the packages of two environments, by name.

    Args:
        a: version by package name.
        b: likewise.
    """
    names = sorted(a.keys() | b.keys())
    return [Difference(name, a.get(name), b.get(name)) for name in names if a.get(name) != b.get(name)]


def interpreter(
    wanted: Wanted, project: Path, *, say: Callable[[str], None] | None = None, cache: Path | None = None
) -> Path:
    """Return the Python interpreter of an environment, which is built now unless it is in the cache.

    Args:
        wanted: what is asked for.
        project: the folder with the ``pyproject.toml`` whose dependencies are installed.
        say: is told when one is built, which takes minutes.
        cache: the folder of environments; None for the one in the user's cache folder.

    Raises:
        BuildError: no such Python, no versions that go together, no network, or a full disk.
    """
    if wanted.current:
        return Path(sys.executable)
    cache = cache or default_cache()
    try:
        listed = [line for file in wanted.files for line in file.read_text(encoding="utf-8").splitlines()]
        named = {_package(line) for line in [*wanted.requirements, *listed]}
        # What the user asks for may be older than the project declares.
        dependencies = [each for each in _dependencies(project) if _package(each) not in named]
        kept = _kept(dependencies)
        content = [wanted.python or sys.version, sysconfig.get_platform(), wanted.requirements, listed]
        place = cache / fingerprint_json([*content, dependencies, kept]).removeprefix("sha256:")[:16]
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f".{place.name}.lock"):
            if not place.is_dir():
                if say is not None:
                    say(f"building the environment with {wanted} in {place}")
                _build(place, wanted, dependencies, kept)
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(
            f"the environment with {wanted}: {error}; expected files and a cache that can be used"
        ) from None
    return _python_of(place)


def default_cache() -> Path:
    """Return the folder of environments in the user's cache folder."""
    return user_path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "cifar-benchmarks" / "environments"


def _dependencies(project: Path) -> list[str]:
    """Return what the project depends on, without its extras."""
    file = project / "pyproject.toml"
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["dependencies"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise BuildError(f"{file}: {error}; expected the project's dependencies") from None
    return [str(dependency) for dependency in found]


def _kept(dependencies: Sequence[str]) -> list[str]:
    """Return the current versions of dependencies, as constraints."""
    kept = []
    for name in map(_package, dependencies):
        try:
            kept.append(f"{name}=={metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return kept


def _package(requirement: str) -> str:
    """Return the normalized name of the package that a line of requirements names; nothing for another line."""
    found = _NAME.match(requirement.strip())
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


def _build(place: Path, wanted: Wanted, dependencies: Sequence[str], kept: Sequence[str]) -> None:
    """Build an environment in a temporary folder and move it to its place once it is whole."""
    temporary = place.with_name(f".{place.name}.tmp")  # the lock is held
    try:
        _create(temporary, wanted.python)
        constraints = temporary / "constraints.txt"
        constraints.write_text("\n".join(kept), encoding="utf-8")
        files = [word for file in wanted.files for word in ("-r", str(file))]
        packages = [*dependencies, *wanted.requirements, *files]
        try:
            _install(temporary, [*packages, "-c", str(constraints)])
        except BuildError:
            if not kept:
                raise
            _install(temporary, packages)
        temporary.replace(place)
    except BuildError as error:
        raise BuildError(f"the environment with {wanted} cannot be built: {error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _create(folder: Path, python: str | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if uv := shutil.which("uv"):
        _run([uv, "venv", "--python", python or sys.executable, str(folder)])
        return
    found = shutil.which(f"python{python}") if python else sys.executable
    if not found:
        raise BuildError(f"found no python{python}, expected it on the PATH; install it, or uv, which fetches it")
    # Pip comes from this environment: installing another one takes longer than all else, and hides why it fails.
    _run([found, "-m", "venv", "--without-pip", str(folder)])


def _install(folder: Path, packages: Sequence[str]) -> None:
    if uv := shutil.which("uv"):
        _run([uv, "pip", "install", "--python", str(_python_of(folder)), *packages])
    else:
        pip = [sys.executable, "-m", "pip", "--python", str(_python_of(folder)), "--disable-pip-version-check"]
        _run([*pip, "install", *packages])


def _python_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _run(command: Sequence[str]) -> None:
    ended = subprocess.run(  # noqa: S603 - a program that was found, and the user's words
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, env=clean_environment(),
    )  # fmt: skip
    if ended.returncode:
        lines = ended.stdout.strip().splitlines()[-_LINES_SHOWN:]
        raise BuildError("; ".join(line.strip() for line in lines if line.strip()) or f"status {ended.returncode}")
