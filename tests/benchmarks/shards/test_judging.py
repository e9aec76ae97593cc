"""Shards become one night, which is judged, kept and written like any other, or nothing is."""

from __future__ import annotations

import dataclasses
import errno
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.baselines.baselines_file import read_baselines, write_baselines
from benchmarks.night.exit_status import NOT_JUDGED, PASSED
from benchmarks.night.night import Night
from benchmarks.night.update import Update
from benchmarks.records.night_folder import NightFolder, read_night, read_night_runs
from benchmarks.records.selection import Selection, WithoutRun
from benchmarks.records.trainings import Outcome
from benchmarks.shards import judging
from benchmarks.shards.judging import join, judge, machines
from benchmarks.shards.kept_shards import ShardError, read_shards
from cifar_models.results.run import Fingerprints
from tests.benchmarks.shards.kept import (
    FINGERPRINTS,
    NIGHT,
    STARTED,
    write_passing_baselines,
    write_shard,
    write_shards,
)
from tests.factories import CODE, ENVIRONMENT

pytestmark = pytest.mark.unit

OTHER_PROCESSOR = dataclasses.replace(ENVIRONMENT, processor="another processor", cores=64)


@pytest.fixture(autouse=True)
def _no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "write_reports", lambda _: (["report: not drawn"], PASSED))


def _join(tmp_path: Path) -> Night:
    return join(
        read_shards([tmp_path / "shards"]),
        baselines_path=write_passing_baselines(tmp_path / "baselines.json"),
        run_dir=tmp_path / "runs",
    )


def test_the_night_has_all_runs_and_began_with_the_first_shard(tmp_path: Path) -> None:
    write_shards(tmp_path / "shards", 1, 3)
    write_shard(tmp_path / "shards", 2, record={"started": "2026-01-30T23:59:59+00:00"})
    judgement = judge(_join(tmp_path))
    assert (judgement.status, judgement.said) == (PASSED, ["report: not drawn"])
    folder = judgement.night.folder
    assert folder is not None
    assert folder.path.name == "2026-01-30T23-59-59Z"
    record = read_night(folder.path)
    assert (record.started, record.shard, record.selection) == ("2026-01-30T23:59:59+00:00", None, NIGHT)
    assert record.ended is not None
    assert len(read_night_runs(folder.path)[0]) == 4
    assert {str(verdict.word) for verdict in record.verdicts} == {"pass"}
    assert [training.key for training in judgement.night.trainings] == NIGHT.keys


def test_the_night_has_the_settings_of_its_shards(tmp_path: Path) -> None:
    told: dict[str, Any] = {
        "seeds": 2,
        "max_seeds": 4,
        "first_seed": 1000,
        "repeats": True,
        "against": "published",
        "options": "--xla",
    }
    for number in (1, 2, 3):
        write_shard(tmp_path / "shards", number, record={"must_be_identical": True, "false_alarm_rate": 0.1}, **told)
    settings = _join(tmp_path).settings
    assert {name: getattr(settings, name) for name in told} == told
    assert (settings.dataset, settings.exact, settings.false_alarm_rate) == ("synthetic", True, 0.1)
    assert (settings.shard, settings.joined, settings.updates, settings.run_dir) == (
        None,
        True,
        False,
        tmp_path / "runs",
    )


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        ({"code": dataclasses.replace(CODE, commit="fedcba9")}, "its commit is fedcba9, not 0123abc"),
        ({"code": dataclasses.replace(CODE, source="sha256:other")}, "the package's source has changed"),
        ({"code": None}, "its code was not recorded"),
        (
            {"environment": dataclasses.replace(ENVIRONMENT, packages={"keras": "3.9.0"})},
            "its keras is 3.9.0, not 3.8.0",
        ),
        ({"environment": dataclasses.replace(ENVIRONMENT, python="3.13.1")}, "its python is 3.13.1, not 3.11.0"),
        ({"fingerprints": dataclasses.replace(FINGERPRINTS, data="sha256:other")}, "its data fingerprint differs"),
        (
            {"fingerprints": dataclasses.replace(FINGERPRINTS, weights="sha256:other")},
            "its weights fingerprint differs",
        ),
        ({"fingerprints": dataclasses.replace(FINGERPRINTS, protocol="sha256:o")}, "its protocol fingerprint differs"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_runs_that_one_machine_could_not_have_trained_are_refused(
    tmp_path: Path, runs: dict[str, Any], found: str
) -> None:
    first, _ = write_shards(tmp_path / "shards", 1, 3)
    other = write_shard(tmp_path / "shards", 2, runs=runs)
    with pytest.raises(ShardError) as caught:
        _join(tmp_path)
    assert str(caught.value) == (
        f"shard 2 of 3 in {other}: improved_cnn seed 1000 does not belong to shard 1 of 3 in {first}: {found}; train "
        f"all shards with the same code, versions, data and weights"
    )
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("part", [field.name for field in dataclasses.fields(Fingerprints)])
def test_shards_that_train_on_something_else_are_refused_even_without_runs(tmp_path: Path, part: str) -> None:
    write_shards(tmp_path / "shards", 1, 2)
    differs = dataclasses.replace(FINGERPRINTS, **{part: "sha256:other"})
    diverged = WithoutRun("improved_cnn", 1001, Outcome.DIVERGED, "")
    other = write_shard(
        *(tmp_path / "shards", 3),
        lacks=("improved_cnn", 1001),
        without_run=[diverged],
        fingerprints={"improved_cnn": differs},
    )
    with pytest.raises(ShardError, match="train all shards on the same data, weights and code") as caught:
        _join(tmp_path)
    assert str(caught.value).startswith(f"shard 3 of 3 in {other}: found the {part} fingerprint sha256:other")


def test_runs_without_fingerprints_as_a_killed_session_leaves_them_are_refused(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        write_shard(tmp_path / "shards", number, fingerprints={})
    with pytest.raises(ShardError, match=r"found runs of simple_cnn without .* run the shard again with --resume"):
        _join(tmp_path)


def test_another_processor_is_allowed_and_named(tmp_path: Path) -> None:
    write_shards(tmp_path / "shards", 1, 3)
    write_shard(tmp_path / "shards", 2, runs={"environment": OTHER_PROCESSOR})
    assert judge(_join(tmp_path)).status == PASSED
    assert machines(read_shards([tmp_path / "shards"])) == [
        "CPU on a processor: shard 1, 3",
        "CPU on another processor: shard 2",
    ]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("left", "why"), [({}, "found no baseline"), ({"improved_cnn": "sha256:other"}, "the data fingerprint differs")]
)
def test_an_experiment_without_a_baseline_where_the_shards_are_judged_is_not_judged(
    tmp_path: Path, left: dict[str, str], why: str, exact: bool
) -> None:
    for number in (1, 2, 3):
        write_shard(tmp_path / "shards", number, record={"must_be_identical": exact})
    path = write_passing_baselines(tmp_path / "baselines.json")
    baselines = read_baselines(path)
    sources = baselines.pop("improved_cnn")["synthetic"]
    for name, data in left.items():
        changed = dataclasses.replace(sources["measured"], fingerprints=dataclasses.replace(FINGERPRINTS, data=data))
        baselines[name] = {"synthetic": {"measured": changed}}
    write_baselines(path, baselines)
    judgement = judge(join(read_shards([tmp_path / "shards"]), baselines_path=path, run_dir=tmp_path / "runs"))
    assert judgement.status == NOT_JUDGED
    assert list(judgement.night.verdicts) == ["simple_cnn"]
    assert why in judgement.night.answer("improved_cnn")


def _full(*_: Any) -> Path:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_too_full_for_the_runs_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write_shards(tmp_path / "shards")
    before = {path: path.read_bytes() for folder in paths for path in folder.iterdir()}
    monkeypatch.setattr(judging, "write_run", _full)
    with pytest.raises(OSError, match="No space left"):
        _join(tmp_path)
    assert list((tmp_path / "runs").iterdir()) == []
    assert {path: path.read_bytes() for folder in paths for path in folder.iterdir()} == before
    monkeypatch.undo()
    assert read_night(_join(tmp_path).folder.path).shard is None  # type: ignore[union-attr]


def test_a_record_that_cannot_be_written_is_a_loss_and_the_verdicts_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shards(tmp_path / "shards")
    night = _join(tmp_path)
    monkeypatch.setattr(NightFolder, "write_record", _full)
    judgement = judge(night)
    assert judgement.status == NOT_JUDGED
    assert list(night.verdicts) == NIGHT.verdicts
    (loss,) = night.losses
    assert loss.endswith("fix this, then remove the folder and judge the shards again")


def test_a_junit_file_that_cannot_be_written_hides_no_verdict(tmp_path: Path) -> None:
    write_shards(tmp_path / "shards")
    judgement = judge(_join(tmp_path), junit_file=tmp_path / "shards")
    assert judgement.status == NOT_JUDGED
    assert judgement.said[-1].startswith("--junitxml: ")


def _baselines(tmp_path: Path, **changed: Any) -> Update | str | None:
    for number in (1, 2, 3):
        changes = changed if number == 2 else {}
        write_shard(
            tmp_path / "shards",
            number,
            reason="a new machine",
            first_seed=0,
            night=Selection(NIGHT.trainings),
            **changes,
        )
    return judge(_join(tmp_path)).update


def test_baselines_of_two_seeds_are_left_as_they_were(tmp_path: Path) -> None:
    update = _baselines(tmp_path)
    assert isinstance(update, Update)
    assert update.left_out.keys() == set(NIGHT.trainings)
    assert read_baselines(tmp_path / "baselines.json") == update.after


def test_baselines_are_of_one_kind_of_machine(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match=r"shards: found several kinds of machine .* expected one, because a baseline"):
        _baselines(tmp_path, runs={"environment": OTHER_PROCESSOR})


def test_the_record_of_the_night_is_that_of_any_night(tmp_path: Path) -> None:
    write_shards(tmp_path / "shards")
    folder = judge(_join(tmp_path)).night.folder
    assert folder is not None
    assert json.loads((folder.path / "night.json").read_text())["started"] == STARTED
