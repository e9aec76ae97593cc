"""The folder of a comparison: a night and its baselines, for whatever reads those."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

import pytest

from benchmarks.baselines.baselines_file import read_baselines
from benchmarks.comparison import records
from benchmarks.comparison.comparison import Comparison
from benchmarks.comparison.records import ComparisonFolder
from benchmarks.judging.night_results import read_night_results
from benchmarks.records.night_folder import read_night
from benchmarks.report.page import write_page
from benchmarks.statistics.word import Word
from cifar_models.results.run import Run
from cifar_models.results.run_files import write_run
from tests.benchmarks.comparison.test_comparison import Train, barely_other, compare, like

pytestmark = pytest.mark.unit


def _kept(folder: ComparisonFolder, a: Train, b: Train, *names: str) -> Comparison:
    """Compare, and record the runs as the sides do."""
    comparison = compare(a, b, *names, seeds=3, max_seeds=3).comparison
    for pairs in comparison.pairs.values():
        for pair in pairs:
            write_run(folder.a, pair.a)
            write_run(folder.b, pair.b)
    return comparison


def test_what_it_came_to_is_read_again_as_it_was(tmp_path: Path) -> None:
    folder = ComparisonFolder(tmp_path)

    def b(name: str, seed: int) -> Run:
        return (worse if name == "simple_cnn" else like())(name, seed)

    worse = like("resnet50_frozen")
    comparison = _kept(folder, like(), b, "simple_cnn", "vgg16_frozen")
    results, baselines = folder.results(comparison, data="sha256:data")
    folder.write(comparison, results, baselines)
    assert [(one.experiment, one.word) for one in results.experiments] == [
        ("simple_cnn", Word.REGRESSION),
        ("vgg16_frozen", Word.PASS),
    ]
    assert results.notes == ["vgg16_frozen: both sides are identical, to the last digit, with 2 seeds."]
    again = read_night_results(folder.b, read_baselines(folder.baselines), folder.a)
    first, second = again.experiments
    assert [(one.verdicts, one.recorded, one.runs) for one in again.experiments] == [
        (one.verdicts, one.recorded, one.runs) for one in results.experiments
    ]
    assert [run.seed for run in first.recorded] == [0, 1, 2]
    assert (second.baseline, [exact.identical for exact in second.exact]) == (None, [True, True])
    assert read_night(folder.b).ended is not None


def test_the_page_of_nights_shows_it(tmp_path: Path) -> None:
    folder = ComparisonFolder(tmp_path)
    comparison = _kept(folder, like(), like("resnet50_frozen"))
    folder.write(comparison, *folder.results(comparison, data="sha256:data"))
    page = write_page(folder.b, read_baselines(folder.baselines), folder.a, tmp_path / "page")
    text = page.read_text(encoding="utf-8")
    assert "is a regression" in text
    assert "side A of a comparison" in text


def test_a_baseline_is_what_the_verdicts_used(tmp_path: Path) -> None:
    folder = ComparisonFolder(tmp_path)
    comparison = _kept(folder, like(), barely_other)
    comparison.pairs["simple_cnn"] += [
        dataclasses.replace(pair, a=dataclasses.replace(pair.a, seed=9)) for pair in comparison.pairs["simple_cnn"][:1]
    ]
    _, baselines = folder.results(comparison, data="sha256:data")
    assert baselines["simple_cnn"]["synthetic"]["measured"].seeds == [0, 1, 2]


def test_why_it_stopped_is_a_note(tmp_path: Path) -> None:
    folder = ComparisonFolder(tmp_path)
    comparison = _kept(folder, like(), barely_other)
    comparison.stopped = "the time is up"
    assert folder.results(comparison, data="sha256:data")[0].notes == ["the time is up"]


class TestTheFolder:
    def test_is_a_new_one_even_within_a_second(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(records, "_now", lambda: datetime.datetime(2026, 1, 31, 2, tzinfo=datetime.UTC))
        names = [ComparisonFolder(tmp_path / "new").path.name for _ in range(3)]
        assert names == ["2026-01-31T02-00-00Z", "2026-01-31T02-00-00Z-2", "2026-01-31T02-00-00Z-3"]

    def test_is_removed_where_nothing_was_recorded(self, tmp_path: Path) -> None:
        with ComparisonFolder(tmp_path) as folder:
            assert folder.a.is_dir()
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("side", ["a", "b"])
    def test_stays_with_the_runs_of_one_side(self, tmp_path: Path, side: str) -> None:
        with ComparisonFolder(tmp_path) as folder:
            record = getattr(folder, side) / "a record"
            record.touch()
        assert record.exists()
