"""Environments of a side: what is asked for, built once, whole or not at all. ``uv`` is a script of the test's."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.sides import environments
from benchmarks.sides.environments import (
    BuildError,
    Wanted,
    default_cache,
    interpreter,
    package_differences,
)

pytestmark = pytest.mark.unit

UV = """#!/bin/sh
printf '%s\\n' "$*" >> {log}
case "$1" in
    venv) for folder in "$@"; do :; done; mkdir -p "$folder/bin" && touch "$folder/bin/python" ;;
    pip) {install} ;;
esac
"""


class Builder:
    """A cache of environments and a ``uv`` that builds empty ones, or fails."""

    def __init__(self, folder: Path) -> None:
        self.cache, self.log, self.programs = folder / "cache", folder / "log", folder / "programs"
        self.project = folder / "project"
        self.project.mkdir()
        self.programs.mkdir()
        self.depend("numpy>=2", "no-such-package")
        self.install("true")

    def depend(self, *dependencies: str) -> None:
        listed = ", ".join(f'"{one}"' for one in dependencies)
        (self.project / "pyproject.toml").write_text(f"[project]\ndependencies = [{listed}]\n", encoding="utf-8")

    def install(self, command: str) -> None:
        script = self.programs / "uv"
        script.write_text(UV.format(log=self.log, install=command), encoding="utf-8")
        script.chmod(0o755)

    def build(self, *requirements: str, files: tuple[Path, ...] = (), python: str | None = None) -> Path:
        return interpreter(Wanted(requirements, files, python), self.project, cache=self.cache)

    @property
    def calls(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []

    @property
    def kept(self) -> list[str]:
        return [path.name for path in self.cache.iterdir() if not path.name.endswith(".lock")]


@pytest.fixture
def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builder:
    builder = Builder(tmp_path)
    monkeypatch.setenv("PATH", f"{builder.programs}:/usr/bin:/bin")
    return builder


def test_nothing_asked_for_is_the_current_environment(builder: Builder) -> None:
    assert builder.build() == Path(sys.executable)
    assert builder.calls == []


def test_the_dependencies_are_installed_with_what_is_asked_for(builder: Builder, tmp_path: Path) -> None:
    listed = tmp_path / "listed.txt"
    listed.write_text("scipy\n", encoding="utf-8")
    python = builder.build("keras==3.14.*", files=(listed,), python="3.13")
    assert python.is_file()
    assert python.parent.parent.parent == builder.cache
    create, install = builder.calls
    assert create.startswith("venv --python 3.13 ")
    assert f"numpy>=2 no-such-package keras==3.14.* -r {listed} -c " in install


def test_the_other_dependencies_keep_their_versions_where_the_resolver_allows_it(builder: Builder) -> None:
    builder.depend("numpy>=2", "h5py", "no-such-package")
    builder.install('for file in "$@"; do :; done; cp "$file" ' + str(builder.log.with_name("constraints")))
    builder.build("h5py==3.14.*")
    import numpy as np

    constraints = builder.log.with_name("constraints").read_text(encoding="utf-8").split()
    assert constraints == [f"numpy=={np.__version__}"]


def test_a_package_that_a_file_limits_does_not_keep_its_version_but_the_others_do(
    builder: Builder, tmp_path: Path
) -> None:
    builder.depend("numpy>=2", "h5py")
    builder.install('for file in "$@"; do :; done; cp "$file" ' + str(tmp_path / "constraints"))
    listed, limits = tmp_path / "listed.txt", tmp_path / "limits.txt"
    listed.write_text("scipy\n-c limits.txt\n", encoding="utf-8")
    limits.write_text("h5py<3.13\n", encoding="utf-8")
    builder.build(files=(listed,))
    import numpy as np

    assert (tmp_path / "constraints").read_text(encoding="utf-8") == f"numpy=={np.__version__}"


@pytest.mark.parametrize(
    "why",
    [
        "error: No solution found when resolving dependencies",
        "ERROR: ResolutionImpossible: for help visit https://pip.example",
        "ERROR: Could not find a version that satisfies the requirement numpy==9 (from versions: 1.26.4, 2.0.2)",
        "error: Failed to build numpy==2.0.2",
    ],
)
def test_they_give_way_where_it_does_not(builder: Builder, why: str) -> None:
    explanation = "; ".join(["echo because"] * 30)
    builder.install(f'case "$*" in *" -c "*) echo "{why}"; {explanation}; exit 1 ;; esac')
    said: list[str] = []
    wanted = Wanted(("h5py==3.14.*",))
    assert interpreter(wanted, builder.project, say=said.append, cache=builder.cache).is_file()
    assert said[1:] == [
        "the packages of the current environment do not fit h5py==3.14.*: installing other versions of them"
    ]
    first, second = (call for call in builder.calls if call.startswith("pip"))
    assert " -c " in first
    assert " -c " not in second


@pytest.mark.parametrize(
    "why",
    [
        "error: Failed to fetch: https://index.example/numpy/",
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "ERROR: Could not find a version that satisfies the requirement numpy==2.0.2 (from versions: none)",
    ],
)
def test_they_do_not_give_way_to_another_error(builder: Builder, why: str) -> None:
    builder.install(f'case "$*" in *" -c "*) echo "{why}"; exit 1 ;; esac')
    with pytest.raises(BuildError, match=r"cannot be built: (error|ERROR): "):
        builder.build("h5py==3.14.*")
    assert builder.kept == []


def test_one_is_built_once_for_all_that_ask_for_the_same(builder: Builder) -> None:
    said: list[str] = []
    wanted = Wanted(("h5py==3.14.*",))
    first = interpreter(wanted, builder.project, say=said.append, cache=builder.cache)
    assert interpreter(wanted, builder.project, say=said.append, cache=builder.cache) == first
    assert len(builder.calls) == 2
    assert said == [f"building the environment with h5py==3.14.* in {first.parent.parent}"]


@pytest.mark.parametrize(
    "change",
    [
        lambda builder: builder.build("h5py==3.13.*"),
        lambda builder: builder.build("h5py==3.14.*", python="3.12"),
        lambda builder: (builder.depend("numpy>=2.1"), builder.build("h5py==3.14.*")),
    ],
    ids=["requirements", "python", "dependencies"],
)
def test_another_one_is_built_for_another(builder: Builder, change: Callable[[Builder], object]) -> None:
    builder.build("h5py==3.14.*")
    change(builder)
    assert len(builder.kept) == 2


@pytest.mark.parametrize(
    "line", ["../keras", ".", "/opt/keras", "keras-3.15-py3-none-any.whl", "keras @ file:///opt/keras",
             "keras-nightly@git+https://example.org/keras@main", "-e ./keras", "keras/dist/keras.tar.gz"],
)  # fmt: skip
@pytest.mark.parametrize("in_a_file", [True, False])
def test_each_process_builds_what_can_change_anew_once(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, in_a_file: bool
) -> None:
    listed = tmp_path / "listed.txt"
    listed.write_text(f"{line}  # ours\n", encoding="utf-8")

    def build() -> Path:
        return builder.build(files=(listed,)) if in_a_file else builder.build(line)

    python = build()
    python.write_text("of the first process", encoding="utf-8")
    assert build().read_text("utf-8") == "of the first process"
    monkeypatch.setattr(environments, "_built", set())  # as in another process
    assert build() == python
    assert python.read_text("utf-8") == ""
    assert len(builder.calls) == 4
    assert builder.kept == [python.parent.parent.name]


@pytest.mark.parametrize(
    "line", ["keras==3.14.*", "keras>=3 ; platform_machine != 'a/b'", "-c /opt/limits.txt", "# a/b"]
)
def test_each_process_uses_a_built_one_where_an_index_has_the_packages(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(environments, "_FURTHER_FILE", re.compile("no further files"))
    listed = tmp_path / "listed.txt"
    listed.write_text(f"{line}\n", encoding="utf-8")
    builder.build(files=(listed,)).write_text("of the first process", encoding="utf-8")
    monkeypatch.setattr(environments, "_built", set())
    assert builder.build(files=(listed,)).read_text("utf-8") == "of the first process"


def test_a_requirements_file_counts_by_what_is_in_it(builder: Builder, tmp_path: Path) -> None:
    listed, copied = tmp_path / "listed.txt", tmp_path / "copied.txt"
    for file in (listed, copied):
        file.write_text("scipy\n", encoding="utf-8")
    first = builder.build(files=(listed,))
    assert builder.build(files=(copied,)) == first
    listed.write_text("scipy<2\n", encoding="utf-8")
    assert builder.build(files=(listed,)) != first


def test_the_files_that_it_names_count_too(builder: Builder, tmp_path: Path) -> None:
    listed, further = tmp_path / "listed.txt", tmp_path / "further.txt"
    listed.write_text("-r further.txt\n--constraint=listed.txt\n", encoding="utf-8")
    further.write_text("scipy\n", encoding="utf-8")
    first = builder.build(files=(listed,))
    further.write_text("scipy<2\n", encoding="utf-8")
    assert builder.build(files=(listed,)) != first


def test_a_constraint_installs_nothing_so_the_dependency_stays(builder: Builder, tmp_path: Path) -> None:
    builder.depend("numpy>=2", "scipy", "h5py")
    listed, limits = tmp_path / "listed.txt", tmp_path / "limits.txt"
    listed.write_text("h5py==3.14.0\n-c limits.txt\n", encoding="utf-8")
    limits.write_text("scipy<2\n", encoding="utf-8")
    first = builder.build(files=(listed,))
    _, install = builder.calls
    assert " numpy>=2 scipy -r " in install
    limits.write_text("scipy<3\n", encoding="utf-8")
    assert builder.build(files=(listed,)) != first


def test_one_that_cannot_be_built_is_one_error_with_the_resolvers_last_lines(builder: Builder) -> None:
    builder.install("for line in $(seq 30); do echo line$line; done; echo; echo no version matches; exit 1")
    with pytest.raises(BuildError) as error:
        builder.build("h5py==99")
    message = str(error.value)
    assert type(error.value) is BuildError, "not the requirements' fault"
    assert message.startswith("the environment with h5py==99 cannot be built: line")
    assert message.endswith("line30; no version matches")
    assert "line1;" not in message
    assert builder.kept == []


def test_one_whose_python_was_removed_is_built_again(builder: Builder) -> None:
    python = builder.build("h5py==3.14.*")
    python.unlink()
    python.symlink_to(python.with_name("gone"))
    assert builder.build("h5py==3.14.*") == python
    assert python.exists()
    assert len(builder.calls) == 4


def test_what_a_killed_build_has_left_is_never_used(builder: Builder) -> None:
    (name,) = (builder.build("h5py==3.14.*").parent.parent.name,)
    whole, half = builder.cache / name, builder.cache / f".{name}.tmp"
    whole.rename(half)
    (half / "left").touch()
    assert builder.build("h5py==3.14.*") == whole / "bin" / "python"
    assert builder.kept == [name]
    assert not (whole / "left").exists()


@pytest.mark.parametrize("content", ["[project", "[project]\nname = 'x'\n"])
def test_a_project_without_dependencies_to_read_is_an_error(builder: Builder, content: str) -> None:
    (builder.project / "pyproject.toml").write_text(content, encoding="utf-8")
    with pytest.raises(BuildError, match=r"pyproject.toml: .*expected the project's dependencies"):
        builder.build("h5py")


def test_a_requirements_file_that_is_not_there_is_an_error(builder: Builder, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"missing.txt.*expected readable requirements"):
        builder.build(files=(tmp_path / "missing.txt",))


def test_a_cache_that_cannot_be_written_is_an_error(builder: Builder) -> None:
    builder.cache.write_text("a file in its place", encoding="utf-8")
    with pytest.raises(BuildError, match="expected readable requirements and a cache that can be written"):
        builder.build("h5py")


def test_without_uv_a_python_that_is_not_installed_is_an_error(builder: Builder) -> None:
    (builder.programs / "uv").unlink()
    with pytest.raises(BuildError, match=r"found no python3.99, expected it on the PATH; install it, or install uv"):
        builder.build(python="3.99")


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "cifar-benchmarks" / "environments"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_cache() == tmp_path / "home" / ".cache" / "cifar-benchmarks" / "environments"


def test_packages_differ_by_version_or_are_on_one_side_alone() -> None:
    assert package_differences(
        {"keras": "3.14", "numpy": "2.1", "old": "1"}, {"keras": "3.15", "numpy": "2.1", "new": "2"}
    ) == [
        ("keras", "3.14", "3.15"),
        ("new", None, "2"),
        ("old", "1", None),
    ]
