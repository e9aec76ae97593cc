"""What an installation of the package changes for other projects in the same environment: nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[1]

OTHER_PROJECT = {
    "pytest.ini": "[pytest]\naddopts = --strict-markers\nmarkers =\n    property: of the other project\n",
    "benchmarks/__init__.py": "",
    "benchmarks/plugin.py": "def pytest_report_header():\n    return 'the other plugin'\n",
    "benchmarks/tools.py": "def speed():\n    return 3\n",
    "conftest.py": """
import pytest

pytest_plugins = ["benchmarks.plugin"]


def pytest_addoption(parser):
    for name in ("--gpu", "--resume", "--xla"):
        parser.addoption(name, action="store_true")
    for name in ("--seeds", "--dataset", "--run-dir", "--baselines", "--reason", "--update-golden"):
        parser.addoption(name, default="the other project's")
    parser.addini("run_dir", "the other project's", default="here")
    parser.addini("baselines", "the other project's", default="here")


@pytest.fixture
def experiment_name():
    return "the other project's"


@pytest.fixture(params=[7])
def seed(request):
    return request.param
""",
    "tests/test_other.py": """
import pytest
from benchmarks.tools import speed


@pytest.mark.property
def test_other(experiment_name, seed, request):
    assert (experiment_name, seed, speed()) == ("the other project's", 7, 3)
    assert request.config.getoption("seeds") == "the other project's"
    assert [mark.name for mark in request.node.iter_markers()] == ["property"]
""",
}


@pytest.fixture(scope="module")
def other_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a project that uses our names for other things."""
    project = tmp_path_factory.mktemp("other_project")
    for name, text in OTHER_PROJECT.items():
        file = project / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return project


def _session(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder, in this environment, without what this session sets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    return subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize("options", [(), ("-n", "2"), ("-m", ""), ("--gpu", "--seeds", "3", "--collect-only")])
def test_a_session_of_another_project_is_its_own(other_project: Path, options: tuple[str, ...]) -> None:
    if "--seeds" in options:
        ended = _session(other_project, *options)
        assert "1 test collected" in ended.stdout, ended.stdout + ended.stderr
    else:
        ended = _session(other_project, *options)
        assert "1 passed" in ended.stdout, ended.stdout + ended.stderr
    assert ended.returncode == 0
    assert "the other plugin" in ended.stdout
    assert "cifar" not in ended.stdout + ended.stderr


def test_another_project_sees_no_option_fixture_or_marker(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text("def test_nothing(): pass\n")
    for option in ("--help", "--markers", "--fixtures"):
        ended = _session(tmp_path, option)
        assert ended.returncode == 0
        words = ended.stdout.lower()
        assert not [word for word in ("cifar", "experiment", "--gpu", "night", "golden") if word in words], option


def test_the_installed_package_has_commands_and_no_pytest_plugin() -> None:
    entry_points = metadata.distribution("cifar-models").entry_points
    assert {(each.group, each.name) for each in entry_points} == {
        ("console_scripts", "cifar-models"),
        ("console_scripts", "cifar-benchmarks"),
    }
    for each in entry_points:
        assert callable(each.load())


def test_a_wheel_has_the_package_alone(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "cifar_models", "benchmarks", "tests"):
        (source / name).symlink_to(ROOT / name)
    build = f"from setuptools.build_meta import build_wheel; build_wheel({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True, timeout=300)  # noqa: S603
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert {name.partition("/")[0] for name in names} == {"cifar_models", "cifar_models-0.1.0.dist-info"}
    assert {name for name in names if name.endswith(".py")} == {
        str(path.relative_to(ROOT)) for path in (ROOT / "cifar_models").rglob("*.py")
    }
    # Without a checkout beside it, the benchmarks' command says what is missing.
    ended = subprocess.run(
        [sys.executable, "-c", "from cifar_models.command_line.benchmarks import main; main()", "plan"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"cifar-benchmarks: found no checkout at {tmp_path / 'site'}, expected an editable")


def test_the_command_of_the_benchmarks_runs_from_anywhere(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("cifar-benchmarks")
    ended = subprocess.run([script, "prune"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert ended.returncode == 2
    assert ended.stderr.startswith("python -m benchmarks prune: the following arguments are required: --keep")


UNRELATED = "tests/cifar_models/storage/test_strict_json.py"


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        ((), {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
        (("--import-mode=importlib",), {}),
        (("--rootdir=/",), {}),
    ],
    ids=str,
)
def test_the_checkout_loads_its_plugins_itself(options: tuple[str, ...], environment: dict[str, str]) -> None:
    ended = _session(ROOT, UNRELATED, "-k", "not_finite or nan", "--seeds=0", *options, **environment)
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert ended.stderr.strip() == "ERROR: --seeds: found 0, expected 1 or more"


def test_without_pytest_benchmark_there_is_no_session() -> None:
    ended = _session(ROOT, UNRELATED, "-p", "no:benchmark")
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert ended.stderr.strip() == (
        "ERROR: -p no:benchmark: found pytest-benchmark blocked, expected it; omit this option"
    )


def test_workers_ask_for_no_data_that_the_selected_tests_do_not_need(tmp_path: Path) -> None:
    options = ("-n", "1", "-m", "not browser", "-k", "nan", f"--data-dir={tmp_path}", f"--run-dir={tmp_path}")
    ended = _session(ROOT, *options, UNRELATED)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not list(tmp_path.iterdir()), "no night began"
