"""A search that is written is read back, and nothing else is."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.bisection.record import (
    RECORD,
    Bisection,
    Candidate,
    RecordError,
    identity_of,
    read_or_start,
    write_record,
)
from tests.benchmarks.bisection.machine import Machine, settings
from tests.factories import make_run

pytestmark = pytest.mark.unit


def _searched() -> Bisection:
    _, bisection = Machine(np.random.default_rng(0), 13, 7, 6, rounding=(3,), seen=False, unable=(5,)).search()
    bisection.packages["0.1"] = {"keras": "3.15.1"}
    return bisection


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    assert read_or_start(tmp_path, settings(13)) == Bisection(settings(13))
    bisection = _searched()
    write_record(tmp_path, bisection)
    assert read_or_start(tmp_path, bisection.settings) == bisection


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('"format": 1', '"format": 2', "found format 2, expected 1"),
        ('{\n  "confirmations"', '[1]\n{"', "found no JSON"),
        ('"kind": "training"', '"kind": "guess"', "found 'guess', expected one of training, first steps, skipped"),
        ('"dataset": "synthetic"', '"dataset": "cifar10"', "found another search's settings"),
    ],
)
def test_a_record_that_cannot_be_used_is_refused_in_one_sentence(
    tmp_path: Path, old: str, new: str, found: str
) -> None:
    bisection = _searched()
    write_record(tmp_path, bisection)
    text = (tmp_path / RECORD).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / RECORD).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RecordError, match=rf"^{re.escape(str(tmp_path / RECORD))}: .*{re.escape(found)}.*; remove "):
        read_or_start(tmp_path, bisection.settings)


def test_a_search_of_other_things_has_another_folder() -> None:
    one = settings(13)
    others = [
        dataclasses.replace(one, candidates=one.candidates[1:]),
        dataclasses.replace(one, experiments=["vgg16_frozen"]),
        dataclasses.replace(one, dataset="cifar10"),
        dataclasses.replace(one, environment={"packages": {"keras": "3.15.0"}}),
    ]
    assert len({each.folder_name for each in (one, *others)}) == 5
    assert settings(13).folder_name == one.folder_name


def test_the_identity_is_that_of_the_numbers_alone() -> None:
    run = make_run()
    curves = dataclasses.replace(run.curves, loss=[value + 1e-12 for value in run.curves.loss])
    assert identity_of(run) == identity_of(dataclasses.replace(run, seed=run.seed + 1, started=None))
    assert identity_of(run) != identity_of(dataclasses.replace(run, curves=curves))
    accuracy = dataclasses.replace(run.evaluation, accuracy=run.accuracy / 2)
    assert identity_of(run) != identity_of(dataclasses.replace(run, evaluation=accuracy))


def test_a_candidate_is_named_shortly() -> None:
    assert str(Candidate("0123456789abcdef", "Change all")) == "0123456789 Change all"
    assert str(Candidate("0123456789abcdef", "word " * 20)) == f"0123456789 {'word ' * 10}word..."
    assert str(Candidate("3.15.1")) == "3.15.1"
