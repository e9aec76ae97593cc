"""Tables that more than one view shows."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks.judging.judge import WORST
from benchmarks.report.tables import verdict_table
from tests.factories import make_verdict

pytestmark = pytest.mark.unit


def test_each_metric_is_a_row_as_long_as_the_headers() -> None:
    table = verdict_table([make_verdict(today=0.68), make_verdict("gap", "regression", today=0.8, smallest_drop=None)])
    assert table.headers == (
        *("metric", "baseline", "today", "seeds", "difference", "allowance", "by", "catches", "verdict"),
    )
    assert table.rows == [
        ("accuracy", "0.7000", "0.6800", "3", "-0.0200", "0.0400", "tolerance", "0.0500", "pass"),
        ("gap", "0.7000", "0.8000", "3", "+0.1000", "0.0400", "tolerance", "not known", "regression"),
    ]


def test_no_difference_has_no_minus() -> None:
    assert verdict_table([make_verdict(today=0.69999)]).rows[0][4] == "+0.0000"


def test_a_published_tolerance_is_called_so() -> None:
    assert verdict_table([dataclasses.replace(make_verdict(), source="published")]).rows[0][6] == "published tolerance"


def test_the_worst_run_has_a_row_where_it_does_not_pass() -> None:
    collapsed = make_verdict(WORST, "regression", today=0.1)
    assert [row[0] for row in verdict_table([make_verdict(), make_verdict(WORST)]).rows] == ["accuracy"]
    assert [row[0] for row in verdict_table([make_verdict(), collapsed]).rows] == ["accuracy", WORST]
