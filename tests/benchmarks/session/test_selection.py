"""Which experiments a session can select, and which sessions with workers begin a night, which asks for data."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from benchmarks.session.selection import experiment_names, left_out
from benchmarks.session.workers import _selects_benchmark
from cifar_models.experiments import EXPERIMENTS, left_out_by_nights

pytestmark = pytest.mark.unit

TRAININGS = "benchmarks/test_training.py"


@pytest.mark.parametrize(
    ("words", "selects"),
    [
        ("", False),
        ("-m benchmark", True),
        ("-m benchmark --collect-only", False),
        ("-m unit", False),
        ("-m 'not browser'", True),
        ("-m 'not browser' tests", False),
        ("-m 'not browser' tests/test_other.py::test_it", False),
        ("-m 'not browser' tests benchmarks", True),
        (f"-m 'not browser' {TRAININGS}", True),
        (f"-m 'not browser' {TRAININGS}::test_verdict", True),
        ("-m benchmark .", True),
        ("-m 'not browser' benchmarks/test_other.py", False),
        ("-m benchmark -k vgg16_frozen", True),
        ("-m benchmark -k 'test_verdict and not vgg16'", True),
        ("-m benchmark -k seed2 --first-seed 0", True),
        ("-m benchmark -k seed20 --first-seed 0", False),
        ("-m benchmark -k seed20 --first-seed 0 --seeds 21", True),
        ("-m 'not browser' -k test_imports", False),
        ("-m 'not browser' -k 'not frozen'", True),
        ("-m benchmark -k 'frozen and cnn'", False),
        ("-m benchmark -k vgg16_matched", True),
        ("-m benchmark -k 'vgg16_matched and cnn'", False),
    ],
)
def test_only_what_selects_a_training_or_a_verdict_begins_a_night(
    pytester: pytest.Pytester, words: str, selects: bool
) -> None:
    shutil.copy(Path(__file__).parents[3] / "pyproject.toml", pytester.path)
    for file in (TRAININGS, "benchmarks/test_other.py", "tests/test_other.py"):
        (pytester.path / file).parent.mkdir(exist_ok=True)
        (pytester.path / file).touch()
    config = pytester.parseconfig("-p", "benchmarks.plugin", "-n", "2", *shlex.split(words))
    assert _selects_benchmark(config) == selects


def test_a_link_to_the_file_and_a_module_s_name_begin_a_night_too(pytester: pytest.Pytester) -> None:
    shutil.copy(Path(__file__).parents[3] / "pyproject.toml", pytester.path)
    (pytester.path / TRAININGS).parent.mkdir()
    (pytester.path / TRAININGS).touch()
    link = pytester.path.parent / f"{pytester.path.name}-link"
    link.symlink_to(pytester.path, target_is_directory=True)
    for words in ([str(link / TRAININGS)], [str(link)], ["--pyargs", "benchmarks.test_training"]):
        assert _selects_benchmark(pytester.parseconfig("-p", "benchmarks.plugin", "-m", "benchmark", "-n", "2", *words))


MATCHED = ["vgg16_matched", "vgg16_matched_finetuned", "resnet50_matched", "resnet50_matched_finetuned"]


@pytest.mark.parametrize(
    ("words", "asked_for"),
    [
        ("", []),
        ("--all-experiments", left_out_by_nights("synthetic")),
        ("-k vgg16_matched", MATCHED[:2]),
        ("-k VGG16_Matched", MATCHED[:2]),
        ("-k 'matched and not finetuned'", MATCHED),  # of which pytest then deselects some
        ("-k 'simple_cnn or resnet50_matched'", MATCHED[2:]),
        ("-k resnet50_matched_f", MATCHED[3:]),
        ("--xla -k vgg16_matched_finetuned+xla", MATCHED[1:2]),
        (f"{TRAININGS}::test_trains[resnet50_matched_finetuned-seed0]", MATCHED[2:]),
        # What a usual experiment's name has too, or every test's, names none of the others.
        ("-k vgg16", []),
        ("-k 'not finetuned'", []),
        ("-k 'seed0 and test_trains'", []),
        ("-k cnn", []),
        (f"{TRAININGS}::test_trains[vgg16_frozen-seed0]", []),
    ],
)
def test_what_nights_leave_out_can_be_selected_by_its_name_or_with_all(
    pytester: pytest.Pytester, words: str, asked_for: list[str]
) -> None:
    shutil.copy(Path(__file__).parents[3] / "pyproject.toml", pytester.path)
    (pytester.path / "benchmarks").mkdir()
    (pytester.path / TRAININGS).touch()
    config = pytester.parseconfig("-p", "benchmarks.plugin", "--dataset", "synthetic", *shlex.split(words))
    names = [name.removesuffix("+xla") for name in experiment_names(config)]
    usual = [name for name in EXPERIMENTS if name not in left_out_by_nights("synthetic")]
    assert names == [name for name in EXPERIMENTS if name in usual or name in asked_for]
    assert [name.removesuffix("+xla") for name in left_out(config)] == [
        name for name in EXPERIMENTS if name not in names
    ]
