"""A golden trajectory: what a training's first steps came to, as it is stored."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from cifar_models.results.run import Fingerprints
from cifar_models.storage.files import write_whole
from cifar_models.storage.strict_json import parse_json, read_as, to_json

FORMAT = 3
STORED = Path(__file__).with_name("trajectories.json")


@dataclass(frozen=True)
class Trajectory:
    """What a training's first steps came to.

    Attributes:
        seed: of initialisation, dropout and the order of the images.
        fingerprints: of data, weights and protocol.
        initial_weights: the fingerprint of the model's weights as the seed drew them.
        losses: of each training step, before it.
        validation_losses: after each step, in inference mode.
        learning_rates: of each step.
        moved: the variables that the first steps changed, by layer and name, sorted.
        quantities: by the names that ``observe`` gives them, then by layer: a value for each of the first steps.
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
    """A trajectory to compare with, and where it comes from.

    Attributes:
        trajectory: what was computed.
        recorded: the day, as YYYY-MM-DD.
        reason: why it was stored.
        packages: version by package name.
    """

    trajectory: Trajectory
    recorded: str
    reason: str
    packages: dict[str, str]


Trajectories = dict[str, Stored]
"""All that is stored, by experiment."""


def read_trajectories(path: Path = STORED) -> Trajectories:
    """Read the stored trajectories.

    Raises:
        OSError: no file that can be read.
        ValueError: not as this module writes it.
    """
    record = parse_json(path.read_text(encoding="utf-8"))
    found = record.get("format") if isinstance(record, dict) else None
    if found != FORMAT:
        raise ValueError(
            f"{path}: found format {found!r}, expected {FORMAT}; delete it and store all anew with --update-golden"
        )
    trajectories: Trajectories = read_as(Trajectories, record.get("trajectories"), path.name)
    return trajectories


def write_trajectories(trajectories: Trajectories, path: Path = STORED) -> None:
    """Write trajectories whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    content = {experiment: asdict(stored) for experiment, stored in trajectories.items()}
    text = to_json({"format": FORMAT, "trajectories": content})
    write_whole(path, _LIST.sub(lambda found: " ".join(found[0].split()).replace("[ ", "[").replace(" ]", "]"), text))


_LIST = re.compile(r"\[[^][{}]*\]")
"""A list of numbers or names: it stands on one line, so that a change reads well in a diff."""
