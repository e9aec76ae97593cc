"""The baselines that a night is compared with: read, or started."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.baselines.baseline import BaselineError, Baselines
from benchmarks.baselines.baselines_file import write_baselines
from benchmarks.inputs.inputs import read_or_start_baselines
from tests.factories import make_baseline

pytestmark = pytest.mark.unit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "baselines.json"


def test_only_a_night_that_writes_may_start_without_a_file(path: Path) -> None:
    assert read_or_start_baselines(path, to_update=True) == {}
    with pytest.raises(BaselineError, match="found no such file"):
        read_or_start_baselines(path, to_update=False)
    with pytest.raises(BaselineError, match=r"found no folder .+, expected one; create it"):
        read_or_start_baselines(path / "baselines.json", to_update=True)


def test_a_night_that_could_not_write_does_not_start(path: Path) -> None:
    (path.parent / ".baselines.json.lock").mkdir()  # no lock can be made, as in a folder that is read-only
    with pytest.raises(BaselineError, match=r"baselines\.json: found .+, expected a folder that can be written"):
        read_or_start_baselines(path, to_update=True)


@pytest.mark.parametrize("to_update", [True, False])
def test_a_file_that_is_there_is_read_and_checked_either_way(path: Path, to_update: bool) -> None:
    baselines: Baselines = {"simple_cnn": {"cifar10": {"measured": make_baseline()}}}
    write_baselines(path, baselines)
    assert read_or_start_baselines(path, to_update=to_update) == baselines
    path.write_text("{", encoding="utf-8")
    with pytest.raises(BaselineError, match="found no JSON"):
        read_or_start_baselines(path, to_update=to_update)
