"""What differs between the baseline's runs and today's: all of it, and the most important first."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from benchmarks.judging.differences import Comparison, compare, differing_first
from cifar_models.results.run import Run
from cifar_models.results.source_code import Code
from tests.factories import CODE, ENVIRONMENT, FINGERPRINTS, make_baseline, make_run

pytestmark = pytest.mark.unit

BASELINE = make_baseline()


def _differing(today: Run, recorded: list[Run] | None = None) -> list[tuple[str, str | None, str | None]]:
    found = compare(BASELINE, [make_run()] if recorded is None else recorded, [today])
    return [(one.what, one.baseline, one.today) for one in found if one.differs]


def _elsewhere(**changed: Any) -> Run:
    return dataclasses.replace(make_run(), environment=dataclasses.replace(ENVIRONMENT, **changed))


def test_a_run_like_the_baseline_s_differs_in_nothing_and_all_is_known() -> None:
    found = compare(BASELINE, [make_run()], [make_run(seed=1, accuracy=0.5)])
    assert all(one.known and not one.differs for one in found)
    assert [one.what for one in found] == [
        *("data", "weights", "protocol", "protocol: epochs", "source of the package", "git commit"),
        *("keras", "device", "driver", "processor", "settings", "cores", "python", "system"),
    ]


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (make_run(fingerprints=dataclasses.replace(FINGERPRINTS, data="other")), ("data", "sha256:data", "other")),
        (make_run(fingerprints=dataclasses.replace(FINGERPRINTS, weights="w")), ("weights", "none", "w")),
        (dataclasses.replace(make_run(), protocol={"epochs": 3}), ("protocol: epochs", "10", "3")),
        (
            dataclasses.replace(make_run(), code=Code("fed", CODE.source)),
            ("git commit", "0123abc", "fed"),
        ),
        (
            dataclasses.replace(make_run(), code=Code(CODE.commit, "sha256:other")),
            ("source of the package", "sha256:source", "sha256:other"),
        ),
        (_elsewhere(packages={"keras": "3.9.0"}), ("keras", "3.8.0", "3.9.0")),
        (_elsewhere(device="a GPU"), ("device", "CPU", "a GPU")),
        (_elsewhere(driver="535"), ("driver", "none", "535")),
        (_elsewhere(processor="another"), ("processor", "a processor", "another")),
        (
            _elsewhere(settings={"TF32": "True", "TF_ENABLE_ONEDNN_OPTS": "0"}),
            ("settings", "TF32 True", "TF32 True, TF_ENABLE_ONEDNN_OPTS 0"),
        ),
        (_elsewhere(cores=1), ("cores", "2", "1")),
        (_elsewhere(python="3.13.0"), ("python", "3.11.0", "3.13.0")),
        (_elsewhere(system="Darwin arm64"), ("system", "Linux x86_64", "Darwin arm64")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_differs_is_said_with_both_values(today: Run, expected: tuple[str, str, str]) -> None:
    assert _differing(today) == [expected]


def test_a_package_that_only_one_side_has_is_not_known_on_the_other() -> None:
    (found,) = [
        one
        for one in compare(BASELINE, [make_run()], [_elsewhere(packages={"keras": "3.8.0", "h5py": "3"})])
        if one.what == "h5py"
    ]
    assert (found.baseline, found.today, found.known, found.differs) == (None, "3", False, False)


def test_several_runs_that_differ_among_themselves_show_all_their_values() -> None:
    other = _elsewhere(device="a GPU")
    (device,) = [one for one in compare(BASELINE, [make_run(), other], [make_run()]) if one.what == "device"]
    assert device == Comparison("device", "CPU, a GPU", "CPU")


def test_without_the_baseline_s_runs_its_code_and_protocol_are_not_known() -> None:
    found = {one.what: one for one in compare(BASELINE, [], [_elsewhere(device="a GPU")])}
    assert found["device"].differs
    assert not found["git commit"].known
    assert not found["protocol: epochs"].known
    assert not found["protocol"].differs


def test_packages_stand_in_the_order_of_what_they_decide() -> None:
    today = _elsewhere(packages={"h5py": "3", "keras": "3", "numpy": "2", "tensorflow": "2"})
    found = [one.what for one in compare(BASELINE, [], [today])]
    assert found[-11:] == [
        *(
            "tensorflow",
            "keras",
            "device",
            "driver",
            "processor",
            "settings",
            "cores",
            "h5py",
            "numpy",
            "python",
            "system",
        ),
    ]


def test_what_differs_comes_first_then_what_nobody_knows() -> None:
    same, unknown, other = Comparison("a", "1", "1"), Comparison("b", None, "1"), Comparison("c", "1", "2")
    assert differing_first([same, unknown, other]) == [other, unknown, same]


def test_without_a_run_there_is_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="found no run"):
        compare(BASELINE, [], [])
