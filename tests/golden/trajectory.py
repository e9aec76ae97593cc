"""A golden trajectory: the losses of a training's first steps, and what it says if they part from those stored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from cifar_models.results.run import Fingerprints
from cifar_models.storage.files import write_whole
from cifar_models.storage.strict_json import parse_json, read_as, to_json

FORMAT = 2
STORED = Path(__file__).with_name("trajectories.json")

FIRST_TOLERANCE = 2e-5
GROWTH = 1.35
LARGEST_TOLERANCE = 5e-3
"""Relative, see ``tolerance``."""


@dataclass(frozen=True)
class Trajectory:
    """What a training's first steps came to.

    Attributes:
        seed: of initialisation, dropout and the order of the images.
        fingerprints: of data, weights and protocol.
        initial_weights: the fingerprint of the model's weights as the seed drew them.
        losses: of each training step, before it.
        validation_losses: after each step, in inference mode.
    """

    seed: int
    fingerprints: Fingerprints
    initial_weights: str
    losses: list[float]
    validation_losses: list[float]


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


def tolerance(step: int) -> float:
    """Return by how much of itself a loss at a step, counted from 0, may differ.

    Rounding differs between processors, numbers of threads and oneDNN's kernels, and each step multiplies what the
    ones before have left. A change of the inputs by half a percent moves the first losses by 1e-4 and more.
    """
    return min(FIRST_TOLERANCE * GROWTH**step, LARGEST_TOLERANCE)


def difference(experiment: str, stored: Trajectory, found: Trajectory) -> str:
    """Return where a trajectory parts from the stored one, by how much and what that usually means; else nothing."""
    lines = [
        f"  the {part} fingerprint is {getattr(found.fingerprints, part)}, stored is {expected}: "
        f"another {part} gives another trajectory"
        for part, expected in asdict(stored.fingerprints).items()
        if getattr(found.fingerprints, part) != expected
    ]
    if found.initial_weights != stored.initial_weights:
        lines.append("  the initial weights are others: an initialiser, a layer's shape or the order of layers changed")
    if found.seed != stored.seed:
        lines.append(f"  the seed is {found.seed}, stored is {stored.seed}")
    lines += _parting("loss", stored.losses, found.losses)
    lines += _parting("validation loss", stored.validation_losses, found.validation_losses)
    if not lines:
        return ""
    remedy = f"pytest -m unit tests/golden -k {experiment} --update-golden 'why it changed'"
    first = f"{experiment}: the first steps of training are not what they were"
    return "\n".join([first, *lines, f"  If that was meant: {remedy}"])


def _parting(name: str, stored: list[float], found: list[float]) -> list[str]:
    if len(stored) != len(found):
        return [f"  found {len(found)} steps of the {name}, stored are {len(stored)}"]
    for step, (expected, value) in enumerate(zip(stored, found, strict=True)):
        relative = abs(value - expected) / abs(expected)
        if not relative <= tolerance(step):  # so that a NaN parts too
            return [
                f"  the {name} parts at step {step}: found {value:.8g}, stored is {expected:.8g}, relatively "
                f"{relative:.1e} apart where {tolerance(step):.1e} is allowed; that usually means "
                f"{_meaning(name, step)}"
            ]
    return []


def _meaning(name: str, step: int) -> str:
    if name == "validation loss":
        return "batch normalization's moving averages, or layers that train and infer differently"
    if step == 0:
        return "initialisation, normalization, layers or the loss"
    return "the optimizer, its learning rate, batch normalization or dropout"


def read_trajectories(path: Path = STORED) -> Trajectories:
    """Read the stored trajectories.

    Raises:
        OSError: no file that can be read.
        ValueError: not as this module writes it.
    """
    record = parse_json(path.read_text(encoding="utf-8"))
    found = record.get("format") if isinstance(record, dict) else None
    if found != FORMAT:
        raise ValueError(f"{path}: found format {found!r}, expected {FORMAT}")
    trajectories: Trajectories = read_as(Trajectories, record.get("trajectories"), path.name)
    return trajectories


def write_trajectories(trajectories: Trajectories, path: Path = STORED) -> None:
    """Write trajectories whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    content = {experiment: asdict(stored) for experiment, stored in trajectories.items()}
    write_whole(path, to_json({"format": FORMAT, "trajectories": content}))
