"""A run's record: written to JSON and read back as it was, and no other text is taken for one."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_models.results.environment import Environment
from cifar_models.results.evaluation import ClassReport, Evaluation, HeldOut
from cifar_models.results.run import FORMAT, Curves, Fingerprints, Run, RunError, Timings
from cifar_models.results.source_code import Code

pytestmark = pytest.mark.unit

RUN = Run(
    experiment="simple_cnn",
    seed=3,
    dataset="synthetic",
    weights="none",
    fingerprints=Fingerprints(data="sha256:d", weights=None, protocol="sha256:p"),
    protocol={"epochs": 2, "learning_rate": 0.001, "backbone": None},
    curves=Curves(
        loss=[2.0, 1.0, 0.5], accuracy=[0.5, 0.75, 0.875], val_loss=[1.5, 1.0, 2.0], val_accuracy=[0.5, 0.75, 0.25]
    ),
    evaluation=Evaluation(
        accuracy=0.75,
        classes={"cat": ClassReport(precision=1.0, recall=0.75, f1=0.8571428571428571, images=4)},
        confusion=[[3, 1], [0, 0]],
        loss=1.0,
    ),
    timings=Timings(features=0.0, training=12.25, processor=20.5),
    environment=Environment(
        packages={"keras": "3.8.0"}, python="3.11.0", system="Linux", processor="a processor", device="CPU", driver=None
    ),
    code=Code(commit="0123abc", source="sha256:s"),
    started="2025-01-31T02:00:00+00:00",
    peak_memory=2**30,
)

finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text('az"\\\n\0é\u2028😀', max_size=6)
counts = st.integers(0, 2**40)


def curves_of(epochs: int) -> st.SearchStrategy[Curves]:
    curve = st.lists(finite, min_size=epochs, max_size=epochs)
    return st.builds(Curves, loss=curve, accuracy=curve, val_loss=curve, val_accuracy=curve)


runs = st.builds(
    Run,
    experiment=texts,
    seed=counts,
    dataset=texts,
    weights=texts,
    fingerprints=st.builds(Fingerprints, data=texts, weights=st.none() | texts, protocol=texts),
    protocol=st.dictionaries(texts, st.none() | texts | finite | counts | st.booleans(), max_size=3),
    curves=st.integers(1, 3).flatmap(curves_of),
    evaluation=st.builds(
        Evaluation,
        accuracy=finite,
        classes=st.dictionaries(
            texts,
            st.builds(ClassReport, precision=finite, recall=finite, f1=finite, images=counts),
            max_size=2,
        ),
        confusion=st.lists(st.lists(counts, max_size=2), max_size=2),
        loss=st.none() | finite,
    ),
    timings=st.builds(Timings, features=finite, training=finite, processor=st.none() | finite),
    environment=st.builds(
        Environment,
        packages=st.dictionaries(texts, texts, max_size=2),
        python=texts,
        system=texts,
        processor=texts,
        device=texts,
        driver=st.none() | texts,
    ),
    code=st.none() | st.builds(Code, commit=st.none() | texts, source=texts),
    started=st.none() | texts,
    peak_memory=st.none() | counts,
    held_out=st.none() | st.builds(HeldOut, images=counts, accuracy=finite, loss=finite),
)


def _record(**changed: Any) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(RUN.to_json())
    return record | changed


def _with(path: tuple[Any, ...], value: Any) -> str:
    """Return the record's text with another value at a place."""
    record = _record()
    inner: Any = record
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return json.dumps(record)


def _refusal(text: str) -> str:
    with pytest.raises(RunError) as caught:
        Run.from_json(text)
    return str(caught.value)


@pytest.mark.property
@settings(deadline=None, max_examples=50)
@given(run=runs)
def test_a_run_is_read_back_as_it_was_written(run: Run) -> None:
    again = Run.from_json(run.to_json())
    assert again == run
    assert again.to_json() == run.to_json()


def test_the_text_has_sorted_keys_two_spaces_of_indent_and_the_format() -> None:
    text = RUN.to_json()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"
    recorded = dataclasses.asdict(RUN)
    assert recorded.pop("held_out") is None  # an older version would not know the key
    assert json.loads(text) == {"format": FORMAT, **recorded}


def test_a_value_that_came_later_is_left_out_where_it_is_not_known() -> None:
    timings = Timings(features=0.0, training=12.25)
    text = dataclasses.replace(RUN, timings=timings).to_json()
    assert json.loads(text)["timings"] == {"features": 0.0, "training": 12.25}
    assert Run.from_json(text).timings == timings


def test_accuracy_and_epochs_follow_from_what_is_recorded() -> None:
    assert RUN.accuracy == 0.75
    assert RUN.epochs == 3


def test_the_gap_is_train_minus_validation_of_the_last_epoch() -> None:
    assert RUN.gap == 0.875 - 0.25  # in the best epoch, the second, it would be 0


def test_the_gap_is_below_0_where_validation_is_the_better() -> None:
    curves = Curves(loss=[1.0], accuracy=[0.25], val_loss=[1.0], val_accuracy=[0.5])
    assert dataclasses.replace(RUN, curves=curves).gap == -0.25


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_run_with_a_number_that_json_lacks_is_not_written(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dataclasses.replace(RUN, timings=Timings(features=number, training=1.0)).to_json()


def test_a_run_error_is_a_value_error() -> None:
    assert issubclass(RunError, ValueError)


@pytest.mark.parametrize("text", ["", "{", RUN.to_json()[:-9], "[" * 100_000, "\0", "9" * 5000])
def test_what_is_no_json_is_refused(text: str) -> None:
    assert _refusal(text).endswith("; this is not a run that this version of the package can read")


@pytest.mark.parametrize("value", [[], None, 1, "text", {}, _record(format=FORMAT + 1), _record(format=None)])
def test_another_format_is_refused(value: Any) -> None:
    assert re.match(f"format: found .+, expected {FORMAT}; ", _refusal(json.dumps(value)))


@pytest.mark.parametrize("key", [key for key in _record() if key != "format"])
def test_a_missing_key_is_refused(key: str) -> None:
    record = _record()
    del record[key]
    assert _refusal(json.dumps(record)).startswith(f"run: found no key {key!r}, expected the keys [")


@pytest.mark.parametrize("key", ["curves", "fingerprints", "evaluation", "timings", "environment"])
def test_a_missing_and_an_unknown_inner_key_are_refused_by_their_place(key: str) -> None:
    record = _record()
    removed = next(name for name in record[key] if name not in {"loss", "settings", "cores"})  # added later
    value = record[key].pop(removed)
    assert _refusal(json.dumps(record)).startswith(f"run.{key}: found no key {removed!r}, expected the keys [")
    record[key] |= {removed: value, "unknown": value}
    assert _refusal(json.dumps(record)).startswith(f"run.{key}: found the unknown key 'unknown', expected the")


def test_a_record_from_before_loss_settings_and_cores_is_read_without_them() -> None:
    record = _record()
    del record["evaluation"]["loss"], record["environment"]["settings"], record["environment"]["cores"]
    run = Run.from_json(json.dumps(record))
    assert (run.evaluation.loss, run.environment.settings, run.environment.cores) == (None, None, None)
    assert run.loss == RUN.curves.val_loss[1]  # of the best epoch


def test_the_best_epoch_is_the_first_best_of_what_early_stopping_watches() -> None:
    curves = dataclasses.replace(RUN.curves, val_accuracy=[0.5, 0.75, 0.75], val_loss=[1.0, 2.0, 1.0])
    assert dataclasses.replace(RUN, curves=curves).best_epoch == 2
    by_loss = dataclasses.replace(RUN, curves=curves, protocol={"early_stopping_monitor": "val_loss"})
    assert by_loss.best_epoch == 1


def test_an_unknown_key_is_refused() -> None:
    assert _refusal(json.dumps(_record(unknown=1))).startswith("run: found the unknown key 'unknown'")


def test_a_record_from_before_the_fingerprints_named_the_official_files_is_read() -> None:
    assert Run.from_json(json.dumps(_record(checksums={"data": None, "weights": "md5:w"}))) == RUN


def test_a_key_that_stands_twice_is_refused() -> None:
    text = RUN.to_json().replace('"seed": 3', '"seed": 3, "seed": 4')
    assert _refusal(text).startswith("found the key 'seed' twice in one object")


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("experiment",), 1, "run.experiment: found 1, expected str"),
        (("seed",), "3", "run.seed: found '3', expected int"),
        (("seed",), 3.0, "run.seed: found 3.0, expected int"),
        (("seed",), True, "run.seed: found True, expected int"),
        (("weights",), None, "run.weights: found None, expected str"),
        (("fingerprints",), "sha256:d", "run.fingerprints: found 'sha256:d', expected an object with the keys"),
        (("fingerprints", "weights"), 5, "run.fingerprints.weights: found 5, expected str"),
        (("protocol",), [], "run.protocol: found [], expected dict"),
        (("curves", "loss"), {}, "run.curves.loss: found {}, expected list"),
        (("curves", "loss", 1), "1", "run.curves.loss[1]: found '1', expected float"),
        (("curves", "loss", 1), None, "run.curves.loss[1]: found None, expected float"),
        (("timings", "training"), False, "run.timings.training: found False, expected float"),
        (("evaluation", "accuracy"), 10**400, "run.evaluation.accuracy: found 1000"),
        (("evaluation", "classes", "cat", "images"), 4.0, "run.evaluation.classes.cat.images: found 4.0"),
        (("evaluation", "confusion", 0), 3, "run.evaluation.confusion[0]: found 3, expected list"),
        (("environment", "packages"), ["keras"], "run.environment.packages: found ['keras'], expected dict"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_its_place(path: tuple[Any, ...], value: Any, expected: str) -> None:
    assert _refusal(_with(path, value)).startswith(expected)


def test_a_whole_number_is_read_where_a_float_belongs() -> None:
    run = Run.from_json(_with(("timings", "training"), 12))
    assert type(run.timings.training) is float
    assert run.timings.training == 12


@pytest.mark.parametrize("name", ["loss", "accuracy", "val_loss", "val_accuracy"])
def test_curves_of_unequal_lengths_are_refused(name: str) -> None:
    text = _refusal(_with(("curves", name), [0.5, 0.5]))
    assert text == "run.curves: found curves of [2, 3] epochs, expected one length of 1 or more"


def test_curves_without_an_epoch_are_refused() -> None:
    curves: dict[str, list[float]] = {name: [] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    assert "found curves of [0] epochs" in _refusal(_with(("curves",), curves))


def _read_or_refuse(text: str) -> Run | None:
    try:
        return Run.from_json(text)
    except RunError:
        return None


@pytest.mark.parametrize("number", [10**400, -(10**400)])
@pytest.mark.parametrize("path", [("timings", "training"), ("curves", "loss", 0), ("protocol", "learning_rate")])
def test_an_integer_beyond_all_floats_is_read_or_refused(path: tuple[Any, ...], number: int) -> None:
    _read_or_refuse(_with(path, number))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("path", [("evaluation", "accuracy"), ("curves", "val_loss", 2), ("timings", "features")])
def test_a_number_that_is_not_finite_is_refused(path: tuple[Any, ...], number: str) -> None:
    text = _with(path, "here").replace('"here"', number)
    assert "found " in _refusal(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_protocol_holds_no_number_that_json_lacks(number: str) -> None:
    text = _with(("protocol", "learning_rate"), ["here"]).replace('"here"', number)
    assert f"found {number}" in _refusal(text)


@pytest.mark.parametrize("part", ["data", "weights", "protocol"])
def test_fingerprints_name_the_first_part_that_differs(part: str) -> None:
    ours = Fingerprints(data="sha256:d", weights=None, protocol="sha256:p")
    assert ours.differing_part(ours) == ""
    later = {"protocol": "sha256:other"} | {part: "sha256:other"}
    assert ours.differing_part(dataclasses.replace(ours, **later)) == part
