"""Describes how a trajectory differs from the stored one: by step, quantity and layer, and the usual cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from tests.golden.trajectory import Trajectory

FIRST_TOLERANCE = 2e-5
GROWTH = 1.35
LARGEST_TOLERANCE = 5e-3
"""Relative; see ``tolerance``."""

LOSS, VALIDATION_LOSS, LEARNING_RATE = "loss", "validation loss", "learning rate"
MODEL = "the model"


@dataclass(frozen=True)
class Quantity:
    """One kind of number of a step.

    Attributes:
        name: its name in ``observe`` and in messages.
        meaning: the usual cause if this is the first to differ.
        factor: factor on the tolerance.
        scale: the tolerance is relative to this if the value itself is smaller.
    """

    name: str
    meaning: str
    factor: float = 1.0
    scale: float = 0.0


QUANTITIES = (
    Quantity(LEARNING_RATE, "the learning rate schedule, or the optimizer's count of steps", 0.1),
    Quantity("dropped share", "dropout, or its random numbers", 0.1),
    Quantity("mean of ones after dropout", "dropout's scaling", 0.1),
    Quantity(LOSS, "initialisation, normalization, a layer or the loss; after the first step also what moved them"),
    Quantity("second moment's norm over the first's", "the moments that the optimizer keeps"),
    Quantity("gradient", "the gradient of the loss, of this layer or of a later one", 10),
    Quantity("cosine of gradient and weights", "the gradient of the loss or of a weight penalty", scale=1),
    Quantity("update", "the optimizer, if the gradient is as stored", 25),
    Quantity("moving mean", "batch normalization in training mode"),
    Quantity("moving variance", "batch normalization in training mode"),
    Quantity(VALIDATION_LOSS, "the moving averages, or a layer that trains and infers differently"),
)
"""In the order in which a step computes them, so that the first that differs is closest to the cause."""


def tolerance(step: int, factor: float = 1.0) -> float:
    """Return the allowed relative difference of a value at a step, counted from 0.

    Rounding differs between processors, numbers of threads and oneDNN's kernels, and each step multiplies earlier
    differences. A change of the inputs by half a percent moves the first losses by 1e-4 or more. Norms of gradients and
    updates have a larger factor, because some biases' gradients consist only of rounding, which Adam scales up.
    ``tests/sensitivity/test_golden_is_stable.py`` checks the tolerance for one and two threads, with oneDNN for
    AVX-512, AVX2 and SSE4.1 and without oneDNN.
    """
    return min(factor * FIRST_TOLERANCE * GROWTH**step, LARGEST_TOLERANCE)


@dataclass(frozen=True)
class _Difference:
    step: int
    layer: str
    text: str


def difference(experiment: str, stored: Trajectory, found: Trajectory) -> str:
    """Return a description of how a trajectory differs from the stored one; empty if it does not."""
    lines = [
        f"  the {part} fingerprint is {getattr(found.fingerprints, part)}, stored is {expected}: "
        f"a different {part} gives a different trajectory"
        for part, expected in asdict(stored.fingerprints).items()
        if getattr(found.fingerprints, part) != expected
    ]
    if found.initial_weights != stored.initial_weights:
        lines.append("  the initial weights differ: an initialiser, a layer's shape or the order of layers changed")
    if found.seed != stored.seed:
        lines.append(f"  the seed is {found.seed}, stored is {stored.seed}")
    lines += [f"  {name} moved, which it does not in the stored trajectory" for name in _beyond(found, stored)]
    lines += [f"  {name} did not move, which it does in the stored trajectory" for name in _beyond(stored, found)]
    lines += _by_step(_series(stored), _series(found))
    if not lines:
        return ""
    remedy = f"pytest -m unit tests/golden -k {experiment} --update-golden 'why it changed'"
    first = f"{experiment}: the first steps of training differ from the stored ones"
    return "\n".join([first, *lines, f"  If this is intended: {remedy}"])


def _beyond(one: Trajectory, other: Trajectory) -> list[str]:
    return [name for name in one.moved if name not in other.moved]


def _series(trajectory: Trajectory) -> dict[str, dict[str, list[float]]]:
    """Return all numbers of a trajectory, by quantity and layer, one for each step."""
    return trajectory.quantities | {
        LOSS: {MODEL: trajectory.losses},
        VALIDATION_LOSS: {MODEL: trajectory.validation_losses},
        LEARNING_RATE: {MODEL: trajectory.learning_rates},
    }


def _by_step(stored: dict[str, dict[str, list[float]]], found: dict[str, dict[str, list[float]]]) -> list[str]:
    """Return a line for each quantity that differs, the earliest step first, and the usual cause of the first."""
    known = {quantity.name: quantity for quantity in QUANTITIES}
    firsts: list[tuple[int, str, Quantity]] = []
    for name in [*known, *sorted((stored.keys() | found.keys()) - known.keys())]:
        quantity = known.get(name, Quantity(name, "something that the stored trajectory does not have"))
        differences = [*_compare(quantity, stored.get(name, {}), found.get(name, {}))]
        if differences:
            first = min(differences, key=lambda each: each.step)
            others = sum(each.step == first.step for each in differences) - 1
            more = f" (and of {others} more layers)" if others else ""
            firsts.append((first.step, f"  {first.text}{more}", quantity))
    firsts.sort(key=lambda first: first[0])
    lines = [line for _, line, _ in firsts]
    if firsts:
        lines.insert(1, f"    the first to differ; the usual cause is {firsts[0][2].meaning}")
    return lines


def _compare(
    quantity: Quantity, stored: dict[str, list[float]], found: dict[str, list[float]]
) -> Iterator[_Difference]:
    """Yield the first difference of each layer's values, in the order of the model's layers."""
    for layer in [*found, *(layer for layer in stored if layer not in found)]:
        what = f"the {quantity.name} of {layer}"
        expected, values = stored.get(layer, []), found.get(layer, [])
        if len(expected) != len(values):
            yield _Difference(0, layer, f"{what} has {len(values)} steps, stored are {len(expected)}")
            continue
        for step, (old, new) in enumerate(zip(expected, values, strict=True)):
            allowed = tolerance(step, quantity.factor) * max(abs(old), quantity.scale)
            if not abs(new - old) <= allowed:  # so that a NaN differs too
                apart = abs(new - old) / (max(abs(old), quantity.scale) or 1)
                text = (
                    f"{what} differs at step {step}: found {new:.8g}, stored is {old:.8g}, relatively "
                    f"{apart:.1e} apart where {tolerance(step, quantity.factor):.1e} is allowed"
                )
                yield _Difference(step, layer, text)
                break
