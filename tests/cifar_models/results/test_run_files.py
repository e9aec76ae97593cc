"""A run's record is found by what was trained, replaced as a whole, and never read in part."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cifar_models.results.run import RunError
from cifar_models.results.run_files import read_run, record_name, write_run
from tests.factories import make_run

pytestmark = pytest.mark.unit


def test_a_record_is_named_by_experiment_data_set_and_seed(tmp_path: Path) -> None:
    path = write_run(tmp_path / "new" / "folder", make_run("simple_cnn", 3, dataset="cifar10"))
    assert path == tmp_path / "new" / "folder" / "simple_cnn.cifar10.seed3.json"
    assert list(path.parent.glob(record_name("simple_cnn", "cifar10", "*"))) == [path]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    run = make_run(accuracy=0.625)
    assert read_run(write_run(tmp_path, run)) == run


def test_a_record_of_the_same_training_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_run(tmp_path, make_run(accuracy=0.25))
    path = write_run(tmp_path, make_run(accuracy=0.75))
    assert read_run(path).accuracy == 0.75
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_former_record_and_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_run(tmp_path, make_run(accuracy=0.25))

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_run(tmp_path, make_run(accuracy=0.75))
    assert read_run(path).accuracy == 0.25
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", None])
def test_a_record_that_cannot_be_read_is_an_error_that_names_the_file(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "run.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError, match=r"run\.json: "):
        read_run(path)
