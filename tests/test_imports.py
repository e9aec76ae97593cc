"""What imports what: the sources are read, not run."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_name(path): path for package in ("cifar_models", "benchmarks") for path in (ROOT / package).rglob("*.py")}


def _imports(tree: ast.AST, *, at_import: bool) -> Iterator[str]:
    """Yield the dotted names that a source imports: everywhere, or only where importing it runs them.

    ``from a import b`` yields ``a`` and ``a.b``, as ``b`` may be a module.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not looked at here"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif at_import and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        elif at_import and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from _imports(ast.Module(node.orelse, []), at_import=True)
        else:
            yield from _imports(node, at_import=at_import)


@cache
def _imported(module: str, *, at_import: bool = False) -> set[str]:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    return set(_imports(tree, at_import=at_import))


def _packages(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def _loaded_with(module: str) -> set[str]:
    """Return all that importing a module loads, by way of this repository's modules."""
    loaded: set[str] = set()
    pending = {module}
    while pending:
        name = pending.pop()
        loaded.add(name)
        if name in MODULES:
            parents = {name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)}
            pending |= (_imported(name, at_import=True) | parents) - loaded
    return loaded


def test_the_scan_sees_every_kind_of_import() -> None:
    source = """
import a.b, c as d
from e.f import g
if TYPE_CHECKING:
    import h
else:
    import i
def function():
    import j
class Class:
    import k
try:
    import m
except ImportError:
    from n import o
"""
    everywhere = {"a.b", "c", "e.f", "e.f.g", "h", "i", "j", "k", "m", "n", "n.o"}
    assert set(_imports(ast.parse(source), at_import=False)) == everywhere
    assert set(_imports(ast.parse(source), at_import=True)) == everywhere - {"h", "j"}


def test_the_scan_follows_imports_through_the_repository() -> None:
    assert {"cifar_models.models.builders", "keras"} <= _loaded_with("cifar_models.models.pretrained")


def test_rooms_import_what_is_below_them_and_no_module_imports_itself_by_way_of_others() -> None:
    # In a process of its own: the linter sets up logging and sys.path.
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 broken" in ended.stdout


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_at_most_400_lines(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 400


WITH_PYTEST = {
    "benchmarks.plugin",
    "benchmarks.comparison.selection",  # pytest's own -k
    *(f"benchmarks.session.{name}" for name in ("items", "night_session", "options", "selection", "workers")),
    "benchmarks.shards.selected",
}


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("benchmarks")])
def test_only_the_plugin_and_the_benchmarks_themselves_import_pytest(module: str) -> None:
    stem = module.rpartition(".")[2]
    if module not in WITH_PYTEST and not stem.startswith("test_"):
        assert not _packages(_imported(module)) & {"pytest", "_pytest"}


# These train, or look at pretrained weights: the plugin imports them only when a night starts.
WITH_TENSORFLOW = {
    f"benchmarks.{name}"
    for name in (
        "inputs.loaded_inputs",
        "night.training",
        "session.night_session",
        "baselines.published_entries",
        "test_throughput",
    )
}
LIGHT = [
    *(name for name in MODULES if name.startswith(("benchmarks", "cifar_models.datasets", "cifar_models.results"))),
    *(name for name in MODULES if name.startswith(("cifar_models.command_line", "cifar_models.figures"))),
    *(f"cifar_models.{name}" for name in ("__main__", "experiments", "storage.fingerprint", "training.live_line")),
]


@pytest.mark.parametrize("module", LIGHT)
def test_data_sets_records_and_judges_load_no_tensorflow(module: str) -> None:
    heavy = bool(_packages(_loaded_with(module)) & {"tensorflow", "keras"})
    assert heavy == (module in WITH_TENSORFLOW), "the list of exceptions names no module that is none"


@pytest.mark.parametrize(
    "command",
    [
        "cifar_models.command_line.compare",
        "cifar_models.command_line.list_experiments",
        "benchmarks.command_line.judge",
    ],
)
def test_commands_that_only_read_load_no_tensorflow_when_they_run(command: str) -> None:
    run = _imported(command) | _imported("cifar_models.command_line.output")
    assert not _packages(set().union(*map(_loaded_with, run))) & {"tensorflow", "keras"}


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("cifar_models")])
def test_only_figures_load_matplotlib_and_with_it_only_what_draws(module: str) -> None:
    assert ("matplotlib" in _packages(_loaded_with(module))) == module.startswith("cifar_models.figures.")
    assert "matplotlib.pyplot" not in _imported(module)


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("benchmarks")])
def test_no_benchmark_loads_tensorflow_on_its_own_account(module: str) -> None:
    assert not _packages(_imported(module, at_import=True)) & {"tensorflow", "keras"}


STATISTICS = {name for name in MODULES if name.startswith("benchmarks.statistics.")}


@pytest.mark.parametrize("module", sorted(STATISTICS))
def test_the_statistics_load_numpy_and_scipy_alone_beside_each_other(module: str) -> None:
    loaded = _loaded_with(module)
    assert loaded & MODULES.keys() <= STATISTICS | {"benchmarks", "benchmarks.statistics"}
    assert _packages(loaded) - sys.stdlib_module_names <= {"benchmarks", "numpy", "scipy"}
