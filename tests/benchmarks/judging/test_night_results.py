"""What a night found, read from its folder alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from benchmarks.baselines.baseline import Baselines
from benchmarks.judging.night_results import read_night_results
from benchmarks.records.exact import Exact
from benchmarks.records.night_folder import BaselineMark, NightError, NightFolder, NightRecord
from benchmarks.statistics.verdict import Verdict
from cifar_models.results.run_files import read_run, record_name, write_run
from tests.factories import DIFFERS, DRIFT, make_baseline, make_run, make_verdict

pytestmark = pytest.mark.unit

BASELINE = make_baseline(accuracy=(0.7,) * 3)
BASELINES: Baselines = {"simple_cnn": {"synthetic": {"measured": BASELINE}}}
NIGHT = NightRecord("synthetic", "sha256:data", "2026-01-31T02:00:00+00:00", "2026-01-31T03:00:00+00:00")


def _verdict(metric: str = "accuracy", word: str = "pass", name: str = "simple_cnn") -> Verdict:
    return make_verdict(metric, word, experiment=name)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    folder = tmp_path / "baseline_runs"
    for seed in range(3):
        write_run(folder, make_run(seed=seed))
    return folder


def _folder(tmp_path: Path, *verdicts: Verdict, names: tuple[str, ...] = ("simple_cnn",), **changed: Any) -> Path:
    marks = {verdict.experiment: BaselineMark.of(BASELINE) for verdict in verdicts}
    folder = NightFolder.start(
        tmp_path / "runs",
        dataclasses.replace(NIGHT, **({"verdicts": list(verdicts), "baselines": marks} | changed)),
    )
    for name in names:
        write_run(folder.path, make_run(name, accuracy=0.6))
    folder.close()
    return folder.path


def test_a_judged_experiment_has_its_runs_verdicts_and_the_baseline_s_runs(tmp_path: Path, records: Path) -> None:
    found = read_night_results(_folder(tmp_path, _verdict(), _verdict("gap", "stale")), BASELINES, records)
    (result,) = found.experiments
    assert [run.accuracy for run in result.runs] == [0.6]
    assert [run.accuracy for run in result.recorded] == [0.7] * 3
    assert (result.baseline, result.mark, result.problem) == (BASELINE, BaselineMark.of(BASELINE), "")
    assert result.verdict("gap") == _verdict("gap", "stale")
    assert result.verdict("no metric") is None
    assert result.failed == [_verdict("gap", "stale")]
    assert found.notes == []


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "undecided"], "undecided"),
        (["stale", "undecided"], "stale"),
        (["stale", "regression", "pass"], "regression"),
    ],
)
def test_an_experiment_s_word_is_its_most_urgent_verdict(
    tmp_path: Path, records: Path, words: list[str], word: str
) -> None:
    verdicts = [_verdict(f"F1 of {number}", each) for number, each in enumerate(words)]
    (result,) = read_night_results(_folder(tmp_path, *verdicts), BASELINES, records).experiments
    assert result.word == word


def test_the_most_urgent_experiment_comes_first_and_equals_keep_the_night_s_order(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        _verdict(name="one"),
        _verdict(word="stale", name="two"),
        _verdict(name="three"),
        problems={"four": "why"},
        names=("one", "two", "three"),
    )
    found = read_night_results(folder, {}, tmp_path)
    assert [(one.experiment, one.word) for one in found.experiments] == [
        ("two", "stale"),
        ("four", "not judged"),
        ("one", "pass"),
        ("three", "pass"),
    ]
    assert found.experiments[1].problem == "why"


def test_a_baseline_that_was_changed_since_does_not_stand_for_the_night_s(tmp_path: Path, records: Path) -> None:
    changed = {"simple_cnn": {"synthetic": {"measured": dataclasses.replace(BASELINE, reason="another optimizer")}}}
    found = read_night_results(_folder(tmp_path, _verdict()), changed, records)
    (result,) = found.experiments
    assert (result.baseline, result.recorded) == (None, [])
    assert found.notes == [
        "simple_cnn was compared with the baseline of 2025-01-31 (the first), which is no longer in the baselines "
        "file, so it is not shown."
    ]


def test_drifts_and_the_exact_lane_belong_to_their_experiments_and_make_their_words(tmp_path: Path) -> None:
    names = ("same", "apart", "drifts")
    folder = _folder(
        tmp_path,
        *(_verdict(name=name) for name in names),
        exact=[Exact("same", 0), dataclasses.replace(DIFFERS, experiment="apart")],
        drifts=[dataclasses.replace(DRIFT, experiment="drifts")],
        names=names,
        must_be_identical=True,
    )
    found = read_night_results(folder, {}, tmp_path).experiments
    assert [(one.experiment, one.word, len(one.exact), len(one.drifts)) for one in found] == [
        ("drifts", "regression", 0, 1),
        ("apart", "not identical", 1, 0),
        ("same", "pass", 1, 0),
    ]


def test_a_pass_with_a_run_that_is_not_identical_comes_before_other_passes(tmp_path: Path) -> None:
    names = ("same", "apart")
    exact = [dataclasses.replace(DIFFERS, experiment="apart")]
    folder = _folder(tmp_path, *(_verdict(name=name) for name in names), exact=exact, names=names)
    found = read_night_results(folder, {}, tmp_path).experiments
    assert [(one.experiment, one.word) for one in found] == [("apart", "pass"), ("same", "pass")]


def test_an_interrupted_night_says_so_and_its_experiments_are_not_judged(tmp_path: Path, records: Path) -> None:
    found = read_night_results(_folder(tmp_path, ended=None), BASELINES, records)
    (result,) = found.experiments
    assert (result.word, result.problem) == ("not judged", "the night reached no verdict")
    assert result.baseline == BASELINE
    assert found.notes == ["The night was interrupted, or has not ended yet."]


def test_a_damaged_record_is_said_and_left_out(tmp_path: Path, records: Path) -> None:
    folder = _folder(tmp_path, _verdict())
    (folder / "simple_cnn.synthetic.seed7.json").write_text("{", encoding="utf-8")
    found = read_night_results(folder, BASELINES, records)
    assert len(found.experiments[0].runs) == 1
    (note,) = found.notes
    assert note.startswith("A run's record cannot be used: ")
    assert "seed7.json" in note


def test_a_folder_that_is_no_night_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NightError, match=r"night\.json"):
        read_night_results(tmp_path, BASELINES, tmp_path)


@pytest.mark.parametrize("flaw", ["none", "missing", "damaged", "other fingerprints", "other values"])
def test_the_baseline_s_own_runs_are_there_whole_or_not_at_all(tmp_path: Path, records: Path, flaw: str) -> None:
    file = records / record_name("simple_cnn", "synthetic", 1)
    run = read_run(file)
    if flaw == "missing":
        file.unlink()
    if flaw == "damaged":
        file.write_text("{", encoding="utf-8")
    if flaw == "other fingerprints":
        write_run(records, dataclasses.replace(run, fingerprints=dataclasses.replace(run.fingerprints, data="other")))
    if flaw == "other values":
        write_run(records, dataclasses.replace(run, evaluation=dataclasses.replace(run.evaluation, accuracy=0.71)))
    (result,) = read_night_results(_folder(tmp_path, _verdict()), BASELINES, records).experiments
    assert [one.seed for one in result.recorded] == ([0, 1, 2] if flaw == "none" else [])


def test_another_update_on_the_same_day_with_the_same_reason_is_another_baseline(tmp_path: Path, records: Path) -> None:
    folder = _folder(tmp_path, _verdict())
    other = make_baseline(accuracy=(0.7, 0.7, 0.71))
    (result,) = read_night_results(folder, {"simple_cnn": {"synthetic": {"measured": other}}}, records).experiments
    assert result.baseline is None
