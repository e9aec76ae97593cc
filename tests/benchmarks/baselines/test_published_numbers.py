"""The published facts agree with each other: a slip of the pen in one of them would not."""

from __future__ import annotations

from statistics import fmean

import pytest

from benchmarks.baselines.published_numbers import PUBLISHED_NUMBERS

pytestmark = pytest.mark.unit

WITH_LOG = {name: result for name, result in PUBLISHED_NUMBERS.items() if result.validation_accuracy}


@pytest.mark.parametrize("name", WITH_LOG)
def test_the_accuracy_is_the_log_s_best_epoch(name: str) -> None:
    assert max(WITH_LOG[name].validation_accuracy) == WITH_LOG[name].accuracy


@pytest.mark.parametrize("name", WITH_LOG)
def test_the_macro_f1_is_the_mean_of_the_classes_but_for_the_rounding_of_each(name: str) -> None:
    result = WITH_LOG[name]
    macro = result.macro_f1
    assert macro is not None
    assert fmean(result.f1_by_class.values()) == pytest.approx(macro, abs=0.01)


def test_what_was_not_published_is_empty() -> None:
    assert WITH_LOG.keys() == {"simple_cnn", "vgg16_frozen"}
    assert PUBLISHED_NUMBERS["improved_cnn"].f1_by_class == {}
