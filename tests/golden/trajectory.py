"""Golden trajectories: the results of a training's first steps, as they are stored."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from cifar_models.results.run import Fingerprints
from cifar_models.storage.files import write_whole
from cifar_models.storage.strict_json import parse_record, read_as, to_json

FORMAT = 3
STORED = Path(__file__).with_name("trajectories.json")


@dataclass(frozen=True)
class Trajectory:
    """The results of a training's first steps.

    Attributes:
        seed: seed of initialisation, dropout and the order of the images.
        initial_weights: fingerprint of the weights that the seed drew.
        losses: before each step.
        validation_losses: after each step, in inference mode.
        moved: names of the variables that the first steps changed, sorted.
        quantities: by name in ``observe`` and by layer, a value for each of the first steps.
    """

    seed: int
    fingerprints: Fingerprints
    initial_weights: str
    losses: list[float]
    validation_losses: list[float]
    learning_rates: list[float]
    moved: list[str]
    quantities: dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class Stored:
    """A stored trajectory with the date as YYYY-MM-DD, the reason, and the versions of the packages."""

    trajectory: Trajectory
    recorded: str
    reason: str
    packages: dict[str, str]


Trajectories = dict[str, Stored]
"""Stored trajectories by experiment."""


def read_trajectories(path: Path = STORED) -> Trajectories:
    """Read the stored trajectories.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is not as this module writes it.
    """
    try:
        _, record = parse_record(path.read_text(encoding="utf-8"), "format", [FORMAT])
        trajectories: Trajectories = read_as(Trajectories, record.get("trajectories"), "trajectories")
    except ValueError as error:
        raise ValueError(f"{path}: {error}; delete it and store all again with --update-golden") from None
    return trajectories


def write_trajectories(trajectories: Trajectories, path: Path = STORED) -> None:
    """Write trajectories.

    Raises:
        OSError: the folder cannot be written.
    """
    content = {experiment: asdict(stored) for experiment, stored in trajectories.items()}
    text = to_json({"format": FORMAT, "trajectories": content})
    write_whole(path, _LIST.sub(lambda found: " ".join(found[0].split()).replace("[ ", "[").replace(" ]", "]"), text))


_LIST = re.compile(r"\[[^][{}]*\]")
"""A list of numbers or names, which is written on one line, so that a change is easy to read in a diff."""
