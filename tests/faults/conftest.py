"""What the faults share: a house for nights, and a night that was killed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.nights import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.end_all()


@pytest.fixture(scope="session")
def killed_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of nights of a session that was killed in the middle of its third training."""
    house = House(tmp_path_factory.mktemp("killed"))
    house.start(trainings={"simple_cnn 2": "pause"}).paused("simple_cnn 2").kill().wait()
    return house.run_dir


@pytest.fixture
def interrupted(house: House, killed_night: Path) -> House:
    """A house with a night that lacks four of its six trainings."""
    shutil.copytree(killed_night, house.run_dir)
    return house
