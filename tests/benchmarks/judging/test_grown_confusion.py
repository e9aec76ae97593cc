"""The confusion that grew most, as shares of its class's images over all runs."""

from __future__ import annotations

import pytest

from benchmarks.judging.grown_confusion import grown_confusion
from tests.factories import make_run

pytestmark = pytest.mark.unit


def test_the_confusion_that_grew_most_is_found_by_shares_and_not_by_counts() -> None:
    before = [make_run(confusion=((80, 20), (1, 9)))]
    today = [make_run(confusion=((70, 30), (2, 8))), make_run(confusion=((70, 30), (4, 6)))]
    growth = grown_confusion(today, before)
    assert growth is not None
    assert growth[:2] == ("dog", "cat")
    assert growth[2:] == pytest.approx((0.1, 0.3))


def test_images_that_are_recognized_more_often_are_no_confusion() -> None:
    better = [make_run(confusion=((100, 0), (0, 100)))]
    assert grown_confusion(better, [make_run(confusion=((80, 20), (10, 90)))]) is None
    assert grown_confusion(better, better) is None


def test_a_class_without_images_counts_as_never_confused() -> None:
    assert grown_confusion([make_run(confusion=((0, 0), (1, 3)))], [make_run(confusion=((0, 0), (2, 2)))]) is None
