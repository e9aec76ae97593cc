"""Which records of an interrupted night can replace trainings of tonight."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from benchmarks.inputs.resume import difference_from, runs_to_take
from benchmarks.records.night_folder import NIGHT_RECORD
from cifar_models.results.environment import Environment
from cifar_models.results.run import Fingerprints, Run
from cifar_models.results.run_files import write_run
from tests.factories import CODE, ENVIRONMENT, FINGERPRINTS, make_run

pytestmark = pytest.mark.unit


def _difference(run: Run) -> str:
    return difference_from(run, fingerprints=FINGERPRINTS, code=CODE, environment=ENVIRONMENT)


def _with(field: str, **changes: Any) -> Run:
    run = make_run()
    return dataclasses.replace(run, **{field: dataclasses.replace(getattr(run, field), **changes)})


def test_a_run_of_the_same_training_is_told_apart_by_nothing() -> None:
    assert _difference(make_run()) == ""
    assert _difference(make_run(seed=5, accuracy=0.1, epochs=7)) == ""


@pytest.mark.parametrize("part", [field.name for field in dataclasses.fields(Fingerprints)])
def test_another_fingerprint_is_named(part: str) -> None:
    assert _difference(_with("fingerprints", **{part: "sha256:other"})) == f"its {part} fingerprint differs"


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (dataclasses.replace(make_run(), code=None), "its code was not recorded"),
        (_with("code", source="sha256:other"), "the package's source has changed"),
        (_with("code", commit="fedcba9"), "its commit is fedcba9, not 0123abc"),
        (_with("code", commit=None), "its commit is None, not 0123abc"),
        (_with("environment", packages={"keras": "3.9.0"}), "its keras is 3.9.0, not 3.8.0"),
        (_with("environment", packages={}), "its keras is not recorded, not 3.8.0"),
        (_with("environment", packages={"keras": "3.8.0", "numpy": "2"}), "its numpy is 2, not installed"),
        (_with("environment", python="3.12.1"), "its python is 3.12.1, not 3.11.0"),
    ],
)
def test_other_code_and_other_versions_are_named(run: Run, expected: str) -> None:
    assert _difference(run) == expected


@pytest.mark.parametrize(
    "part", sorted({field.name for field in dataclasses.fields(Environment)} - {"packages", "python", "cores"})
)
def test_another_machine_is_named(part: str) -> None:
    expected = "the system, the processor, the device or a setting of TensorFlow differs"
    other = {"TF_ENABLE_ONEDNN_OPTS": "0"} if part == "settings" else "another"
    assert _difference(_with("environment", **{part: other})) == expected


def test_a_worker_s_part_of_the_cores_is_no_difference() -> None:
    assert _difference(_with("environment", cores=1)) == ""
    share = {"TF32": "True", "TF_NUM_INTRAOP_THREADS": "2"}
    assert _difference(_with("environment", settings=share)) == ""


def test_what_can_be_taken_is_taken_and_of_all_else_it_is_said_why_not(tmp_path: Path) -> None:
    write_run(tmp_path, make_run(seed=0))
    write_run(tmp_path, make_run("improved_cnn", seed=0))
    write_run(tmp_path, dataclasses.replace(make_run(seed=1), code=None))
    cut_short = write_run(tmp_path, make_run(seed=2))
    cut_short.write_text(cut_short.read_text(encoding="utf-8")[:100], encoding="utf-8")
    of_another_version = write_run(tmp_path, make_run(seed=3))
    of_another_version.write_text('{"format": 1}', encoding="utf-8")
    (tmp_path / NIGHT_RECORD).write_text("{}", encoding="utf-8")
    (tmp_path / ".simple_cnn.synthetic.seed4.json.x1y2.tmp").write_text("{", encoding="utf-8")
    taken, notes = runs_to_take(tmp_path, _difference)
    assert taken == {("simple_cnn", 0): make_run(), ("improved_cnn", 0): make_run("improved_cnn")}
    assert len(notes) == 3
    assert notes[0].startswith(f"ignored, and trained again: {cut_short}: line ")
    assert notes[2] == "trained again: simple_cnn seed 1: its code was not recorded"
    assert notes[1].startswith(f"ignored, and trained again: {of_another_version}: format: found 1, expected ")


def test_a_record_under_another_s_name_is_taken_for_what_it_is(tmp_path: Path) -> None:
    write_run(tmp_path, make_run(seed=0)).rename(tmp_path / "improved_cnn.synthetic.seed7.json")
    assert list(runs_to_take(tmp_path, _difference)[0]) == [("simple_cnn", 0)]
