"""A comparison as text and as Markdown: what differs, the seeds side by side, what it came to."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks.comparison.comparison import Pair
from benchmarks.comparison.differences import WhatDiffers, what_differs
from benchmarks.comparison.views import NOTHING, differences_text, results_text, summary, trainings_text
from benchmarks.judging.night_results import NightResults
from benchmarks.records.exact import compare_digits
from benchmarks.records.night_folder import NightRecord
from benchmarks.sides.checkouts import Revision
from benchmarks.sides.environments import Wanted
from benchmarks.sides.side import Ready
from benchmarks.sides.two_sides import Party
from cifar_models.results.run import Run
from cifar_models.results.source_code import Code
from tests.factories import make_result, make_run

pytestmark = pytest.mark.unit

PACKAGES = {"keras": "3.14", "numpy": "2.1"}
A = Party("A", Revision("main", "a" * 40), Wanted())
B = Party("B", Revision("the working tree", "b" * 40, base="a" * 40), Wanted(("keras==3.15.*",)))


def _ready(python: str = "3.11.7", **packages: str) -> Ready:
    return Ready({}, "synthetic", "sha256:data", ["cat"], python, packages)


def _pair(a: Run, b: Run) -> Pair:
    return Pair(a, b, compare_digits(b, a))


def _with(run: Run, *, protocol: dict[str, object] | None = None, source: str = "sha256:source") -> Run:
    return dataclasses.replace(run, protocol=protocol or run.protocol, code=Code(commit=None, source=source))


class TestWhatDiffers:
    def test_is_nothing_between_equal_sides(self) -> None:
        found = what_differs((A, A), (_ready(**PACKAGES), _ready(**PACKAGES)), {"simple_cnn": []})
        assert found == WhatDiffers([], [], [])
        assert differences_text(found) == NOTHING

    def test_is_the_code_the_protocols_the_python_and_every_package(self) -> None:
        a = _with(make_run(), protocol={"learning_rate": 0.001, "epochs": 10}, source="sha256:0123456789abc")
        b = _with(
            make_run(), protocol={"learning_rate": 0.0003, "epochs": 10, "xla": True}, source="sha256:fedcba98765"
        )
        pairs = {"simple_cnn": [_pair(a, b)], "vgg16_frozen": [_pair(_with(a, source=a.code.source), b)]}  # type: ignore[union-attr]
        found = what_differs((A, B), (_ready(**PACKAGES, old="1"), _ready("3.13.0", keras="3.15", new="2")), pairs)
        assert found.rows == [
            ("code", "main, aaaaaaaaaa", "the working tree, aaaaaaaaaa with changes"),
            ("source of the package", "sha256:0123456789", "sha256:fedcba9876"),
            ("simple_cnn: learning_rate", "0.001", "0.0003"),
            ("simple_cnn: xla", "none", "True"),
            ("vgg16_frozen: learning_rate", "0.001", "0.0003"),
            ("vgg16_frozen: xla", "none", "True"),
            ("python", "3.11.7", "3.13.0"),
            ("keras", "3.14", "3.15"),
        ]
        assert (found.only_a, found.only_b) == (["numpy 2.1", "old 1"], ["new 2"])
        text = differences_text(found)
        assert "simple_cnn: learning_rate" in text
        assert text.endswith("2 packages only in A: numpy 2.1, old 1\n1 package only in B: new 2")

    def test_is_the_weights_that_models_start_from(self) -> None:
        weights = dataclasses.replace(make_run().fingerprints, weights="sha256:others")
        pairs = {"simple_cnn": [_pair(make_run(), make_run(fingerprints=weights))]}
        found = what_differs((A, A), (_ready(), _ready()), pairs)
        assert found.rows == [("simple_cnn: weights", "none", "sha256:others")]


def test_the_seeds_stand_side_by_side() -> None:
    same, other = make_run(seed=3, accuracy=0.7), make_run(seed=4, accuracy=0.6)
    text = trainings_text({"simple_cnn": [_pair(same, same), _pair(make_run(seed=4), other)], "vgg16_frozen": []})
    lines = [line.split(maxsplit=6) for line in text.splitlines()[2:]]
    assert lines == [
        ["simple_cnn", "3", "0.7000", "0.7000", "90.0", "90.0", "identical"],
        ["simple_cnn", "4", "0.7000", "0.6000", "90.0", "90.0", "differ after the last epoch (evaluation accuracy)"],
    ]


def test_without_seeds_the_table_says_so() -> None:
    assert trainings_text({"simple_cnn": []}) == "no seed was trained on both sides"


@pytest.fixture
def results() -> NightResults:
    night = NightRecord("synthetic", "sha256:data", "2026-01-31T02:00:00+00:00")
    experiments = [
        make_result("simple_cnn", "regression", "pass"),
        make_result("vgg16_frozen", problem="B died", runs=[]),
        make_result("improved_cnn", "pass", "pass"),
    ]
    return NightResults(None, night, experiments, ["no further training fits"])


def test_the_text_has_verdicts_reasons_and_the_answer(results: NightResults) -> None:
    text = results_text(results)
    assert text.startswith("A is the baseline, B is today.\nexperiment    metric ")
    assert "\nvgg16_frozen: not judged: B died\n" in text
    assert "\nsimple_cnn: regression\n  Accuracy 0.7000" in text
    assert "improved_cnn: pass" not in text
    assert text.splitlines()[-2] == "no further training fits"
    assert text.splitlines()[-1].startswith("2 of 3 experiments need a look: simple_cnn is a regression")


def test_the_summary_names_the_sides_and_what_differs(results: NightResults) -> None:
    text = summary(results, (A, B), WhatDiffers([("keras", "3.14", "3.15")], ["old 1"], []))
    assert "A is the baseline, B is today. A: main, aaaaaaaaaa; the current environment; B: the working tree," in text
    assert "on synthetic images." in text
    assert "Night of" not in text
    assert "> no further training fits" in text
    assert text.endswith("2 differences between the sides\n\n- keras: 3.14 to 3.15\n- 1 package only in A: old 1\n")


def test_a_summary_of_equal_sides_says_so(results: NightResults) -> None:
    assert summary(results, (A, A), WhatDiffers([], [], [])).endswith(f"\n- {NOTHING}\n")
