"""Which baseline a run is compared with: one whose fingerprints agree, or an error that names the difference."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from benchmarks.baselines.baseline import Baseline, BaselineError, Baselines
from benchmarks.baselines.lookup import find_baseline
from cifar_models.results.run import Fingerprints
from tests.factories import FINGERPRINTS, make_baseline, make_published

pytestmark = pytest.mark.unit

PRETRAINED = Fingerprints(data="sha256:data", weights="sha256:weights", protocol="sha256:protocol")


def _find(
    sources: dict[str, Baseline],
    fingerprints: Fingerprints = FINGERPRINTS,
    against: str = "measured",
) -> Baseline:
    return find_baseline(
        {"simple_cnn": {"synthetic": sources}},
        experiment="simple_cnn",
        dataset="synthetic",
        fingerprints=fingerprints,
        update_command="the command",
        against=against,
    )


def _not_found(find: Callable[[], Baseline]) -> str:
    with pytest.raises(BaselineError) as caught:
        find()
    text = str(caught.value)
    assert text.startswith("simple_cnn on synthetic: ")
    assert text.endswith("to set a baseline: the command")
    return text


def test_a_measured_baseline_is_preferred_over_a_published_one() -> None:
    measured, published = make_baseline(), make_published()
    assert _find({"published": published, "measured": measured}) is measured
    assert _find({"published": published}) is published


def test_the_published_numbers_are_compared_with_on_request_and_must_exist() -> None:
    both = {"published": make_published(), "measured": make_baseline()}
    assert _find(both, against="published") is both["published"]
    with pytest.raises(BaselineError, match=r"found no published baseline, .* leave out --against published"):
        _find({"measured": make_baseline()}, against="published")


@pytest.mark.parametrize(
    "baselines",
    [{}, {"simple_cnn": {}}, {"simple_cnn": {"cifar10": {"measured": make_baseline()}}}, {"other": {}}],
)
def test_no_baseline_is_an_error_with_the_command_that_sets_one(baselines: Baselines) -> None:
    text = _not_found(
        lambda: find_baseline(
            baselines,
            experiment="simple_cnn",
            dataset="synthetic",
            fingerprints=FINGERPRINTS,
            update_command="the command",
        )
    )
    assert "found no baseline, expected one to compare with" in text


@pytest.mark.parametrize("part", ["data", "weights", "protocol"])
def test_a_fingerprint_that_differs_is_an_error_that_names_it(part: str) -> None:
    baseline = make_baseline(fingerprints=PRETRAINED)
    assert _find({"measured": baseline}, PRETRAINED) is baseline
    other = dataclasses.replace(PRETRAINED, **{part: "sha256:other"})
    text = _not_found(lambda: _find({"measured": baseline}, other))
    assert f"the {part} fingerprint differs, so there is nothing to compare: found sha256:other, " in text
    assert f"expected sha256:{part} as in the measured baseline" in text


def test_a_measured_baseline_that_differs_is_not_passed_over_for_a_published_one() -> None:
    other = make_baseline(fingerprints=dataclasses.replace(FINGERPRINTS, protocol="sha256:other"))
    assert "the protocol fingerprint differs" in _not_found(
        lambda: _find({"measured": other, "published": make_published()})
    )


def test_weights_and_none_differ_either_way() -> None:
    text = _not_found(lambda: _find({"measured": make_baseline()}, PRETRAINED))
    assert (
        "the weights fingerprint differs, so there is nothing to compare: found sha256:weights, expected None" in text
    )
    text = _not_found(lambda: _find({"measured": make_baseline(fingerprints=PRETRAINED)}))
    assert (
        "the weights fingerprint differs, so there is nothing to compare: found None, expected sha256:weights" in text
    )
