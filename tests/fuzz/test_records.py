"""Mutated baselines and records: what the file says or the project's own error, and never anything else."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.baselines.baseline import BaselineError, Baselines
from benchmarks.baselines.baselines_file import read_baselines, write_baselines
from benchmarks.inputs.resume import runs_to_take
from benchmarks.records.night_folder import (
    FORMAT,
    NIGHT_RECORD,
    BaselineMark,
    NightError,
    NightFolder,
    NightRecord,
    damaged_nights,
    nights,
    read_night,
)
from benchmarks.records.selection import WithoutRun
from benchmarks.records.trainings import Outcome
from cifar_models.results.run import RunError
from cifar_models.results.run_files import read_run, record_name
from cifar_models.storage.strict_json import to_json
from tests.factories import make_baseline, make_published, make_run, make_shard, make_verdict
from tests.fuzz.mutations import JSON_WORDS, a_thousand, mutated_bytes, mutated_json
from tests.fuzz.plain import parsed, same_json
from tests.fuzz.watch import Watch

pytestmark = pytest.mark.fuzz

NIGHT = NightRecord(
    "synthetic",
    "sha256:data",
    "2025-01-31T02:00:00+00:00",
    verdicts=[make_verdict()],
    problems={"improved_cnn": "why not"},
    baselines={"simple_cnn": BaselineMark("measured", "2025-01-31", "the first", "sha256:first")},
    shard=make_shard(3, without_run=[WithoutRun("simple_cnn", 1000, Outcome.FAILED, "ValueError")]),
)
BASELINES: Baselines = {
    "simple_cnn": {"synthetic": {"measured": make_baseline()}, "cifar10": {"published": make_published()}}
}


def _mutated(text: str) -> st.SearchStrategy[bytes]:
    return mutated_bytes(text.encode(), JSON_WORDS) | mutated_json(json.loads(text)).map(str.encode)


@a_thousand
@given(content=_mutated(make_run().to_json()))
def test_a_run_s_record(folder: Path, watch: Watch, content: bytes) -> None:
    path = folder / record_name("simple_cnn", "synthetic", 0)
    path.write_bytes(content)
    with watch:
        taken, notes = runs_to_take(folder, lambda _: "")
    try:
        with watch:
            run = read_run(path)
    except RunError as error:
        assert str(error).startswith(f"{path}: ")
        assert (taken, notes) == ({}, [f"ignored, and trained again: {error}"])
        return
    assert same_json(parsed(run.to_json().encode()), parsed(content))
    assert (taken, notes) == ({(run.experiment, run.seed): run}, [])


@a_thousand
@given(content=_mutated(to_json({"format": FORMAT, **dataclasses.asdict(NIGHT)})))
def test_a_night_s_record(folder: Path, watch: Watch, content: bytes) -> None:
    night = folder / "runs" / "a night"
    night.mkdir(parents=True, exist_ok=True)
    (night / NIGHT_RECORD).write_bytes(content)
    with watch:
        found, damaged = list(nights(night.parent)), [str(error) for error in damaged_nights(night.parent)]
    resumed = NightFolder.resume(night.parent, NIGHT, 0)
    if resumed is not None:
        resumed.close()
    try:
        with watch:
            record = read_night(night)
    except NightError as error:
        assert str(error).startswith(f"{night / NIGHT_RECORD}: ")
        assert (found, damaged, resumed) == ([], [str(error)], None)
        return
    assert same_json(parsed(to_json({"format": FORMAT, **dataclasses.asdict(record)}).encode()), parsed(content))
    assert (found, damaged) == ([(night, record)], [])
    same = (record.dataset, record.data, record.part) == (NIGHT.dataset, NIGHT.data, NIGHT.part)
    goes_on = record.ended is None and same
    assert (resumed is not None) == goes_on


@pytest.fixture(scope="module")
def baselines_text(folder: Path) -> str:
    write_baselines(folder / "baselines.json", BASELINES)
    return (folder / "baselines.json").read_text(encoding="utf-8")


@a_thousand
@given(data=st.data())
def test_the_baselines(folder: Path, watch: Watch, baselines_text: str, data: st.DataObject) -> None:
    path = folder / "baselines.json"
    content = data.draw(_mutated(baselines_text))
    path.write_bytes(content)
    try:
        with watch:
            baselines = read_baselines(path)
    except BaselineError as error:
        assert str(error).startswith(f"{path}: ")
        assert "restore it from version control" in str(error)
        return
    write_baselines(path, baselines)
    assert same_json(parsed(path.read_bytes()), parsed(content))
