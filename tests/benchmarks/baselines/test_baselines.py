"""baselines.json: read back as written, refused whole for any flaw, changed whole or not at all."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.baselines.baselines import (
    SCHEMA,
    SMALLEST_CHANGE,
    Baseline,
    BaselineError,
    Baselines,
    find_baseline,
    measured_baseline,
    prediction_half_width,
    read_baselines,
    write_baselines,
)
from cifar_models.datasets.cifar10 import ARCHIVE_SHA256, OFFICIAL_FINGERPRINT
from cifar_models.models.pretrained import WEIGHTS_FILES
from cifar_models.results.run import Curves, Fingerprints, Run, Timings
from cifar_models.storage.strict_json import to_json
from tests.factories import FINGERPRINTS, make_baseline, make_published, make_run

pytestmark = pytest.mark.unit

DAY = datetime.date(2025, 1, 31)
BASELINES: Baselines = {
    "vgg16_frozen": {"cifar10": {"published": make_published(gap=None)}},
    "simple_cnn": {"synthetic": {"measured": make_baseline()}, "cifar10": {"published": make_published()}},
}
MEASURED = ("baselines", "simple_cnn", "synthetic", "measured")
PUBLISHED = ("baselines", "simple_cnn", "cifar10", "published")


def _content() -> dict[str, Any]:
    entries = {
        experiment: {
            dataset: {source: dataclasses.asdict(entry) for source, entry in sources.items()}
            for dataset, sources in datasets.items()
        }
        for experiment, datasets in BASELINES.items()
    }
    content: dict[str, Any] = json.loads(to_json({"schema": SCHEMA, "baselines": entries}))
    return content


TEXT = to_json(_content())


def _at(content: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        content = content[key]
    return content


def _with(path: tuple[Any, ...], value: Any) -> str:
    """Return the file's text with another value at a place."""
    if not path:
        return json.dumps(value)
    content = _content()
    _at(content, path[:-1])[path[-1]] = value
    return json.dumps(content)


def _refusal(path: Path) -> str:
    with pytest.raises(BaselineError) as caught:
        read_baselines(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert "expected" in text
    assert "restore it from version control" in text
    return text.removeprefix(f"{path}: ")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "baselines.json"


def test_baselines_are_read_back_as_they_were_written(path: Path) -> None:
    write_baselines(path, BASELINES)
    assert read_baselines(path) == BASELINES


def test_the_text_has_sorted_keys_two_spaces_of_indent_and_the_schema(path: Path) -> None:
    write_baselines(path, BASELINES)
    text = path.read_text(encoding="utf-8")
    assert text == TEXT
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"
    assert json.loads(text)["schema"] == SCHEMA == 2


def test_no_entry_at_all_is_read(path: Path) -> None:
    write_baselines(path, {})
    assert read_baselines(path) == {}


def test_a_missing_file_is_refused_with_both_ways_out(path: Path) -> None:
    text = _refusal(path)
    assert text.startswith("found no such file, expected the baselines; restore it from version control")
    assert "--update-baselines --seeds 30 --reason" in text


def test_a_folder_is_refused(path: Path) -> None:
    path.mkdir()
    text = _refusal(path)
    assert text.startswith("found nothing that can be read as text (")
    assert "Is a directory" in text


def test_bytes_that_are_no_utf8_are_refused(path: Path) -> None:
    path.write_bytes(TEXT.replace("the first", "the première").encode("latin-1"))
    assert _refusal(path).startswith("found nothing that can be read as text ('utf-8' codec can't decode")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "line 1, column 1: found no JSON (Expecting value), expected JSON text"),
        (TEXT[:-9], "found no JSON ("),
        ("[" * 100_000, "found values nested too deeply, expected"),
        ("[]", "schema: found None, expected 2"),
        ("null", "schema: found None, expected 2"),
        (_with(("schema",), 1), "schema: found 1, expected 2"),
        (_with(("schema",), True), "schema: found True, expected 2"),
        (_with(("schema",), "1"), "schema: found '1', expected 2"),
        ('{"baselines": {}}', "schema: found None, expected 2"),
        ('{"schema": 2}', "found no key 'baselines', expected 'schema' and 'baselines'"),
        (_with(("more",), {}), "found the unknown key 'more', expected 'schema' and 'baselines'"),
        (TEXT.replace("0.09", "NaN"), "found NaN, expected a finite number"),
        (TEXT.replace("0.09", "-Infinity"), "found -Infinity, expected a finite number"),
        (TEXT.replace("0.09", "1e999"), "found 1e999, expected a finite number"),
        (
            TEXT.replace('"weights": "none"', '"weights": "none", "weights": "none"', 1),
            "found the key 'weights' twice in one object, expected it once",
        ),
    ],
)
def test_a_text_that_is_no_baselines_file_is_refused(path: Path, text: str, expected: str) -> None:
    path.write_text(text, encoding="utf-8")
    assert expected in _refusal(path)


@pytest.mark.parametrize(
    "within",
    [
        MEASURED,
        PUBLISHED,
        (*MEASURED, "fingerprints"),
        (*MEASURED, "environment"),
        (*MEASURED, "metrics", "gap"),
        (*PUBLISHED, "metrics", "accuracy"),
    ],
)
def test_a_missing_and_an_unknown_key_are_refused_by_their_place(path: Path, within: tuple[str, ...]) -> None:
    place, entry = ".".join(within), _at(_content(), within)
    path.write_text(_with(within, entry | {"more": 1}), encoding="utf-8")
    assert _refusal(path).startswith(f"{place}: found the unknown key 'more', expected the keys [")
    for key in entry.keys() - {"nats_per_point", "settings", "cores"}:  # those were added later
        path.write_text(_with(within, {name: entry[name] for name in entry if name != key}), encoding="utf-8")
        assert _refusal(path).startswith(f"{place}: found no key {key!r}, expected the keys [")


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        # Wrong types, at each level.
        (("baselines",), [], "baselines: found [], expected dict"),
        (("baselines", "simple_cnn"), None, "baselines.simple_cnn: found None, expected dict"),
        (MEASURED[:3], 1, "baselines.simple_cnn.synthetic: found 1, expected dict"),
        (MEASURED, "x", "measured: found 'x', expected an object with the keys ["),
        ((*MEASURED, "source"), 1, "measured.source: found 1, expected str"),
        ((*MEASURED, "fingerprints", "data"), None, "fingerprints.data: found None, expected str"),
        ((*MEASURED, "metrics"), [], "metrics: found [], expected dict"),
        ((*MEASURED, "metrics", "gap", "values"), 0.1, "gap.values: found 0.1, expected list"),
        ((*MEASURED, "metrics", "gap", "values", 1), "0.1", "gap.values[1]: found '0.1', expected float"),
        ((*MEASURED, "metrics", "gap", "tolerance"), None, "gap.tolerance: found None, expected float"),
        ((*MEASURED, "metrics", "gap", "tolerance_reason"), 4, "tolerance_reason: found 4, expected str"),
        ((*MEASURED, "seeds", 0), 0.0, "seeds[0]: found 0.0, expected int"),
        ((*MEASURED, "seconds", 2), "60", "seconds[2]: found '60', expected float"),
        ((*MEASURED, "environment"), "CPU", "environment: found 'CPU', expected an object with the keys ["),
        ((*MEASURED, "environment", "packages"), None, "environment.packages: found None, expected dict"),
        # Right types that make no sense.
        (
            (*MEASURED, "metrics", "gap", "tolerance"),
            0.0,
            "metrics.gap.tolerance: found 0.0, expected above 0 and below 1.0",
        ),
        ((*MEASURED, "metrics", "gap", "tolerance"), -0.01, "gap.tolerance: found -0.01, expected above 0"),
        ((*PUBLISHED, "metrics", "accuracy", "tolerance"), 1, "accuracy.tolerance: found 1.0, expected above"),
        (
            (*MEASURED, "metrics", "accuracy", "values", 0),
            1.01,
            "accuracy.values: found [1.01, 0.7, 0.71], expected 0.0 to 1",
        ),
        ((*PUBLISHED, "metrics", "accuracy", "values", 0), -0.01, "values: found [-0.01], expected 0.0 to 1"),
        ((*PUBLISHED, "metrics", "gap", "values", 0), -1.01, "values: found [-1.01], expected -1.0 to 1"),
        ((*MEASURED, "source"), "published", "measured.source: found 'published', expected 'measured', as"),
        ((*PUBLISHED, "source"), "measured", "published.source: found 'measured', expected 'published', as"),
        ((*MEASURED[:3], "guessed"), _at(_content(), MEASURED), "guessed.source: found 'guessed', expected one"),
        ((*MEASURED, "reason"), " ", "measured.reason: found ' ', expected why it was set"),
        ((*MEASURED, "seeds"), [0, 1], "seeds: found 2, expected 3 or more if measured, else none"),
        ((*PUBLISHED, "seeds"), [0], "seeds: found 1, expected 3 or more if measured, else none"),
        ((*MEASURED, "seeds"), [0, 1, 2, 3], "epochs: found 3, expected 4, one a seed"),
        ((*MEASURED, "seeds"), [0, 1, 1], "seeds: found [0, 1, 1], expected each seed once"),
        ((*MEASURED, "epochs"), [2], "epochs: found 1, expected 3, one a seed"),
        ((*MEASURED, "seconds"), [], "seconds: found 0, expected 3, one a seed"),
        ((*MEASURED, "metrics", "accuracy", "values"), [0.7], "accuracy.values: found 1, expected 3, one a"),
        ((*PUBLISHED, "metrics", "accuracy", "values"), [0.7, 0.7], "values: found 2, expected 1, one a seed"),
        ((*MEASURED, "environment"), None, "environment: found None, expected one if measured, else none"),
        ((*MEASURED, "feature_seconds"), None, "feature_seconds: found None, expected one if measured, else none"),
        ((*PUBLISHED, "feature_seconds"), 1, "feature_seconds: found 1.0, expected one if measured, else none"),
        ((*MEASURED, "f1"), None, "f1: found None, expected one if measured, else none"),
        ((*MEASURED, "f1", "values"), {}, "f1: found ClassMetric(values={}, "),
        ((*PUBLISHED, "f1"), _at(_content(), (*MEASURED, "f1")), "f1: found ClassMetric("),
        ((*MEASURED, "f1", "values", "dog"), [0.8, 0.8], "f1.dog.values: found 2, expected 3, one a seed"),
        ((*MEASURED, "f1", "values", "dog", 1), -0.1, "f1.dog.values: found [0.8, -0.1, 0.8], expected 0.0 to 1"),
        ((*MEASURED, "f1", "tolerance"), 0, "f1.cat.tolerance: found 0.0, expected above 0 and below 1.0"),
        ((*MEASURED, "metrics"), {}, "metrics: found [], expected an accuracy"),
        (
            (*PUBLISHED, "metrics"),
            {"gap": _at(_content(), (*PUBLISHED, "metrics", "gap"))},
            "published.metrics: found ['gap'], expected an accuracy",
        ),
        (
            (*MEASURED, "metrics"),
            {"accuracy": _at(_content(), (*MEASURED, "metrics", "accuracy"))},
            "metrics: found ['accuracy'], expected ('accuracy', 'loss', 'gap'), all if measured",
        ),
        (
            (*PUBLISHED, "metrics", "f1"),
            _at(_content(), (*PUBLISHED, "metrics", "gap")),
            "metrics: found 'f1', expected one of ('accuracy', 'loss', 'gap')",
        ),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_place(
    path: Path, place: tuple[Any, ...], value: Any, expected: str
) -> None:
    path.write_text(_with(place, value), encoding="utf-8")
    assert expected in _refusal(path)


@pytest.mark.parametrize(
    ("loss", "nats", "expected"),
    [
        ((1.0, -0.1, 1.0), 0.03, "measured.metrics.loss.values: found [1.0, -0.1, 1.0], expected 0.0 to 16.1181"),
        ((1.0, 17.0, 1.0), 0.03, "measured.metrics.loss.values: found [1.0, 17.0, 1.0], expected 0.0 to 16.1181"),
        ((1.0, 1.1), 0.03, "measured.metrics.loss.values: found 2, expected 3, one a seed"),
        ((1.0, 1.1, 1.2), 0.0, "measured.nats_per_point: found 0.0, expected above 0"),
    ],
)
def test_a_loss_that_makes_no_sense_is_refused_by_its_place(
    path: Path, loss: tuple[float, ...], nats: float, expected: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)):
        write_baselines(path, {"a": {"b": {"measured": make_baseline(loss=loss, nats_per_point=nats)}}})
    assert not path.exists()


def test_a_loss_is_written_and_read_back_with_its_price_in_points(path: Path) -> None:
    baselines: Baselines = {"a": {"b": {"measured": make_baseline(loss=(1.0, 1.1, 1.2), nats_per_point=0.03)}}}
    write_baselines(path, baselines)
    assert read_baselines(path) == baselines


def test_the_loss_of_runs_that_recorded_it_is_measured_and_its_tolerance_is_the_accuracy_s() -> None:
    curves = Curves(loss=[2, 1.5, 1], accuracy=[0.5, 0.6, 0.7], val_loss=[2, 1.6, 1.2], val_accuracy=[0.5, 0.6, 0.7])
    runs = [dataclasses.replace(make_run(seed=seed, loss=1.2 + seed / 100), curves=curves) for seed in range(3)]
    baseline = measured_baseline(runs, reason="r", day=DAY)
    assert baseline.nats_per_point == pytest.approx(0.04)
    assert baseline.metrics["loss"].values == [1.2, 1.21, 1.22]
    assert baseline.metrics["loss"].tolerance == pytest.approx(0.02)  # half a point
    old = [*runs[:2], dataclasses.replace(make_run(seed=2), curves=curves)]
    assert "loss" not in measured_baseline(old, reason="r", day=DAY).metrics


def test_the_ends_of_the_ranges_belong_to_them(path: Path) -> None:
    baselines: Baselines = {"a": {"b": {"measured": make_baseline(accuracy=(0, 0.5, 1), gap=(-1, 0, 1))}}}
    write_baselines(path, baselines)
    assert read_baselines(path) == baselines


def _fail(*_: object) -> None:
    raise OSError("no space left on device")


def test_what_the_reader_refuses_is_not_written(path: Path) -> None:
    write_baselines(path, {"a": {"synthetic": {"measured": make_baseline()}}})
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"a\.synthetic\.measured\.reason: found ' ', expected why it was set"):
        write_baselines(path, {"a": {"synthetic": {"measured": make_baseline(reason=" ")}}})
    assert path.read_bytes() == before


@pytest.mark.parametrize(("owner", "step"), [(os, "fsync"), (Path, "replace")])
@pytest.mark.parametrize("exists", [True, False])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, step: str, exists: bool
) -> None:
    if exists:
        write_baselines(path, BASELINES)
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    monkeypatch.setattr(owner, step, _fail)
    with pytest.raises(OSError, match="no space left"):
        write_baselines(path, {})
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before
    assert len(before) == exists


def test_a_baseline_that_json_cannot_hold_leaves_the_old_file_and_nothing_else(path: Path) -> None:
    write_baselines(path, BASELINES)
    with pytest.raises(ValueError, match="found nan, expected above 0"):
        write_baselines(path, {"a": {"b": {"measured": make_baseline(tolerance=float("nan"))}}})
    assert path.read_text(encoding="utf-8") == TEXT
    assert list(path.parent.iterdir()) == [path]


def test_the_text_is_on_the_disk_before_it_takes_the_old_file_s_place(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(descriptor: int) -> None:
        steps.append("fsync")
        fsync(descriptor)

    def note_replace(source: Path, target: Path) -> Path:
        steps.append(f"replace {source.read_text(encoding='utf-8') == TEXT}")
        assert source.parent == target.parent, "a rename is atomic within one file system only"
        return replace(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    write_baselines(path, BASELINES)
    assert steps == ["fsync", "replace True"]


def test_a_file_keeps_its_mode_and_a_new_one_can_be_read_by_all(path: Path) -> None:
    write_baselines(path, {})
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o640)
    write_baselines(path, BASELINES)
    assert path.stat().st_mode & 0o777 == 0o640


def _runs(accuracies: list[float], gaps: list[float]) -> list[Run]:
    pairs = enumerate(zip(accuracies, gaps, strict=True))
    return [make_run(seed=seed, accuracy=accuracy, gap=gap) for seed, (accuracy, gap) in pairs]


def test_a_measured_baseline_holds_each_run_by_seed() -> None:
    runs = _runs([0.50, 0.51, 0.52], [0.10, 0.11, 0.12])
    baseline = measured_baseline(reversed(runs), reason=" a new optimizer ", day=DAY)
    assert baseline.source == "measured"
    assert baseline.fingerprints == FINGERPRINTS
    assert baseline.metrics["accuracy"].values == [0.50, 0.51, 0.52]
    assert baseline.metrics["gap"].values == pytest.approx([0.10, 0.11, 0.12])
    assert baseline.seeds == [0, 1, 2]
    assert baseline.epochs == [2, 2, 2]
    assert baseline.seconds == [60.0, 60.0, 60.0]
    assert baseline.environment == runs[0].environment
    assert baseline.recorded == "2025-01-31"
    assert baseline.reason == "a new optimizer"


def test_the_f1_of_each_class_is_held_by_seed() -> None:
    runs = [make_run(seed=seed, f1={"cat": 0.5 + seed / 10, "dog": 0.25}) for seed in range(3)]
    f1 = measured_baseline(reversed(runs), reason="r", day=DAY).f1
    assert f1 is not None
    assert f1.values == {"cat": [0.5, 0.6, 0.7], "dog": [0.25, 0.25, 0.25]}
    assert f1.tolerance == SMALLEST_CHANGE["f1"]


def test_the_features_cost_what_the_run_took_that_computed_them() -> None:
    runs = [make_run(seed=seed, timings=Timings(features=[0.01, 30.04, 0.0][seed], training=1.0)) for seed in range(3)]
    assert measured_baseline(runs, reason="r", day=DAY).feature_seconds == 30.0


def test_a_tolerance_is_the_smallest_change_worth_acting_on_however_far_runs_are_apart() -> None:
    for spread in (0.0001, 0.05):
        runs = _runs([0.7, 0.7, 0.7 + spread], [0.1, 0.1, 0.1 + spread])
        metrics = measured_baseline(runs, reason="r", day=DAY).metrics
        assert {name: metric.tolerance for name, metric in metrics.items()} == {"accuracy": 0.005, "gap": 0.01}


def test_gaps_of_runs_that_stopped_at_different_epochs_are_allowed_as_much_as_that_puts_them_apart() -> None:
    runs = [make_run(seed=seed, gap=[0.10, 0.16, 0.11][seed], epochs=[10, 7, 10][seed]) for seed in range(3)]
    metrics = measured_baseline(runs, reason="r", day=DAY).metrics
    assert metrics["gap"].tolerance == pytest.approx(0.055)
    assert "by the epochs it ended them at" in metrics["gap"].tolerance_reason
    assert metrics["accuracy"].tolerance == 0.005


def test_gaps_that_vary_whatever_epoch_they_stopped_at_are_left_to_their_spread() -> None:
    runs = [make_run(seed=seed, gap=[0.00, 0.05, 0.10][seed], epochs=[10, 9, 10][seed]) for seed in range(3)]
    assert measured_baseline(runs, reason="r", day=DAY).metrics["gap"].tolerance == 0.01


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("written") / "baselines.json"


@pytest.mark.property
@settings(deadline=None, max_examples=50)
@given(
    values=st.lists(st.tuples(st.floats(0, 1), st.floats(-1, 1)), min_size=3, max_size=6),
)
def test_whatever_is_measured_can_be_read_back_or_is_refused(written: Path, values: list[tuple[float, float]]) -> None:
    runs = _runs([accuracy for accuracy, _ in values], [gap for _, gap in values])
    try:
        baseline = measured_baseline(runs, reason="r", day=DAY)
    except ValueError as error:
        assert "close enough to each other" in str(error)  # noqa: PT017 - either outcome is right
        return
    write_baselines(written, {"a": {"b": {"measured": baseline}}})
    assert read_baselines(written) == {"a": {"b": {"measured": baseline}}}


@pytest.mark.parametrize(
    ("runs", "reason", "expected"),
    [
        ([], "r", "runs: found 0, expected 3 or more"),
        (_runs([0.7] * 2, [0.1] * 2), "r", "runs: found 2, expected 3 or more"),
        ([*_runs([0.7] * 3, [0.1] * 3), make_run(seed=2)], "r", "runs: found a seed twice, expected each"),
        ([*_runs([0.7] * 3, [0.1] * 3), make_run("other", seed=3)], "r", "found several experiments"),
        ([*_runs([0.7] * 3, [0.1] * 3), make_run(seed=3, dataset="cifar10")], "r", "found several exp"),
        (_runs([0.7] * 3, [0.1] * 3), "", "reason: found none, expected why the baseline changes"),
        (_runs([0.7] * 3, [0.1] * 3), " \n", "reason: found none, expected why the baseline changes"),
        (_runs([0.7, 0.7, float("nan")], [0.1] * 3), "r", "accuracy: found [0.7, 0.7, nan], expected finite"),
        (_runs([0.7] * 3, [0.1, 0.1, float("inf")]), "r", "gap: found [0.1, 0.1, "),
        (_runs([0.1, 0.75, 0.75], [0.1] * 3), "r", "accuracy: found 0.1000, 0.7500, 0.7500, expected runs close"),
    ],
)
def test_runs_that_make_no_baseline_are_refused(runs: list[Run], reason: str, expected: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        measured_baseline(runs, reason=reason, day=DAY)
    assert expected in str(caught.value)


@pytest.mark.parametrize("part", ["data", "weights", "protocol"])
def test_runs_of_several_fingerprints_make_no_baseline(part: str) -> None:
    other = make_run(seed=3, fingerprints=dataclasses.replace(FINGERPRINTS, **{part: "sha256:other"}))
    with pytest.raises(ValueError, match="found several experiments, data sets or fingerprints, expected one"):
        measured_baseline([*_runs([0.7] * 3, [0.1] * 3), other], reason="r", day=DAY)


PRETRAINED = Fingerprints(data="sha256:data", weights="sha256:weights", protocol="sha256:protocol")


def _find(
    sources: dict[str, Baseline],
    fingerprints: Fingerprints = FINGERPRINTS,
) -> Baseline:
    return find_baseline(
        {"simple_cnn": {"synthetic": sources}},
        experiment="simple_cnn",
        dataset="synthetic",
        fingerprints=fingerprints,
        update_command="the command",
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


def test_entries_that_name_published_files_by_checksum_are_read_as_the_fingerprints_of_what_these_hold(
    tmp_path: Path,
) -> None:
    checksum = f"cifar-10-python.tar.gz sha256:{ARCHIVE_SHA256}"
    for file in WEIGHTS_FILES.values():
        former = Fingerprints(data=checksum, weights=f"md5:{file.md5}", protocol="sha256:protocol")
        write_baselines(tmp_path / "b.json", {"one": {"cifar10": {"published": make_published(fingerprints=former)}}})
        (entry,) = read_baselines(tmp_path / "b.json")["one"]["cifar10"].values()
        assert entry.fingerprints == Fingerprints(OFFICIAL_FINGERPRINT, file.fingerprint, "sha256:protocol")


def test_weights_and_none_differ_either_way() -> None:
    text = _not_found(lambda: _find({"measured": make_baseline()}, PRETRAINED))
    assert (
        "the weights fingerprint differs, so there is nothing to compare: found sha256:weights, expected None" in text
    )
    text = _not_found(lambda: _find({"measured": make_baseline(fingerprints=PRETRAINED)}))
    assert (
        "the weights fingerprint differs, so there is nothing to compare: found None, expected sha256:weights" in text
    )


def test_the_prediction_interval_holds_one_further_run_as_often_as_it_says() -> None:
    runs = np.random.default_rng(0).normal(0.7, 0.01, size=(4_000, 6))
    missed = sum(abs(run[5] - run[:5].mean()) > prediction_half_width(run[:5].tolist()) for run in runs)
    assert 20 < missed < 60, "1 % of 4,000 and three standard deviations, 6.3 each, either way"


def test_the_prediction_interval_is_student_s() -> None:
    # t = 4.604 for 4 degrees of freedom and 99 %, from the usual tables; s = sqrt(2.5).
    assert prediction_half_width([1, 2, 3, 4, 5]) == pytest.approx(4.604 * 2.5**0.5 * 1.2**0.5, rel=1e-4)


def test_a_file_of_the_old_layout_is_refused_with_the_new_place_of_its_speeds(tmp_path: Path) -> None:
    path = tmp_path / "baselines.json"
    path.write_text(to_json(_content() | {"throughput": {}}))
    expected = "found speeds under 'throughput', expected them under 'speeds' in throughput_baselines.json beside this"
    assert expected in _refusal(path)
