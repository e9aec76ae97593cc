"""How trajectories differ, and the messages about it."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest

from tests.golden.difference import QUANTITIES, difference, tolerance
from tests.golden.test_trajectory import STORED

pytestmark = pytest.mark.unit

FACTORS = {quantity.name: quantity.factor for quantity in QUANTITIES}


def _said(**changes: Any) -> str:
    return difference("simple_cnn", STORED, dataclasses.replace(STORED, **changes))


def _changed(quantity: str, layer: str, step: int, factor: float) -> dict[str, dict[str, list[float]]]:
    quantities = copy.deepcopy(STORED.quantities)
    quantities[quantity][layer][step] *= factor
    return quantities


def test_equal_trajectories_do_not_differ() -> None:
    assert difference("simple_cnn", STORED, copy.deepcopy(STORED)) == ""


@pytest.mark.parametrize("step", range(3))
def test_losses_differ_beyond_the_tolerance_of_their_step_and_not_before(step: int) -> None:
    for factor, differs in ((0.9, False), (1.1, True)):
        for sign in (-1, 1):
            losses = list(STORED.losses)
            losses[step] *= 1 + sign * factor * tolerance(step)
            assert (f"the loss of the model differs at step {step}: " in _said(losses=losses)) == differs


@pytest.mark.parametrize(
    ("quantity", "layer"), [(quantity, layer) for quantity, layers in STORED.quantities.items() for layer in layers]
)
def test_the_layer_and_the_quantity_are_named(quantity: str, layer: str) -> None:
    for factor, differs in ((0.9, False), (1.1, True)):
        changed = _changed(quantity, layer, 0, 1 + factor * tolerance(0, FACTORS[quantity]))
        assert (f"the {quantity} of {layer} differs at step 0: " in _said(quantities=changed)) == differs


def test_the_first_that_differs_comes_first_with_what_it_usually_means() -> None:
    text = _said(losses=[2.0, 1.6, 0.5], quantities=_changed("update", "dense", 0, 2.0))
    _, first, meaning, second, _ = text.splitlines()
    assert first.startswith("  the update of dense differs at step 0: found 0.6, stored is 0.3, relatively 1.0e+00 ")
    assert meaning.endswith("the usual cause is the optimizer, if the gradient is as stored")
    assert "step 1: found 1.6, stored is 1.5, relatively 6.7e-02 apart where 2.7e-05 is allowed" in second
    assert "--update-golden 'why it changed'" in text
    assert "cause is initialisation, normalization, a layer or the loss" in _said(losses=[2.1, 1.5, 1.0])
    assert "cause is the moving averages, or a layer" in _said(validation_losses=[2.5, 2.1, 1.5])
    assert "the loss of the model differs at step 2" in _said(losses=[2.0, 1.5, float("nan")])
    assert "the loss of the model has 2 steps, stored are 3" in _said(losses=[2.0, 1.5])


def test_of_one_step_what_is_computed_first_comes_first() -> None:
    quantities = _changed("gradient", "conv2d", 0, 2.0)
    quantities["gradient"]["dense"][0] *= 2
    quantities["dropped share"]["dropout"][0] = 0.0
    lines = _said(quantities=quantities, learning_rates=[2e-3, 1e-3, 1e-3], losses=[3.0, 1.5, 1.0]).splitlines()
    named = [line.split(" differs")[0].strip() for line in lines if " differs" in line]
    assert named == [
        "the learning rate of the model",
        "the dropped share of dropout",
        "the loss of the model",
        "the gradient of conv2d",
    ]
    assert lines[5].endswith("is allowed (and of 1 more layers)")


@pytest.mark.parametrize("found", [float("nan"), 1e-9])
def test_where_zero_is_stored_nothing_else_will_do(found: float) -> None:
    quantities = copy.deepcopy(STORED.quantities)
    quantities["update"]["dense"][1] = found
    assert "the update of dense differs at step 1: " in _said(quantities=quantities)


def test_variables_that_move_and_should_not_are_named_and_the_other_way_around() -> None:
    assert "  conv2d/bias did not move, which it does in the stored" in _said(moved=["conv2d/kernel", "dense/kernel"])
    assert "  dense/bias moved, which it does not in the stored" in _said(moved=[*STORED.moved, "dense/bias"])


def test_layers_and_quantities_are_compared_both_ways() -> None:
    without = copy.deepcopy(STORED.quantities)
    del without["gradient"]["dense"], without["moving mean"]
    text = _said(quantities=without)
    assert "the gradient of dense has 0 steps, stored are 2" in text
    assert "the moving mean of batch_normalization has 0 steps, stored are 2" in text
    more = copy.deepcopy(STORED.quantities) | {"warmth": {"dense": [1.0, 1.0]}}
    assert "the warmth of dense has 2 steps, stored are 0" in _said(quantities=more)


def test_what_explains_the_rest_comes_first() -> None:
    other = dataclasses.replace(
        STORED,
        fingerprints=dataclasses.replace(STORED.fingerprints, protocol="sha256:other"),
        initial_weights="sha256:other",
        losses=[9.0, 9.0, 9.0],
    )
    _, protocol, weights, loss, *_ = difference("simple_cnn", STORED, other).splitlines()
    assert protocol.startswith("  the protocol fingerprint is sha256:other, stored is sha256:p")
    assert weights.startswith("  the initial weights differ")
    assert loss.startswith("  the loss of the model differs at step 0")


def test_the_tolerance_grows_with_the_step_to_an_end() -> None:
    steps = [tolerance(step) for step in range(30)]
    assert steps == sorted(steps)
    assert steps[0] < 1e-4
    assert steps[-1] <= 5e-3
