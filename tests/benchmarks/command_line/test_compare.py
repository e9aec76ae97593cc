"""``compare`` as a user sees it, in tiny repositories whose trainings take no time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import pytest

from benchmarks.baselines.baselines_file import read_baselines
from benchmarks.command_line.arguments import today
from benchmarks.judging.night_results import read_night_results
from benchmarks.statistics.seeds import first_seed_of
from benchmarks.statistics.word import Word
from cifar_models.results.run_files import read_run
from tests.benchmarks.sides.conftest import project
from tests.benchmarks.sides.projects import RECORDS, Project
from tests.cifar_models.command_line.conftest import Command

pytestmark = pytest.mark.unit

__all__ = ["project"]

SIMPLE = ("--dataset", "synthetic", "-k", "simple_cnn", "--first-seed", "0")
SIX = ("--seeds", "6")
COMPARISONS = Path("runs/comparisons")


@pytest.fixture
def compare(in_the_project: Callable[[str], Command]) -> Command:
    return in_the_project("compare")


def _only_comparison() -> Path:
    (folder,) = COMPARISONS.iterdir()
    return folder


def _mean(name: str) -> float:
    """Return the mean accuracy of the first six recorded runs."""
    return fmean(read_run(RECORDS / f"{name}.synthetic.seed{seed}.json").accuracy for seed in range(6))


def test_a_branch_without_an_effect_is_identical_and_passes(compare: Command, project: Project) -> None:
    project.write("cifar_models/notes.py", "nothing that trains")
    ended = compare("main", "--dataset", "synthetic", "--first-seed", "0")
    assert ended.status == 0, ended.error
    lines = ended.output.splitlines()
    commit = project.git("rev-parse", "--short=10", "HEAD")
    assert lines[0] == f"A: main, {commit}; the current environment"
    assert lines[1] == f"B: the working tree, {commit} with changes; the current environment"
    assert [line.split()[-1] for line in lines if line.startswith(("simple_cnn    0 ", "vgg16_frozen  1 "))] == [
        "identical",
        "identical",
    ]
    assert "simple_cnn: both sides are identical, to the last digit, with 2 seeds." in lines
    assert "All 2 experiments pass." in lines


def test_a_branch_that_trains_worse_fails_and_says_since_when(compare: Command, project: Project) -> None:
    project.replace('SOURCE = ""', 'SOURCE = "resnet50_frozen"')
    ended = compare("main", *SIMPLE, *SIX)
    assert ended.status == 1, ended.error
    assert "differ since epoch 1 (loss)" in ended.output
    assert f"simple_cnn: regression\n  Accuracy {_mean('resnet50_frozen'):.4f} (mean of 6 runs" in ended.output
    assert re.search(r"simple_cnn: backbone +None +resnet50", ended.output)
    accuracy = next(line.split() for line in ended.output.splitlines() if line.startswith("simple_cnn    accuracy"))
    assert accuracy[1:5] == [
        "accuracy",
        f"{_mean('simple_cnn'):.4f}",
        f"{_mean('resnet50_frozen'):.4f}",
        "6",
    ]
    assert accuracy[7:] == ["t-test", *accuracy[8:10], "regression"]


def test_the_first_epoch_that_differs_may_be_a_later_one(compare: Command, project: Project) -> None:
    project.fault("run['curves']['val_loss'][3] += 1e-9")
    ended = compare("main", *SIMPLE, "--seeds", 3)
    assert ended.status == 0
    assert "differ since epoch 4 (val_loss)" in ended.output


def test_a_branch_that_trains_better_is_stale(compare: Command, project: Project) -> None:
    project.replace('SOURCE = ""', 'SOURCE = "resnet50_frozen"')
    project.commit()
    project.replace('SOURCE = "resnet50_frozen"', 'SOURCE = ""')
    assert compare("main", *SIMPLE, *SIX).status == 10


def test_two_commits_are_compared_in_their_order(compare: Command, project: Project) -> None:
    project.git("tag", "good")
    project.replace('SOURCE = ""', 'SOURCE = "resnet50_frozen"')
    project.commit()
    project.write("cifar_models/experiments.py", "a working tree that nobody trains")
    assert compare("good", "main", *SIMPLE, *SIX).status == 1
    assert compare("main", "good", *SIMPLE, *SIX).status == 10


def test_its_records_are_a_night_and_its_baselines(compare: Command, project: Project) -> None:
    project.replace('SOURCE = ""', 'SOURCE = "resnet50_frozen"')
    ended = compare("main", *SIMPLE, *SIX)
    folder = _only_comparison()
    page = f"python -m benchmarks page {folder}/night --baselines {folder}/baselines.json"
    assert f"records: {folder}; {page} draws them" in ended.output
    results = read_night_results(folder / "night", read_baselines(folder / "baselines.json"), folder / "baseline_runs")
    (result,) = results.experiments
    assert result.word == Word.REGRESSION
    assert len(result.runs) == len(result.recorded) == 6
    assert fmean(run.accuracy for run in result.recorded) == _mean("simple_cnn")
    assert fmean(run.accuracy for run in result.runs) == _mean("resnet50_frozen")


def test_new_seeds_of_the_day_are_trained_unless_told(compare: Command) -> None:
    compare("main", *SIMPLE[:4], "--seeds", 3)
    kept = sorted(path.name for path in (_only_comparison() / "night").glob("*.json"))
    first = first_seed_of(today())
    assert kept == ["night.json", *(f"simple_cnn.synthetic.seed{first + number}.json" for number in range(2))]


def test_the_summary_is_markdown_for_a_pull_request(compare: Command, project: Project, tmp_path: Path) -> None:
    project.replace('SOURCE = ""', 'SOURCE = "resnet50_frozen"')
    ended = compare("main", *SIMPLE, *SIX, "--summary", tmp_path / "summary.md")
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert f"summary: {tmp_path / 'summary.md'}" in ended.output
    assert text.startswith("## simple\\_cnn is a regression")
    assert "A is the baseline, B is today. A: main, " in text
    assert f"| simple\\_cnn | ▼ regression | {_mean('resnet50_frozen'):.4f} \\(-0." in text
    assert "- simple\\_cnn: backbone: None to resnet50" in text
    assert len(text) < 10_000


def test_a_summary_that_cannot_be_written_is_said_and_not_passed_over(compare: Command, tmp_path: Path) -> None:
    ended = compare("main", *SIMPLE, *SIX, "--summary", tmp_path / "missing" / "summary.md")
    assert ended.status == 125
    assert "summary: could not be written" in ended.output


def test_a_side_that_cannot_train_is_one_line_and_the_summary_says_it(
    compare: Command, project: Project, tmp_path: Path
) -> None:
    project.write("cifar_models/experiments.py", "def unfinished(")
    ended = compare("main", *SIMPLE, *SIX, "--summary", tmp_path / "summary.md")
    assert ended.status == 125
    assert ended.error.startswith("python -m benchmarks: B (the working tree, ")
    assert "cannot train: SyntaxError: " in ended.error
    assert ended.error.count("\n") == 1
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("## Not compared\n\nB \\(the working tree")
    assert list(COMPARISONS.iterdir()) == []


def test_a_side_that_is_killed_keeps_what_was_trained(compare: Command, project: Project) -> None:
    project.fault(
        "run['curves']['loss'][0] = 0.0\n"
        "if experiment == 'vgg16_frozen' and seed == 1:\n"
        "    import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = compare("main", "--dataset", "synthetic", "--first-seed", "0", *SIX)
    assert ended.status == 125
    assert "simple_cnn    accuracy" in ended.output
    sentence = "ended in vgg16_frozen seed 1: killed by SIGKILL, perhaps for lack of memory"
    assert sentence in next(line for line in ended.output.splitlines() if line.startswith("vgg16_frozen: not judged"))
    folder = _only_comparison()
    assert len(list((folder / "night").glob("vgg16_frozen.*"))) == 1
    assert len(list((folder / "night").glob("simple_cnn.*"))) == 6


def test_a_training_of_b_that_diverges_fails(compare: Command, project: Project) -> None:
    project.fault("raise TrainingDiverged('the loss is nan')")
    ended = compare("main", *SIMPLE, *SIX)
    assert ended.status == 1
    assert "simple_cnn: not judged: B (the working tree" in ended.output


def test_a_training_of_a_that_diverges_is_not_judged(compare: Command, project: Project) -> None:
    project.git("tag", "good")
    project.fault("raise TrainingDiverged('the loss is nan')")
    project.commit()
    assert compare("main", "good", *SIMPLE, *SIX).status == 125


def test_minutes_leave_what_does_not_fit_unjudged(compare: Command, project: Project) -> None:
    project.fault("run['curves']['loss'][0] = 0.0")
    ended = compare("main", *SIMPLE, *SIX, "--minutes", "1e-9")
    assert ended.status == 125
    assert "0 of 6 seeds were trained; no further training fits into --minutes 1e-09" in ended.output


def test_an_experiment_that_is_new_is_left_out(compare: Command, project: Project) -> None:
    project.replace('NAMES = ["simple_cnn", ', 'NAMES = ["simple_cnn", "new", ', "cifar_models/experiments.py")
    ended = compare("main", "--dataset", "synthetic", "--first-seed", "0")
    assert ended.status == 0
    assert "All 2 experiments pass." in ended.output


def test_a_variant_of_each_experiment_is_trained_where_asked(compare: Command) -> None:
    assert compare("main", *SIMPLE, *SIX, "--xla", "--mixed-precision").status == 0
    assert len(list(_only_comparison().glob("*/simple_cnn+mixed_float16+xla.synthetic.seed*.json"))) == 4


def test_an_environment_is_side_bs(compare: Command, tmp_path: Path) -> None:
    listed = tmp_path / "listed.txt"
    ended = compare("--requirement", "x==1", "-r", listed, "--python", "3.13", *SIMPLE)
    assert ended.status == 2
    assert (
        f"B: the working tree, {ended.output.split('B: the working tree, ')[1][:10]}; x==1, {listed}, Python 3.13"
        in (ended.output)
    )
    assert f"environment with x==1, {listed}, Python 3.13: found " in ended.error


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("nothing", *SIMPLE), "nothing: found no such commit in"),
        (("main", *SIMPLE, "-k", "other"), "-k: found no matching experiment that both sides have"),
        (("main", *SIMPLE, "--output", "pyproject.toml"), "pyproject.toml"),
    ],
)
def test_what_the_user_can_put_right_is_one_line(compare: Command, words: tuple[object, ...], found: str) -> None:
    ended = compare(*words)
    assert ended.status == 2
    assert found in ended.error
    assert ended.error.count("\n") == 1


def test_the_record_of_an_identical_experiment_says_so(compare: Command) -> None:
    compare("main", *SIMPLE, *SIX)
    record = json.loads((_only_comparison() / "night" / "night.json").read_text(encoding="utf-8"))
    assert [(exact["seed"], exact["what"]) for exact in record["exact"]] == [(0, None), (1, None)]
    assert {verdict["rule"] for verdict in record["verdicts"]} == {"identical"}
