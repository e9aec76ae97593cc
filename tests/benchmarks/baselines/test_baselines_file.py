"""baselines.json: read back as written, refused whole for any flaw, changed whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks.baselines.baseline import BaselineError, Baselines
from benchmarks.baselines.baselines_file import SCHEMA, read_baselines, write_baselines
from cifar_models.datasets.cifar10 import ARCHIVE_SHA256, OFFICIAL_FINGERPRINT
from cifar_models.models.pretrained import WEIGHTS_FILES
from cifar_models.results.run import Fingerprints
from cifar_models.storage.strict_json import to_json
from tests.factories import make_baseline, make_published

pytestmark = pytest.mark.unit

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
        ('{"schema": 2}', "found the keys [] beside 'schema', expected 'baselines' alone"),
        (_with(("more",), {}), "found the keys ['baselines', 'more'] beside 'schema', expected 'baselines' alone"),
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


def test_a_loss_is_written_and_read_back_with_its_price_in_points(path: Path) -> None:
    baselines: Baselines = {"a": {"b": {"measured": make_baseline(loss=(1.0, 1.1, 1.2), nats_per_point=0.03)}}}
    write_baselines(path, baselines)
    assert read_baselines(path) == baselines


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


def test_entries_that_name_published_files_by_checksum_are_read_as_the_fingerprints_of_what_these_hold(
    tmp_path: Path,
) -> None:
    checksum = f"cifar-10-python.tar.gz sha256:{ARCHIVE_SHA256}"
    for file in WEIGHTS_FILES.values():
        former = Fingerprints(data=checksum, weights=f"md5:{file.md5}", protocol="sha256:protocol")
        write_baselines(tmp_path / "b.json", {"one": {"cifar10": {"published": make_published(fingerprints=former)}}})
        (entry,) = read_baselines(tmp_path / "b.json")["one"]["cifar10"].values()
        assert entry.fingerprints == Fingerprints(OFFICIAL_FINGERPRINT, file.fingerprint, "sha256:protocol")


def test_a_file_of_the_old_layout_is_refused_with_the_new_place_of_its_speeds(tmp_path: Path) -> None:
    path = tmp_path / "baselines.json"
    path.write_text(to_json(_content() | {"throughput": {}}))
    expected = "found speeds under 'throughput', expected them under 'speeds' in throughput_baselines.json beside this"
    assert expected in _refusal(path)
